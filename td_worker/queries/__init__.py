"""Queries on their way through the counter, which takes one at a time and so many a second.

``desk.py`` is the seam. ``line.py`` says which query is next and when (``turns.py``, ``pace.py``),
``waiting.py`` who waits for it. ``day_cache.py`` keeps answers of ``tables.py`` and ``delivery.py``
hands kept rows out in slices.
"""
