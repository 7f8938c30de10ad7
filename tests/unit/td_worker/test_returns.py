"""What is published of the private stream, and what is a repetition."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.publisher import Publisher, Stream
from schemas.counter import Event
from td_worker.returns import Returns


class FakePublisher:
    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def stream(self, topic: str) -> Stream:
        return Stream(topic)

    def publish(self, stream: Stream, kind: int, flags: int, body: bytes, recv_ns: int) -> int:
        self.bodies.append(body)
        return len(self.bodies)


def returns() -> tuple[Returns, FakePublisher]:
    publisher = FakePublisher()
    made = Returns(cast(Publisher, publisher), "9999", "u1")
    made.new_day("20261123")
    return made, publisher


def event(name: str, field: bytes, info: bytes | None = None) -> Event:
    return Event(name, field, info, 0, True, 0, 7)


def test_an_order_state_that_comes_twice_is_news_once() -> None:
    made, publisher = returns()
    for field in (b"a", b"b", b"a"):
        made.publish(event("OnRtnOrder", field))
    assert publisher.bodies == [b"a", b"b"]
    assert made.repeated == 1


def test_equal_bytes_of_another_callback_or_with_another_error_are_something_else() -> None:
    made, publisher = returns()
    made.publish(event("OnRtnOrder", b"a"))
    made.publish(event("OnRtnTrade", b"a"))
    made.publish(event("OnErrRtnOrderInsert", b"a", b"1"))
    made.publish(event("OnErrRtnOrderInsert", b"a", b"2"))
    assert len(publisher.bodies) == 4


@pytest.mark.parametrize("name", ["OnRtnInstrumentStatus", "OnRtnBulletin"])
def test_what_is_public_is_not_replayed_so_it_is_always_news(name: str) -> None:
    made, publisher = returns()
    made.publish(event(name, b"a"))
    made.reconnected()
    made.publish(event(name, b"a"))
    assert (len(publisher.bodies), made.repeated) == (2, 0)


def test_a_new_trading_day_begins_from_nothing() -> None:
    made, publisher = returns()
    made.publish(event("OnRtnTrade", b"a"))
    made.reconnected()
    made.new_day("20261124")
    made.publish(event("OnRtnTrade", b"a"))
    assert len(publisher.bodies) == 2


STREAM = st.lists(
    st.tuples(
        st.sampled_from(["OnErrRtnOrderInsert", "OnRtnFromBankToFutureByBank"]),
        st.sampled_from([b"a", b"b"]),
    ),
    max_size=12,
)


@given(STREAM, st.lists(st.integers(0, 12), max_size=4))
def test_however_often_the_replay_starts_anew_everything_is_published_once(
    stream: list[tuple[str, bytes]], cuts: list[int]
) -> None:
    made, publisher = returns()
    for end in [*sorted(cuts), len(stream)]:  # each connection hears more of the same stream
        made.reconnected()
        made.new_day("20261123")
        for name, field in stream[:end]:
            made.publish(event(name, field))
    assert Counter(publisher.bodies) == Counter(field for _, field in stream)
