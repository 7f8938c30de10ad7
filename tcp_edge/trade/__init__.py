"""Commands 2xxxxx: orders, and what the counter says of the account.

service   the commands
desk      one account at td_worker: its session, returns, queries and orders
book      the day's order and trade events of an account, without I/O
answers   what the counter has answered, by reqid
placed    orders of clients, kept on the disk before they are sent
failures  what td_worker refuses, as a status
"""
