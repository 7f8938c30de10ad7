"""Orders of clients.

orders    places them, each one once
order     what a client wants, and the record that is kept of it
placed    these records on the disk, before anything is sent
inputs    a client's words as an order of the counter
reserved  lots that orders on their way take
sending   orders and cancels to td_worker, and its first word on them
outcomes  what became of those of which nothing was heard
cancels   asks for the end of an order
"""
