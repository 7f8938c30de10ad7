"""Keeps what the gateway has seen: the ticks of each day as files, events and answers as tables.

``ticks/`` holds the files of ticks, without sockets and without a clock; ``store/`` the tables of
events and answers, and what fills them.
"""
