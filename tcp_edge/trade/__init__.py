"""Commands 2xxxxx: orders, and what the counter says of the account.

service   the commands
params    what clients write in them
pushes    events that clients get without asking
setting   what all accounts of a gateway have in common
desk      one account; ties the folders together
account/  its login, and the day's order and trade events
queries/  what clients ask the counter, and its answers
orders/   what clients place and cancel, and what became of it
parts     what a row of td_worker holds
tasks     what goes on beside the commands
failures  what td_worker refuses, as a status
"""
