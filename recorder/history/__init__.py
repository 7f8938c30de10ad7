"""Answers what has been: the verbs of ``bus.history``.

``blocks.py`` encodes records and keeps what it made, ``ticks.py`` and ``records.py`` turn questions
into rows, ``turns.py`` sends them in turns, ``history.py`` is the shell with the event loop.
"""
