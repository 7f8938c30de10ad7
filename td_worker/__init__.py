"""Owns the trading API: one counter session per account, shared by any number of clients.

Read ``worker.py`` first (the loop between the bus and the API), then ``session.py`` (what an
account consists of). A request goes from there to ``actions.py`` or ``queries``, a callback to
``login``, ``queries``, ``actions.py`` or ``returns``.

====================  =============================================================================
``accounts.py``       who is served here: folders, locks, sessions and their end
``connection.py``     the API object, with ``flows.py`` and ``lifecycle.py``
``login/``            the way to "ready" as a table, and everything about passwords
``orders/``           orders on record: identities, states, the store; ``day.py`` opens it
``recovery.py``       after a login: whether all that the counter knows has been heard
``unresolved.py``     orders of which nobody knows whether the counter has them
``returns/``          what is published of an account, kept in a journal, and told again
``queries/``          the line before the counter's one place for queries, and the day cache
``limits/``           what may be sent at all
``disconnect.py``     cancel-on-disconnect; ``presence.py`` notices who is gone
``verbs.py``          the verbs of ``bus.orders``
``stats.py``          what is counted, once a second
====================  =============================================================================
"""
