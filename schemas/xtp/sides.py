"""Sides and position effects of XTP, directions and offsets of CTP.

                     stocks          SHFE, INE                       other futures and options
  effect 1 open      open            open                            open
  effect 2 close     close           close: lots of earlier days     close
  effect 4 today     close           close today                     close
  effect 5 yesterday close           close yesterday                 close
  none               buying opens,   refused, or by what can be closed if the gateway's
                     selling closes  configuration says ``auto_offset``

Sides 3 to 6 of generation 16 say both things at once.
"""

from __future__ import annotations

from typing import Final

from ..closing import SPLIT, Closable
from .enums import unsupported
from .errors import wrong
from .instruments import Instrument

BUY, SELL = 1, 2
OPEN, CLOSE, FORCE_CLOSE, CLOSE_TODAY, CLOSE_YESTERDAY = 1, 2, 3, 4, 5
FORCE_OFF, LOCAL_FORCE_CLOSE = 6, 7

_SIDES: Final = {
    1: (BUY, 0),
    2: (SELL, 0),
    3: (BUY, OPEN),
    4: (SELL, OPEN),
    5: (BUY, CLOSE),
    6: (SELL, CLOSE),
}
_DIRECTIONS: Final = {BUY: "0", SELL: "1"}
SIDE_OF: Final = {"0": BUY, "1": SELL}
_OFFSETS: Final = {effect: str(effect - 1) for effect in range(OPEN, LOCAL_FORCE_CLOSE + 1)}
EFFECT_OF: Final = {offset: effect for effect, offset in _OFFSETS.items()}


def direction_and_offset(
    side: int,
    effect: int,
    quantity: int,
    instrument: Instrument,
    closable: Closable | None,
) -> tuple[str, str]:
    """CTP's Direction and CombOffsetFlag of an order. ``effect`` 0: none was named. ``closable``:
    to choose the offset (``auto_offset``), None: not to. Raises XtpError."""
    if side not in _SIDES:
        raise unsupported("side", "XTP_SIDE_TYPE", side)
    if effect and effect not in _OFFSETS:
        raise unsupported("position_effect", "XTP_POSITION_EFFECT_TYPE", effect)
    plain, own = _SIDES[side]
    if own and effect and (own == OPEN) != (effect == OPEN):
        raise wrong("side and position_effect contradict each other")
    wanted = effect or own
    if instrument.is_stock:
        chosen = wanted or (OPEN if plain == BUY else CLOSE)
    elif closable is not None and (not wanted or (wanted == CLOSE and not effect)):
        chosen = _choose(quantity, instrument, closable, closing=wanted == CLOSE)
    else:
        chosen = wanted
    if not chosen:
        raise wrong("position_effect required")
    if chosen in (CLOSE_TODAY, CLOSE_YESTERDAY) and instrument.exchange not in SPLIT:
        chosen = CLOSE
    return _DIRECTIONS[plain], _OFFSETS[chosen]


def _choose(quantity: int, instrument: Instrument, closable: Closable, closing: bool) -> int:
    """An order is never cut in two: what one offset cannot express is the client's to say."""
    today, earlier = closable
    if instrument.exchange not in SPLIT:
        today, earlier = 0, today + earlier
    if not closing and today + earlier == 0:
        return OPEN
    if quantity <= earlier:
        return CLOSE
    if quantity <= today:
        return CLOSE_TODAY
    raise wrong(
        f"position_effect required: {today} lots of today and {earlier} others could be closed"
    )
