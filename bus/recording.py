"""Bodies of the recorder's verbs about itself.

===========  ====================  =================================================================
verb         body                  answer
===========  ====================  =================================================================
State        nothing               a row "State": a map, for people and metrics
Streams      nothing               a row "Streams": a list of ``StreamState``
StartStream  a name, as msgpack    a row "Stream": its ``StreamState``
StopStream   a name, as msgpack    the same. A stream that was stopped stays so after a restart
===========  ====================  =================================================================
"""

from __future__ import annotations

import msgspec


class StreamState(msgspec.Struct, frozen=True, kw_only=True):
    """One of the streams ticks, order_events, trade_events, orders, trades, assets, positions.

    received  messages that came since the recorder's start
    written   of them, that are kept
    lost      messages of which somebody told and that are not kept
    last_ns   Unix time when the last one was received by the gateway; 0: none yet
    """

    name: str
    running: bool
    received: int = 0
    written: int = 0
    lost: int = 0
    last_ns: int = 0
