"""A client's order as CTP's InputOrder, and what the counter tells of it read back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas.catalogue
from schemas.closing import Closable
from schemas.xtp import sides
from schemas.xtp.errors import XtpError
from schemas.xtp.insert import cancel, insert
from schemas.xtp.instruments import Instrument
from schemas.xtp.order_ids import Identity
from schemas.xtp.orders import OrderNames, order

CATALOGUE = schemas.catalogue.load()
INPUT = CATALOGUE.codec("InputOrder")
ORDER = CATALOGUE.codec("Order")

RB = Instrument("rb2701", "SHFE", 10, "1", "螺纹钢")
SC = Instrument("sc2701", "INE", 1000, "1", "原油")
M = Instrument("m2701", "DCE", 10, "1", "豆粕")
SI = Instrument("si2701", "GFEX", 5, "1", "工业硅")
SR = Instrument("SR701", "CZCE", 10, "1", "白糖")
IF = Instrument("IF2612", "CFFEX", 300, "1", "沪深300")
SPREAD = Instrument("SP m2701&m2705", "DCE", 10, "3", "")
PINGAN = Instrument("000001", "SZSE", 1, "E", "平安银行")
PUDONG = Instrument("600000", "SSE", 1, "4", "浦发银行")
ETF_CALL = Instrument("10004321", "SSE", 10000, "2", "50ETF购")
FUTURES = [RB, SC, M, SI, SR, IF]
ALL = [*FUTURES, PINGAN, PUDONG, ETF_CALL]
TICK = {
    "UpperLimitPrice": 3400.0,
    "LowerLimitPrice": 2800.0,
    "BidPrice1": 3119.0,
    "AskPrice1": 3121.0,
}
NO_BOOK = {**TICK, "BidPrice1": None, "AskPrice1": None}


def params(**changes: Any) -> dict[str, Any]:
    whole = {
        "ticker": "rb2701",
        "price": 3120.0,
        "quantity": 3,
        "price_type": 1,
        "side": 1,
        "position_effect": 1,
    } | changes
    return {key: value for key, value in whole.items() if value != "absent"}


def sides_of(instrument: Instrument, side: int, effect: Any, **more: Any) -> tuple[str, str]:
    wanted = params(side=side, position_effect=effect, quantity=more.pop("quantity", 3))
    fields = insert(wanted, instrument, TICK, **more).fields
    return fields["Direction"], fields["CombOffsetFlag"]


# side, position_effect; Direction and CombOffsetFlag on SHFE and INE, and elsewhere
OFFSETS = [
    (1, 1, ("0", "0"), ("0", "0")),
    (2, 1, ("1", "0"), ("1", "0")),
    (1, 2, ("0", "1"), ("0", "1")),
    (2, 2, ("1", "1"), ("1", "1")),
    (1, 4, ("0", "3"), ("0", "1")),
    (2, 4, ("1", "3"), ("1", "1")),
    (1, 5, ("0", "4"), ("0", "1")),
    (2, 5, ("1", "4"), ("1", "1")),
    (2, 3, ("1", "2"), ("1", "2")),
    (2, 6, ("1", "5"), ("1", "5")),
    (2, 7, ("1", "6"), ("1", "6")),
    (3, 0, ("0", "0"), ("0", "0")),
    (4, 0, ("1", "0"), ("1", "0")),
    (5, 0, ("0", "1"), ("0", "1")),
    (6, 0, ("1", "1"), ("1", "1")),
    (5, 4, ("0", "3"), ("0", "1")),
    (6, 5, ("1", "4"), ("1", "1")),
]


@pytest.mark.parametrize(("side", "effect", "split", "plain"), OFFSETS)
def test_only_two_exchanges_tell_todays_lots_apart(
    side: int, effect: int, split: tuple[str, str], plain: tuple[str, str]
) -> None:
    for instrument in (RB, SC):
        assert sides_of(instrument, side, effect) == split
    for instrument in (M, SI, SR, IF, ETF_CALL):
        assert sides_of(instrument, side, effect) == plain


@pytest.mark.parametrize("instrument", [PINGAN, PUDONG])
def test_stocks_are_bought_and_sold(instrument: Instrument) -> None:
    assert sides_of(instrument, 1, "absent") == ("0", "0")
    assert sides_of(instrument, 2, "absent") == ("1", "1")
    assert sides_of(instrument, 2, 0) == ("1", "1")
    assert sides_of(instrument, 2, 4) == ("1", "1")


@pytest.mark.parametrize("instrument", [*FUTURES, ETF_CALL])
@pytest.mark.parametrize("side", [1, 2])
def test_a_future_needs_its_effect(instrument: Instrument, side: int) -> None:
    for effect in ("absent", 0, None, ""):
        with pytest.raises(XtpError, match="position_effect required"):
            sides_of(instrument, side, effect)


@pytest.mark.parametrize(("side", "effect"), [(3, 2), (3, 4), (4, 5), (5, 1), (6, 1)])
def test_a_side_and_an_effect_that_contradict_each_other(side: int, effect: int) -> None:
    with pytest.raises(XtpError, match="contradict"):
        sides_of(RB, side, effect)


@pytest.mark.parametrize(
    ("side", "effect", "text"),
    [
        (0, 1, "side 0 is not"),
        (7, 1, r"side 7 \(PURCHASE\) is not"),
        (22, 1, r"side 22 \(SHORT_SELL\) is not"),
        (-1, 1, "side -1 is not"),
        (1, 8, r"position_effect 8 \(CREDIT_FORCE_COVER\) is not"),
        (1, -1, "position_effect -1 is not"),
    ],
)
def test_other_sides_and_effects_are_refused(side: int, effect: int, text: str) -> None:
    with pytest.raises(XtpError, match=text):
        sides_of(RB, side, effect)


# lots of today and of earlier days, quantity; the offset on SHFE, and on DCE
AUTO = [
    (0, 0, 3, "0", "0"),
    (0, 3, 3, "1", "1"),
    (0, 5, 3, "1", "1"),
    (3, 0, 3, "3", "1"),
    (5, 5, 3, "1", "1"),
    (3, 2, 3, "3", "1"),
    (2, 2, 3, None, "1"),
    (0, 2, 3, None, None),
    (1, 1, 3, None, None),
]


@pytest.mark.parametrize(("today", "earlier", "quantity", "split", "plain"), AUTO)
def test_an_offset_is_chosen_by_what_can_be_closed(
    today: int, earlier: int, quantity: int, split: str | None, plain: str | None
) -> None:
    closable = Closable(today, earlier)
    for instrument, offset in ((RB, split), (M, plain)):
        if offset is None:
            with pytest.raises(XtpError, match="could be closed"):
                sides_of(instrument, 2, "absent", quantity=quantity, closable=closable)
        else:
            made = sides_of(instrument, 2, "absent", quantity=quantity, closable=closable)
            assert made == ("1", offset)


def test_what_the_client_says_is_not_chosen_again() -> None:
    lots = Closable(5, 5)
    assert sides_of(RB, 2, 1, closable=lots) == ("1", "0")
    assert sides_of(RB, 2, 2, closable=Closable(5, 0)) == ("1", "1")
    assert sides_of(RB, 4, 0, closable=lots) == ("1", "0")
    # Side 6 closes, but cannot say which lots.
    assert sides_of(RB, 6, 0, closable=Closable(5, 0)) == ("1", "3")
    with pytest.raises(XtpError, match="could be closed"):
        sides_of(RB, 6, 0, closable=Closable())


FAK = "FAK"
# price_type: OrderPriceType, TimeCondition, VolumeCondition, price; by exchange
EVERYWHERE: dict[int, tuple[str, str, str, float] | None] = {
    1: ("2", "3", "1", 3120.0),
    2: ("2", "1", FAK, 3400.0),
    3: None,
    4: None,
    5: ("2", "1", "3", 3400.0),
    6: ("2", "3", "1", 3119.0),
    7: ("2", "3", "1", 3121.0),
    8: ("2", "1", "3", 3120.0),
    101: ("2", "1", FAK, 3120.0),
}
DALIAN = EVERYWHERE | {5: ("1", "1", "3", 0.0)}
CFFEX = EVERYWHERE | {
    2: ("3", "1", "1", 0.0),
    3: ("G", "3", "1", 0.0),
    4: ("G", "1", "1", 0.0),
    7: ("3", "3", "1", 0.0),
}
PRICE_TYPES = [
    (instrument, price_type, terms)
    for instrument, table in [
        (RB, EVERYWHERE),
        (SC, EVERYWHERE),
        (SR, EVERYWHERE),
        (PINGAN, EVERYWHERE),
        (PUDONG, EVERYWHERE),
        (M, DALIAN),
        (SI, DALIAN),
        (IF, CFFEX),
    ]
    for price_type, terms in table.items()
]


@pytest.mark.parametrize("fak", ["1", "2"])
@pytest.mark.parametrize(("instrument", "price_type", "terms"), PRICE_TYPES)
def test_price_types_by_exchange(
    instrument: Instrument, price_type: int, terms: tuple[str, str, str, float] | None, fak: str
) -> None:
    wanted = params(price_type=price_type)
    if terms is None:
        with pytest.raises(XtpError, match="not offered"):
            insert(wanted, instrument, TICK)
        return
    made = insert(wanted, instrument, TICK, fak_minimum=fak == "2")
    *kinds, price = terms
    assert [
        made.fields["OrderPriceType"],
        made.fields["TimeCondition"],
        made.fields["VolumeCondition"],
    ] == [fak if kind == FAK else kind for kind in kinds]
    assert made.fields["LimitPrice"] == price
    assert made.fields["MinVolume"] == 1
    assert made.price_type == price_type


@pytest.mark.parametrize(("price_type", "price"), [(2, 2800.0), (5, 2800.0), (6, 3121.0)])
def test_a_selling_order_has_the_other_prices(price_type: int, price: float) -> None:
    made = insert(params(price_type=price_type, side=2), RB, TICK)
    assert made.fields["LimitPrice"] == price


@pytest.mark.parametrize("price_type", [2, 5, 6, 7])
def test_without_a_tick_there_is_no_market_order(price_type: int) -> None:
    for tick in (None, {}, dict.fromkeys(TICK), dict.fromkeys(TICK, 0.0)):
        with pytest.raises(XtpError, match="needs a tick"):
            insert(params(price_type=price_type), RB, tick)


def test_an_empty_side_of_the_book_has_no_best_price() -> None:
    for price_type in (6, 7):
        with pytest.raises(XtpError, match="needs a tick"):
            insert(params(price_type=price_type), RB, NO_BOOK)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"side": "absent"}, "side required"),
        ({"quantity": None}, "quantity required"),
        ({"price_type": ""}, "price_type required"),
        ({"price": "absent"}, "price required"),
        ({"price": float("nan")}, "price is not finite"),
        ({"price": "inf"}, "price is not a number"),
        ({"price": "1e999"}, "price is not finite"),
        ({"price": 10**400}, "price is not a number"),
        ({"price": "cheap"}, "price is not a number"),
        ({"price": "3_100"}, "price is not a number"),
        ({"price": "３１００"}, "price is not a number"),
        ({"price": True}, "price is not a number"),
        ({"price": []}, "price is not a number"),
        ({"quantity": 0}, "quantity is not within"),
        ({"quantity": -1}, "quantity is not within"),
        ({"quantity": 2**31}, "quantity is not within"),
        ({"quantity": "9" * 40}, "quantity is not"),
        ({"quantity": 1.5}, "quantity is not a whole number"),
        ({"quantity": float("nan")}, "quantity is not a whole number"),
        ({"quantity": True}, "quantity is not a whole number"),
        ({"quantity": "3.5"}, "quantity is not a whole number"),
        ({"quantity": "--3"}, "quantity is not a whole number"),
        ({"quantity": {}}, "quantity is not a whole number"),
        ({"price_type": 0}, "price_type 0 is not"),
        ({"price_type": 9}, "price_type 9 is not"),
        ({"price_type": 102}, "price_type 102 is not"),
        ({"business_type": 1}, r"business_type 1 \(IPOS\) is not"),
        ({"business_type": 4}, r"business_type 4 \(MARGIN\) is not"),
        ({"stop_price": 3100.0}, "stop_price is not supported"),
        ({"stop_price": "x"}, "stop_price is not a number"),
        ({"order_client_id": -1}, "order_client_id is not within"),
        ({"order_client_id": 2**32}, "order_client_id is not within"),
    ],
)
def test_an_order_that_makes_no_sense(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(XtpError, match=text) as caught:
        insert(params(**changes), RB, TICK)
    assert caught.value.stat == 400


def test_numbers_may_come_as_texts() -> None:
    texts = params(
        price="3120.0",
        quantity=" 3 ",
        price_type="1",
        side="1",
        position_effect="1",
        stop_price="0",
        business_type="10",
        order_client_id="4294967295",
    )
    numbers = params(business_type=10, order_client_id=2**32 - 1, quantity=3.0)
    assert insert(texts, RB, None) == insert(numbers, RB, None)


def test_a_spread_may_cost_less_than_nothing_but_no_stock() -> None:
    assert insert(params(price=-12.0), SPREAD, None).fields["LimitPrice"] == -12.0
    with pytest.raises(XtpError, match="price is negative"):
        insert(params(price=-12.0), PINGAN, None)


def test_the_number_of_an_order_is_not_the_clients_to_say() -> None:
    made = insert(params(order_xtp_id=7), RB, None, request_id=20)
    assert made.fields["RequestID"] == 20
    assert 7 not in made.fields.values()


# What the counter may make of an order while it is the same one.
_SAME_ON_ONE = {4: 2, 5: 2}


@given(
    st.sampled_from(ALL),
    st.sampled_from([1, 2, 3, 4, 5, 6]),
    st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7]),
    st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 101]),
    st.integers(1, 2**31 - 1),
    st.floats(0, 1e6),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_what_was_sent_is_read_back(
    instrument: Instrument,
    side: int,
    effect: int,
    price_type: int,
    quantity: int,
    price: float,
    client_id: int,
    fak_minimum: bool,
) -> None:
    wanted = {
        "price": price,
        "quantity": quantity,
        "price_type": price_type,
        "side": side,
        "position_effect": effect,
        "order_client_id": client_id,
    }
    try:
        made = insert(wanted, instrument, TICK, fak_minimum=fak_minimum)
    except XtpError:
        return
    sent = INPUT.unpack(INPUT.pack(made.fields))
    assert {key: sent[key] for key in made.fields} == made.fields
    told = ORDER.unpack(ORDER.pack(made.fields))
    names = OrderNames(1, made.order_client_id, 0, made.price_type, made.business_type)
    shown = order(told, names, 0)
    assert (shown["ticker"], shown["quantity"]) == (instrument.code, quantity)
    assert (shown["price_type"], shown["order_client_id"]) == (price_type, client_id)
    assert shown["side"] == {3: 1, 4: 2, 5: 1, 6: 2}.get(side, side)
    meant = effect or {3: 1, 4: 1, 5: 2, 6: 2}.get(side) or {1: 1, 2: 2}[side]
    if instrument.exchange not in ("SHFE", "INE"):
        meant = _SAME_ON_ONE.get(meant, meant)
    assert shown["position_effect"] == meant
    again = insert(
        {**shown, "price_type": price_type, "price": price},
        instrument,
        TICK,
        fak_minimum=fak_minimum,
    )
    assert again.fields == made.fields


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "price",
                "quantity",
                "price_type",
                "side",
                "position_effect",
                "stop_price",
                "business_type",
            ]
        ),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text("0123456789.-+e ", max_size=6)
        | st.text(max_size=3)
        | st.lists(st.integers(), max_size=1),
    )
)
def test_nothing_but_a_refusal_comes_of_nonsense(wanted: dict[str, Any]) -> None:
    try:
        fields = insert(params(**wanted), RB, TICK).fields
    except XtpError as exc:
        assert exc.stat == 400
    else:
        INPUT.pack(fields)


def test_a_swapped_offset_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table above, against the rule turned off, and against close today for close yesterday."""

    def check() -> None:
        for row in OFFSETS:
            test_only_two_exchanges_tell_todays_lots_apart(*row)

    check()
    for name, wrong in (
        ("SPLIT", frozenset({"DCE"})),
        ("_OFFSETS", sides._OFFSETS | {sides.CLOSE_TODAY: "4", sides.CLOSE_YESTERDAY: "3"}),
        ("_DIRECTIONS", {sides.BUY: "1", sides.SELL: "0"}),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(sides, name, wrong)
            with pytest.raises(AssertionError):
                check()


def test_a_cancel_names_the_exchanges_number_or_the_clients() -> None:
    known = Identity(1, 7, -3, "          12", "SHFE", "rb2701", "T1", "  5", "       99")
    assert cancel(known, request_id=21) == {
        "ActionFlag": "0",
        "ExchangeID": "SHFE",
        "InstrumentID": "rb2701",
        "RequestID": 21,
        "OrderSysID": "       99",
    }
    early = Identity(1, 7, -3, "          12", "SHFE", "rb2701")
    assert cancel(early) == {
        "ActionFlag": "0",
        "ExchangeID": "SHFE",
        "InstrumentID": "rb2701",
        "RequestID": 0,
        "FrontID": 7,
        "SessionID": -3,
        "OrderRef": "          12",
    }
