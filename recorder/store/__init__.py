"""The events of accounts and the counter's answers, as tables.

tables.py    the tables, for SQLite and PostgreSQL
database.py  the connection to one of them
rows.py      from messages of the bus to rows
writing.py   the thread that writes
reading.py   what history asks
returns.py   the returns of accounts, none of them missing
streams.py   the six streams of a recorder
"""
