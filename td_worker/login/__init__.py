"""The login of an account: of our session at the counter, and of clients at our session.

``states.py`` is the way to "ready" as a table and ``gate.py`` walks it with the requests of
``steps.py``. The rest is about passwords, of which no client's may lock the account: ``guard.py``
keeps refused ones away from the front, ``wrongs.py`` slows down who guesses, ``strangers.py``
bounds made-up names, ``change.py`` is the change that a front demands. ``settlement.py`` knows
whether the day's statement is confirmed.
"""
