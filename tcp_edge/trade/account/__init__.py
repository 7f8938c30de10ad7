"""One account at td_worker.

session   its login, and the returns that come with it
early     a login for cancels, before that one is ready
book      the day's order and trade events as clients see them
own       the orders among them that clients of this gateway have placed
fills     what orders have traded for
records   all that is known of an order or a trade, as clients read it
books     the book of now, and the one that is filled to take its place
"""
