"""Orders on record: who owns what, under which identity it is shown, and what became of it.

Read ``book.py`` first. ``families.py`` says where the identities lie in the structs of the API,
``record.py`` what is known of one insertion, ``identity.py`` how clients and the counter name it.
No sockets here; ``store.py`` alone knows SQLite.
"""
