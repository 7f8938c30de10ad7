"""What is published of the private stream, and what is a repetition."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.frames import unpack_message
from bus.orders import Place
from bus.publisher import Publisher
from schemas.counter import Event
from td_worker.returns.journal import Journal
from td_worker.returns.records import DayFile
from td_worker.returns.stream import Returns

from .fakes import CATALOGUE, FakePublisher

DAY = "20261123"


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


class Made:
    """One start of the worker: returns with a journal in ``folder``, and what they published."""

    def __init__(self, folder: Path, day: str = DAY, epoch: int = 1) -> None:
        self.publisher = FakePublisher(epoch)
        self.journal = Journal(folder, keep_days=3)
        self.journal.open()
        self.returns = Returns(
            CATALOGUE, cast(Publisher, self.publisher), self.journal, "9999", "u1"
        )
        self.returns.new_day(day)

    def publish(self, *events: Event) -> None:
        for event in events:
            self.returns.publish(event)

    @property
    def bodies(self) -> list[bytes]:
        return self.publisher.bodies


def event(name: str, field: bytes, info: bytes | None = None) -> Event:
    return Event(name, field, info, 0, True, 0, 7)


def trade(**values: str | int) -> bytes:
    key = {"ExchangeID": "SHFE", "InstrumentID": "rb2610", "TradeID": "   7", "Direction": "0"}
    return CATALOGUE.codec("Trade").pack({**key, **values})


def test_an_order_state_that_comes_twice_is_news_once(made: Made) -> None:
    made.publish(*(event("OnRtnOrder", field) for field in (b"a", b"b", b"a")))
    assert made.bodies == [b"a", b"b"]
    assert made.returns.repeated == 1


def test_equal_bytes_of_another_callback_or_with_another_error_are_something_else(
    made: Made,
) -> None:
    made.publish(
        event("OnRtnOrder", b"a"),
        event("OnErrRtnOrderAction", b"a"),
        event("OnErrRtnOrderInsert", b"a", b"1"),
        event("OnErrRtnOrderInsert", b"a", b"2"),
    )
    assert len(made.bodies) == 4


@pytest.mark.parametrize(
    "name", ["OnRtnInstrumentStatus", "OnRtnBulletin", "OnRtnTradingNotice", "OnRspError"]
)
def test_what_is_not_of_the_private_stream_is_not_replayed_so_it_is_always_news(
    made: Made, name: str
) -> None:
    made.publish(event(name, b"a"))
    made.returns.reconnected()
    made.publish(event(name, b"a"))
    assert (len(made.bodies), made.returns.repeated) == (2, 0)


def test_a_new_trading_day_begins_from_nothing(made: Made) -> None:
    made.publish(event("OnRtnOrder", b"a"))
    made.returns.reconnected()
    made.returns.new_day("20261124")
    made.publish(event("OnRtnOrder", b"a"))
    assert len(made.bodies) == 2


def test_a_trade_is_the_same_by_its_key_whatever_else_differs(made: Made, tmp_path: Path) -> None:
    again = trade(TradeID="7", OrderRef="12", TradeTime="21:00:01")
    others = [trade(TradeID="8"), trade(Direction="1"), trade(ExchangeID="INE")]
    others.append(trade(InstrumentID="m2705-P-3000"))  # the other leg of a combination
    made.publish(*(event("OnRtnTrade", field) for field in (trade(), again, *others)))
    assert made.bodies == [trade(), *others]
    restarted = Made(tmp_path, epoch=2)
    restarted.publish(*(event("OnRtnTrade", field) for field in (again, *others)))
    assert restarted.bodies == []


def test_trades_without_a_number_are_told_apart_by_their_bytes(made: Made) -> None:
    fields = [trade(TradeID="", OrderRef="1"), trade(TradeID="", OrderRef="2")]
    made.publish(*(event("OnRtnTrade", field) for field in (*fields, fields[0])))
    assert made.bodies == fields


def test_the_journal_has_a_return_before_it_is_published(made: Made, tmp_path: Path) -> None:
    """As when the process dies between the two."""
    made.publisher.breaks = True
    with pytest.raises(RuntimeError):
        made.publish(event("OnRtnOrder", b"a"))
    restarted = Made(tmp_path, epoch=2)
    restarted.publish(event("OnRtnOrder", b"a"))
    assert restarted.bodies == [], "it is in the journal, so whoever asks has it"
    (frame,) = restarted.journal.after(Place(0, 0))
    assert unpack_message(frame).body == b"a"


STREAM = st.lists(
    st.tuples(
        st.sampled_from(["OnErrRtnOrderInsert", "OnRtnFromBankToFutureByBank"]),
        st.sampled_from([b"a", b"b"]),
    ),
    max_size=12,
)


@given(STREAM, st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=4))
def test_however_often_the_replay_starts_anew_everything_is_published_once(
    stream: list[tuple[str, bytes]], cuts: list[tuple[int, bool]]
) -> None:
    """Each connection hears more of the same stream; before some of them the worker is killed."""
    bodies: list[bytes] = []
    with TemporaryDirectory() as folder:
        made = Made(Path(folder))
        for number, (end, killed) in enumerate([*sorted(cuts), (len(stream), True)]):
            if killed:
                bodies += made.bodies
                made.journal.close()
                made = Made(Path(folder), epoch=number + 2)
            made.returns.reconnected()
            made.returns.new_day(DAY)
            made.publish(*(event(name, field) for name, field in stream[:end]))
        bodies += made.bodies
        kept = [unpack_message(frame).body for frame in made.journal.after(Place(0, 0))]
        made.journal.close()
    assert Counter(bodies) == Counter(field for _, field in stream)
    assert kept == bodies


def test_without_the_counts_of_the_journal_a_restart_would_repeat_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shows that the test above could fail."""
    Made(tmp_path).publish(event("OnRtnOrder", b"a"))
    monkeypatch.setattr(DayFile, "times", lambda self, digest: 0)
    restarted = Made(tmp_path, epoch=2)
    restarted.publish(event("OnRtnOrder", b"a"))
    assert restarted.bodies == [b"a"]
