"""What the counter answered to clients' questions about orders, trades, money and positions.

td_worker publishes it on the topic ``answer_topic`` of the account, type "Answer", so that it can
be kept by whoever did not ask himself. Answers to the worker's own questions are not among them.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

ORDERS: Final = "ReqQryOrder"
TRADES: Final = "ReqQryTrade"
ASSETS: Final = "ReqQryTradingAccount"
POSITIONS: Final = "ReqQryInvestorPosition"
METHODS: Final = frozenset({ORDERS, TRADES, ASSETS, POSITIONS})

MOST_ROWS: Final = 500  # of one message
LONGEST_NAME: Final = 64  # of an asker


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of one answer, or its failure.

    method       which question
    request_ids  of everybody for whom the counter was asked: equal questions are asked once
    askers       their names, in the same order; "" of who gave none when he came
    asked_ns     Unix time when the question was handed to the counter; 0: it never was
    layout       version of the API whose structs the rows are
    rows         structs of the callback, with the identities of orders as all clients see them
    last         no more rows follow
    error_id     why there is no answer, or no more of it, in the counter's words or the worker's;
                 then ``last`` is true
    number       of the answer on this topic in this epoch; all its messages have it
    first        how many rows the messages before this one had
    """

    method: str
    request_ids: list[Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]]
    asked_ns: int
    layout: int
    rows: list[bytes]
    last: bool
    error_id: int = 0
    error_msg: str = ""
    number: int = 0
    first: int = 0
    askers: list[Annotated[str, Meta(max_length=LONGEST_NAME)]] = []
