"""Whatever the counter does, every question ends once and the desk goes on."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from .desk import Asked, Office

_METHODS = [
    "ReqQryOrder",
    "ReqQryTradingAccount",
    "ReqQryInstrument",
    "ReqQueryCFMMCTradingAccountToken",
]
_clients = st.sampled_from([b"a", b"b", b"c"])
_steps = st.one_of(
    st.tuples(
        st.just("query"),
        _clients,
        st.sampled_from(_METHODS),
        st.sampled_from([1.0, 4.0, 1000.0]),
        st.booleans(),
    ),
    st.tuples(st.just("ask")),
    st.tuples(st.just("left"), _clients),
    # How the API and the counter behave: return code, error, rows, position of the answered one,
    # whether it ends, and by which callback.
    st.tuples(st.just("status"), st.sampled_from([0, 0, 0, -1, -2, -3])),
    st.tuples(
        st.just("answer"),
        st.integers(0, 3),
        st.sampled_from([0, 0, 0, 9, 90, 154]),
        st.integers(-3, -1),
        st.booleans(),
        st.sampled_from(["", "", "OnRspError"]),
    ),
    st.tuples(st.just("later"), st.sampled_from([0.01, 0.3, 2.0, 7.0])),
    st.tuples(st.just("disconnect")),
    st.tuples(st.just("spent")),
)


def play(office: Office, step: Any, asked: list[Asked]) -> None:
    kind, *rest = step
    if kind == "query":
        client, method, patience_s, fresh = rest
        asked.append(office.query(client, method, patience_s=patience_s, fresh=fresh))
    elif kind == "ask":
        asked.append(office.ask(timeout_s=5))
    elif kind == "left":
        office.desk.left(rest[0])
    elif kind == "status":
        office.counter.status = rest[0]
    elif kind == "answer" and len(office.counter.asked) >= -rest[2]:
        count, error, index, last, name = rest
        office.answer(count, error, index=index, last=last, name=name)
    elif kind == "later":
        office.later(rest[0])
        office.deliveries.step(office.now)
    elif kind == "disconnect":
        office.desk.front_lost()
    elif kind == "spent":
        office.desk.spent(office.now)


@settings(max_examples=300, deadline=None)
@given(st.lists(_steps, max_size=60), st.sampled_from([1, 3]))
def test_every_question_ends_once_and_the_next_one_is_asked(steps: list[Any], per_s: int) -> None:
    office, asked = Office(per_s, query_s=10, cache_mb=1), list[Asked]()
    office.desk.new_day("20261123")
    for step in steps:
        play(office, step, asked)
        assert all(one.ends <= 1 for one in asked)
        assert len(office.desk) >= 0
        waits, due = len(office.desk), office.desk.due()
        assert due is not None or not waits or office.desk._flying is not None
    office.counter.status = 0
    for _ in range(12):  # nothing is answered any more: all deadlines pass
        office.later(1)
        office.deliveries.step(office.now)
    assert all(one.ends == 1 for one in asked)
    assert (len(office.desk), office.desk.due()) == (0, None)
    assert (len(office.desk._waiting), office.desk._waiting._of_client) == (0, {})
    assert office.desk._line._ready == 0
    assert not office.desk._same
    assert not office.desk._open
    again = office.query(b"a")
    office.later(20)
    office.query(b"a")
    assert office.counter.names[-1] == "ReqQryOrder"
    assert again.ends == 1
    office.answer()
