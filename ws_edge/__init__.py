"""Speaks the webctp protocol (JSON over WebSocket) on one side and the bus on the other.

Read ``edge.py`` first, then ``td_session.py`` and ``md_session.py``. What a client sends is read by
``requests.py``, what it gets is written by ``envelope.py``; only ``edge.py``, ``connection.py`` and
``subscriber.py`` touch sockets.
"""
