"""The end of a round: td_worker is asked for the outcome of every order, and the disk is read."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

import schemas.catalogue
from bus.orders import NOT_ON_RECORD, Outcome, OutcomeQuery
from tests.support.buslink import TdLink
from tests.support.group import Group

from . import diary
from .config import PASSWORD
from .diary import Entry, Wrong
from .judge import Fact, agrees, facts
from .orders_on_wire import seen

_AT_ONCE: Final = 200
_PATIENCE_S: Final = 30.0
_PEEPS: Final = 20


def outcomes(group: Group, orders: Iterable[tuple[str, str]]) -> dict[str, Outcome | None]:
    """By mark, of (user, client_order_id)."""
    of_users: dict[str, list[str]] = {}
    for user, order in orders:
        of_users.setdefault(user, []).append(order)
    found: dict[str, Outcome | None] = {}
    for user, names in of_users.items():
        with TdLink(group) as link:
            _log_in(link, user)
            for start in range(0, len(names), _AT_ONCE):
                found |= _ask(link, user, names[start : start + _AT_ONCE])
    return found


def lists(group: Group, users: Iterable[str]) -> dict[tuple[str, str], list[Entry]]:
    """The counter's list of orders as each user sees it, in the words of a diary."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for user in users:
        with TdLink(group) as link:
            _log_in(link, user)
            rows = [row for row in link.request("ReqQryOrder") if row.values]
            found[user, "list"] = [entry for row in rows for entry in seen(user, row.values)]
    return found


def peep(group: Group, users: Sequence[str], answers: Mapping[str, Outcome | None]) -> list[Entry]:
    """Each user asks for orders of the others by the identity that they have there."""
    found: list[Entry] = []
    for user in users:
        others = [outcome for name, outcome in answers.items() if not name.startswith(f"{user}.")]
        with TdLink(group) as link:
            _log_in(link, user)
            for outcome in [other for other in others if other is not None][:_PEEPS]:
                query = OutcomeQuery(session_id=outcome.session_id, order_ref=outcome.order_ref)
                body = msgspec.msgpack.encode(query)
                row = link.call("QryOrderOutcome", body, session=link.handle)[-1]
                if row.name != "Error":
                    found.append(Wrong(f"{user} was told of an order of another: {outcome}"))
    return found


def settled(
    group: Group,
    orders: list[tuple[str, str]],
    ledger: Callable[[], list[dict[str, Any]]],
    patience_s: float,
) -> tuple[dict[str, Outcome | None], list[dict[str, Any]]]:
    """The same, asked again for ``patience_s`` while answers differ from the exchange's record: an
    order that still lives may trade between the two looks, and the unknown is resolved in time.
    With the record of the last look, since such an order may trade right after it."""
    answers = outcomes(group, orders)
    deadline = time.monotonic() + patience_s
    while True:
        record = ledger()
        known = facts(record)
        late = []
        for user, order in orders:
            name = diary.mark(user, order)
            fact, answer = known.get(name, Fact()), answers[name]
            said = "no record" if answer is None else answer.state.value
            traded = 0 if answer is None else answer.volume_traded
            if not agrees(said, fact) or fact.traded != traded:
                late.append((user, order))
        if not late or time.monotonic() >= deadline:
            return answers, record
        time.sleep(0.2)
        answers |= outcomes(group, late)


def read_ledger(path: Path) -> list[dict[str, Any]]:
    """The exchange's record, from its file; a line that is being written is left out."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def stores(data: Path, users: Iterable[str]) -> dict[str, dict[str, str]]:
    """By user, the marks of the intents on td_worker's disk by OrderMemo."""
    found: dict[str, dict[str, str]] = {user: {} for user in users}
    for path in (data / "td_worker").rglob("orders/*.db"):
        with closing(sqlite3.connect(path)) as db:
            for memo, body, order in db.execute("SELECT memo, body, client_order_id FROM orders"):
                name = _mark(body)
                user, _, rest = name.partition(".")
                assert rest == order, f"{path}: {name} is recorded as {order}"
                found[user][memo.decode()] = name
    return found


def _mark(body: bytes) -> str:
    return str(schemas.catalogue.load().codec("InputOrder").get(body, "BusinessUnit"))


def _log_in(link: TdLink, user: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not link.handle:
        link.try_login(user, PASSWORD)
        if time.monotonic() > deadline:
            raise AssertionError(f"{user} cannot log in any more")


def _ask(link: TdLink, user: str, names: list[str]) -> dict[str, Outcome | None]:
    calls = {
        name: link.send(
            "QryOrderOutcome",
            msgspec.msgpack.encode(OutcomeQuery(client_order_id=name)),
            session=link.handle,
        )
        for name in names
    }
    found: dict[str, Outcome | None] = {}
    for name, call in calls.items():
        row = link.rows(call)[-1]
        if row.own is not None and row.name == "Error" and NOT_ON_RECORD in row.detail:
            found[diary.mark(user, name)] = None
        else:
            assert row.name != "Error", row
            found[diary.mark(user, name)] = msgspec.msgpack.decode(row.body, type=Outcome)
    return found
