"""When the Chinese exchanges trade, as tables. See ``calendar`` for what they mean.

Hours follow the exchanges' own contract specifications, holidays the State Council's yearly notice.
"""

from __future__ import annotations

from typing import Final

# Exchange, end of the night session (-: none) or the kind of day, product codes. Options go with
# their underlying; index options have codes of their own.
PRODUCTS: Final = """
SHFE 23:00 rb hc fu bu br ru sp op
SHFE 01:00 cu al zn pb ni sn ao ad ss
SHFE 02:30 au ag
SHFE -     wr
INE  23:00 lu nr
INE  01:00 bc
INE  02:30 sc
INE  -     ec
DCE  23:00 a b m y p c cs rr l v pp eg eb pg i j jm bz
DCE  -     jd lh fb bb lg
CZCE 23:00 SR CF CY TA MA FG SA RM OI PF PX SH PR PL ZC
CZCE -     UR RS AP CJ PK SF SM WH PM RI LR JR
GFEX -     si lc ps pt pd
CFFEX index IF IH IC IM IO HO MO
CFFEX bond  TS TF T TL
"""

# Sections of a day; "opens" in front of a section is where its call auction begins, in which
# quotes may come. Products with a night session may have an auction in the morning as well.
COMMODITY: Final = ("08:55 09:00-10:15", "10:30-11:30", "13:30-15:00")
INDEX: Final = ("09:25 09:30-11:30", "13:00-15:00")
BOND: Final = ("09:25 09:30-11:30", "13:00-15:15")
# The closing auction, 14:57 to 15:00, shows quotes as well.
STOCK: Final = ("09:15 09:30-11:30", "13:00-15:00")
NIGHT: Final = "20:55 21:00-"

# Days without trading by year, "MM-DD" or "MM-DD..MM-DD". No weekend trades, also none of those
# that the notice makes workdays.
HOLIDAYS: Final[dict[int, tuple[str, ...]]] = {
    2026: (
        "01-01..01-03",
        "02-15..02-23",
        "04-04..04-06",
        "05-01..05-05",
        "06-19..06-21",
        "09-25..09-27",
        "10-01..10-07",
    ),
}
