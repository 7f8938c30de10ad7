"""Commands 2xxxxx: orders, and what the counter says of the account.

service   the commands
setting   what all accounts of a gateway have in common
desk      one account: its queries and orders
account/  its login, and the book that follows its returns
book      the day's order and trade events of an account, without I/O
answers   what the counter has answered, by reqid
placed    orders of clients, kept on the disk before they are sent
failures  what td_worker refuses, as a status
"""
