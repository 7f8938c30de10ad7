"""Ticks on disk: one append-only file of raw structs for each instrument and trading day.

``record.py`` has the bytes, ``writing.py`` one file that grows, ``reading.py`` one that is read,
``store.py`` the folder of them all.
"""
