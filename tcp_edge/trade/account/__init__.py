"""One account at td_worker.

session   its login, and the returns that come with it
books     the book of now, and the one that is filled to take its place
"""
