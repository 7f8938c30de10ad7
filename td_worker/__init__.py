"""Owns the trading API: one counter session per account, shared by any number of clients.

Read ``worker.py`` first, then ``session.py``. ``login.py`` is the login as a table and
``queries/line.py`` the line of queries before the counter, both without I/O.
"""
