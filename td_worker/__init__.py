"""Owns the trading API: one counter session per account, shared by any number of clients.

Read ``worker.py`` first, then ``session.py``. ``login.py`` is the login as a table and
``queries/pace.py`` the pace of queries, both without I/O.
"""
