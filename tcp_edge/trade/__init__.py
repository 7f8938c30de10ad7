"""Commands 2xxxxx: orders, and what the counter says of the account.

service   the commands
setting   what all accounts of a gateway have in common
desk      one account; ties the folders together
account/  its login, and the book that follows its returns
queries/  what clients ask the counter, and its answers
orders/   what clients place and cancel, and what became of it
book      the day's order and trade events of an account, without I/O
parts     what a row of td_worker holds
tasks     what goes on beside the commands
failures  what td_worker refuses, as a status
"""
