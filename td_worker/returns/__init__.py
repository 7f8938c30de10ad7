"""The returns of an account: published once (``stream.py``), kept on the disk (``journal.py`` with
the files of ``records.py``), and told again to who missed some (``replays.py``).
"""
