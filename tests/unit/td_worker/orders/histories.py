"""Random histories of two clients, a program from outside and a counter.

    python -m tests.unit.td_worker.orders.histories COUNT [FIRST_SEED]

runs as many; the tests run a few of the same (CTPBUS_HISTORIES says how many).
"""

from __future__ import annotations

import sys
import time
from random import Random
from typing import Final

import schemas.catalogue
from bus.orders import OutcomeQuery
from bus.rpc import Call
from schemas.counter import Event
from td_worker.orders.book import Book
from td_worker.orders.record import Duplicate
from td_worker.orders.store import Store

from .world import KEPT, Told, Truth, Values, World, packed, picked, state, without_memo

CATALOGUE: Final = schemas.catalogue.load()
CATALOGUES: Final = (CATALOGUE, without_memo(CATALOGUE))
_STEPS: Final = 40
_REPORT: Final = 5000  # histories
_NAMES: Final = (
    "FrontID",
    "SessionID",
    "OrderRef",
    "RequestID",
    "OrderMemo",
    "ExchangeID",
    "OrderSysID",
    "TradeID",
)
_DAY: Final = "20241108"
Identity = tuple[int, int, str]


class History:
    """One of them; ``run`` raises AssertionError when somebody is shown a wrong name."""

    def __init__(self, seed: int, steps: int = _STEPS) -> None:
        self.random = Random(seed)
        self.catalogue = CATALOGUES[seed % 2]
        self.has_memo = seed % 2 == 0
        self.world = World(self.catalogue, self.random)
        self.store = Store(None)
        self.now = 0.0
        self.steps = steps
        self.number = 0
        self.owners: dict[Identity, Truth] = {}
        self.refs: dict[int, int] = {}
        self.trades: dict[str, int] = {}  # by TradeID, how often they are still to be told
        self.came: dict[str, float] = {}  # when a trade was told to us
        self.inserted: list[tuple[Truth, Call, int]] = []
        self.outside_ref = 0
        self.reset = False
        self.unsent: list[Truth] = []  # recorded, but the worker died before the call
        self.book = self._new_book()
        self.clients = [self.book.new_session(), self.book.new_session()]

    def run(self) -> None:
        steps = (
            [self.insert] * 8
            + [self.insert_outside] * 4
            + [self.happen] * 24
            + [self.again] * 3
            + [self.same_id, self.restart, self.reconnect, self.clear_flow]
            + [self.cancel] * 4
            + [self.cancel_outside, self.query, self.wait, self.find] * 2
        )
        for _ in range(self.steps):
            self.random.choice(steps)()
            self.now += 0.01
        self.replay()
        self.now += 2
        self._see_all(self.book.due(self.now))
        assert not any(self.trades.values()), "a trade was never told"
        for truth, _, session in self.inserted:
            self._find(truth, session)
        self.store.close()

    # -- what clients and others do --------------------------------------------------------------

    def insert(self) -> None:
        session = self.random.choice(self.clients)
        ref = self.refs.get(session, 0) + self.random.choice((1, 1, 1, 5))
        given = self.random.choice((str(ref), f"{ref:>12}", f"{ref:06}", ""))
        self.refs[session] = ref if given else self.refs.get(session, 0) + 1
        self.number += 1
        values: Values = {
            "OrderRef": given,
            "RequestID": self.random.choice((0, 1, 7)),
            "OrderMemo": self.random.choice(("", "m1")),
            "ExchangeID": "SHFE",
            "InstrumentID": self.random.choice(("rb1", "rb2")),
            "Direction": self.random.choice("01"),
            "VolumeTotalOriginal": self.random.choice((1, 2, 3)),
        }
        client_order_id = f"c{self.number}" if self.random.random() < 0.3 else ""
        body = packed(self.catalogue, "InputOrder", values)
        call = Call(1, "ReqOrderInsert", 0, body=body, client_order_id=client_order_id)
        ticket = self.book.intend(call, session, self.number)
        record = ticket.record
        memo = str(values["OrderMemo"]) if self.has_memo else ""
        request = int(values["RequestID"] or 0)
        shown_ref = given or str(self.refs[session])
        shown = (self.world.front, session, shown_ref, request, memo)
        sent = picked(self.catalogue, "InputOrder", ticket.body, KEPT)
        real = (self.world.front, self.world.session, str(sent["OrderRef"]))
        assert all(truth.real != real for truth in self.world.orders), "a name was used twice"
        if self.random.random() < 0.05:
            return
        truth = self.world.insert(sent, real, shown)
        self.inserted.append((truth, call, session))
        self.book.handed(record, 0)

    def insert_outside(self) -> None:
        """Numbers as we do."""
        self.outside_ref += 1
        ours = [truth for truth in self.world.orders if truth.shown]
        like = self.random.choice(ours) if ours else None
        values: Values = {
            "OrderRef": like.real[2] if like else f"{self.outside_ref:012}",
            "RequestID": self.random.choice((0, 1, 7)),
            "OrderMemo": self.random.choice(("", "m1")) if self.has_memo else None,
            "ExchangeID": "SHFE",
            "InstrumentID": "rb3",
            "Direction": "0",
            "VolumeTotalOriginal": 2,
        }
        real = (1, 10**7 + self.outside_ref, str(values["OrderRef"]))
        self.world.insert(values, real, None)

    def same_id(self) -> None:
        for truth, call, _ in reversed(self.inserted):
            if call.client_order_id:
                try:
                    self.book.intend(call, self.clients[0], 10**6)
                except Duplicate as exc:
                    assert truth.shown is not None
                    outcome = self.book.outcome(exc.record, duplicate=True)
                    assert (outcome.session_id, outcome.order_ref) == truth.shown[1:3]
                    return
                raise AssertionError("one client_order_id made two orders")

    def cancel(self) -> None:
        ours = [truth for truth in self.world.orders if truth.shown]
        if not ours:
            return
        truth = self.random.choice(ours)
        assert truth.shown is not None
        if self.reset and not truth.told:
            return  # the counter has given it a name that nobody was told
        values: Values = {"FrontID": truth.shown[0], "SessionID": truth.shown[1]}
        values["OrderRef"] = truth.shown[2]
        if truth.told_sys and self.random.random() < 0.5:
            sys = str(truth.numbers()["OrderSysID"])
            values = {"OrderSysID": sys.strip(), "ExchangeID": truth.kept["ExchangeID"]}
        self._check_cancel(values, truth)

    def cancel_outside(self) -> None:
        others = [truth for truth in self.world.orders if not truth.shown]
        if others and not self.reset:
            truth = self.random.choice(others)
            front, session, ref = truth.real
            self._check_cancel({"FrontID": front, "SessionID": session, "OrderRef": ref}, truth)

    def _check_cancel(self, values: Values, truth: Truth) -> None:
        struct = "InputOrderAction"
        self.number += 1
        call = Call(
            1, "ReqOrderAction", 0, body=packed(self.catalogue, struct, {**values, "RequestID": 9})
        )
        sent = self.book.action(call, self.clients[0], self.number)
        values = picked(self.catalogue, struct, sent, _NAMES)
        assert self.world.named(values) == [truth], "a cancel names another order"
        event = Event("OnRspOrderAction", sent, None, self.number, True, 0, 0)
        assert self.book.reply(event).field == call.body, "not what the client has sent"

    # -- what the counter does -------------------------------------------------------------------

    def happen(self) -> None:
        """The next thing in the life of an order."""
        waiting = [truth for truth in self.world.orders if not truth.status]
        living = [truth for truth in self.world.orders if truth.live]
        if waiting and (not living or self.random.random() < 0.5):
            truth = self.random.choice(waiting)
            refused = self.random.random() < 0.2
            self.tell([self.world.refuse(truth) if refused else self.world.accept(truth)])
        elif living:
            truth = self.random.choice(living)
            what = self.random.random()
            if not truth.on_exchange and what < 0.7:
                self.tell([self.world.queue(truth)])
            elif what < 0.2:
                self.tell([self.world.end(truth)])
            else:
                self.tell(self.world.trade(truth))

    def tell(self, news: list[Told]) -> None:
        """It happens; now and then nobody of us is there to hear it."""
        self.world.told += news
        if self.random.random() < 0.95:
            for told in news:
                self._deliver(told)

    def again(self) -> None:
        """CTP repeats itself."""
        if self.world.told:
            self._deliver(self.random.choice(self.world.told))

    def query(self) -> None:
        for truth in self.world.orders:
            if truth.seated:
                told = self.world.row(truth)
                truth.seen = max(truth.seen, state(told.values))
                self._check(told, self.world.event(told), self.book.reply(self.world.event(told)))
                self._is_told(told)

    def wait(self) -> None:
        self.now += 2
        self._see_all(self.book.due(self.now))

    def replay(self) -> None:
        for told in list(self.world.told):
            self._deliver(told)

    def reconnect(self) -> None:
        self.world.session += 1
        self.world.front = self.random.choice((1, 2))
        self.book.disconnected()
        self._log_in(self.book)
        self.replay()

    def restart(self) -> None:
        """The worker dies; what was not flushed is gone."""
        if self.random.random() < 0.5:
            self.book.flush(self.now + 10)
            for truth in self.world.orders:
                truth.write()
        for truth in self.world.orders:
            truth.forget()
        self.trades.clear()  # the held ones come again
        self.world.session += 1
        self.book = self._new_book()
        self.replay()
        self.clients.append(self.book.new_session())

    def clear_flow(self) -> None:
        self.reset = True
        self.world.reset(clash=self.has_memo)
        if self.random.random() < 0.5:
            self.restart()
        else:
            self.reconnect()

    # -- what is seen ----------------------------------------------------------------------------

    def find(self) -> None:
        if self.inserted:
            truth, _, session = self.random.choice(self.inserted)
            self._find(truth, session)

    def _find(self, truth: Truth, session: int) -> None:
        assert truth.shown is not None
        query = OutcomeQuery(session_id=session, order_ref=truth.shown[2])
        record = self.book.find(query)
        assert record is not None
        assert (record.session_id, record.client_ref) == truth.shown[1:3]
        assert self.book.find(OutcomeQuery(order_id=record.order_id)) is record
        if record.volume_traded:
            assert record.volume_traded <= truth.traded, "another order's trades"

    def _deliver(self, told: Told) -> None:
        event = self.world.event(told)
        trade = str(told.values.get("TradeID", ""))
        if trade:
            self.came[trade] = self.now
            self.trades[trade] = self.trades.get(trade, 0) + 1
        if told.name == "OnRtnOrder":
            self._is_told(told)
        seen = self.book.returned(event, self.now)
        if told.name == "OnErrRtnOrderInsert":
            assert len(seen) == 1, "a refusal was lost"
        own = [each for each in seen if each.name == told.name] if not trade else []
        if told.name == "OnRtnOrder" and told.truth.told and told.truth.shown:
            assert len(own) == (state(told.values) >= told.truth.seen), "stale, or lost"
            told.truth.seen = max(told.truth.seen, state(told.values))
        if own:
            self._check(told, event, own[0])
        self._see_all([each for each in seen if each not in own])

    def _is_told(self, told: Told) -> None:
        """Of an order that was renamed before, without OrderMemo, nobody can tell whose it is."""
        truth = told.truth
        truth.told = truth.told or self.has_memo or not self.reset
        truth.told_sys = truth.told_sys or bool(truth.told and told.values["OrderSysID"])

    def _see_all(self, events: list[Event]) -> None:
        """Trades, which say by their TradeID whose they are."""
        for event in events:
            values = picked(self.catalogue, "Trade", event.field or b"", ["TradeID"])
            trade = str(values["TradeID"])
            self.trades[trade] -= 1
            told = next(each for each in self.world.told if each.values.get("TradeID") == trade)
            self._check(told, self.world.event(told), event)

    def _check(self, told: Told, before: Event, after: Event) -> None:
        """Whether this is what every viewer must see."""
        struct = str(self.catalogue.td.callbacks[told.name].struct)
        values = picked(self.catalogue, struct, after.field or b"", _NAMES)
        shown = told.truth.shown
        if shown is None:
            assert after.field == before.field or values["OrderRef"] == "", "an outsider's order"
            return
        expected = dict(zip(("FrontID", "SessionID", "OrderRef"), shown, strict=False))
        expected |= {"RequestID": shown[3], "OrderMemo": shown[4]}
        wanted = {name: value for name, value in expected.items() if name in values}
        found = {name: values[name] for name in wanted}
        if found != wanted:
            self._check_unknowable(told, before, after)
        elif "SessionID" in values:
            assert self.owners.setdefault(shown[:3], told.truth) is told.truth, (
                "one name, two orders"
            )

    def _check_unknowable(self, told: Told, before: Event, after: Event) -> None:
        """Nobody can know an order that was renamed before it had a number, in an API without
        OrderMemo; then it is shown as it came, never under another one's name. A trade whose order
        was never told has no name at all."""
        assert after.field is not None
        if told.name == "OnRtnTrade":
            values = picked(self.catalogue, "Trade", after.field, _NAMES)
            unheard = not told.truth.told and self.now >= self.came[str(values["TradeID"])] + 1
            assert unheard or (self.reset and not self.has_memo), "a trade without its name"
            assert values["OrderRef"] in ("", told.values["OrderRef"])
            return
        assert self.reset, "a wrong name"
        assert not self.has_memo, "a wrong name, in spite of OrderMemo"
        assert after.field == before.field, "a name of somebody else"

    def _new_book(self) -> Book:
        book = Book(self.catalogue, self.store, _DAY, clock_ns=lambda: int(self.now * 1e9))
        self._log_in(book)
        return book

    def _log_in(self, book: Book) -> None:
        book.login(self.world.front, self.world.session, "0")


def run(count: int, first: int = 0) -> None:
    """Raises AssertionError with the seed of the first history that fails."""
    for seed in range(first, first + count):
        try:
            History(seed).run()
        except Exception as exc:
            raise AssertionError(f"history {seed}: {exc!r}") from exc


def main(count: int, first: int) -> None:
    begin = time.monotonic()
    for done in range(0, count, _REPORT):
        run(min(_REPORT, count - done), first + done)
        so_far = min(done + _REPORT, count)
        print(f"{so_far} histories, {time.monotonic() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
