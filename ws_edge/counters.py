"""What was lost, delayed or refused; nothing is dropped without a number here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Totals since the start of the process.

    deliveries      ticks handed to the sockets of clients
    writes          calls that this took, and those for what had waited; deliveries share one when
                    several ticks wait
    conflated       ticks replaced by newer ones before a slow client took them
    withdrawn       ticks that waited for a client when it unsubscribed, or that came while its
                    socket ended. Deliveries, conflated and withdrawn are all ticks for all clients
    overflows       clients closed because too much waited for them
    stalls          clients closed because they took nothing at all
    ticks           ticks taken from the bus
    ticks_lost      gaps in the seq of tick topics
    tails_lost      heartbeats of tick topics that told of ticks that never came
    returns_lost    gaps in the seq of account topics that nothing could fill
    returns_healed  messages of account topics that came by the second way
    held_too_long   reply rows let out before the returns that should precede them
    handshakes_refused   connections and handshakes beyond a limit of their address or user
    messages_early       messages likewise; refused, unless they are cancels
    logins_refused       wrong tokens and passwords, and those that came too early to be looked at
    forbidden       requests that the rights of token or user do not reach
    faults          requests answered with -500
    """

    deliveries: int = 0
    writes: int = 0
    conflated: int = 0
    withdrawn: int = 0
    overflows: int = 0
    stalls: int = 0
    ticks: int = 0
    ticks_lost: int = 0
    tails_lost: int = 0
    returns_lost: int = 0
    returns_healed: int = 0
    held_too_long: int = 0
    handshakes_refused: int = 0
    messages_early: int = 0
    logins_refused: int = 0
    forbidden: int = 0
    faults: int = 0
