"""The verb "Since" of md_worker: what was published on a topic after a place, once more.

The body is a ``Since``. The answer is a row "Message" for each message that is kept, oldest first
(its body is the whole message as it was, ``bus.frames.unpack_message``), and a last row "Since"
with the ``bus.orders.Place`` up to which the topic has come. What is not among the rows is not
kept. After a place of an earlier epoch comes everything that is kept of this one.

It is about what was published, not about what is true now: ticks from before the loss of the front
are among the rows, since who was there got them as well. Each carries its ``recv_ns``, and what is
the last tick *now* (none, without a front) says the verb "Snapshot".
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class Since(msgspec.Struct, frozen=True):
    """The place after which the messages of ``topic`` are asked for; seq 0: the whole epoch."""

    topic: Annotated[str, Meta(max_length=1024)]
    epoch: int
    seq: int
