"""What an account or a client may do, asked before anything goes to the front.

``desk.py`` is for all accounts (the file of ``rules.py``, followed by ``watch.py``; the ticks of
``feed.py``), ``session.py`` for one session: it asks ``resolved.py`` for the rules that hold,
``shapes.py`` for what an insertion wants, ``live.py``, ``band.py`` and ``meters.py`` for the state
of things. ``kill.py`` and ``tally.py`` outlive the worker.
"""
