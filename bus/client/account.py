"""An account: its login, its requests and its orders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Final, Unpack

import msgspec

from schemas.catalogue import Catalogue
from schemas.codec import Value
from schemas.errors import Action, login_action
from schemas.typed import CtpStruct, Instrument, InvestorPosition, TradingAccount

from ..errors import BusError, ConfigError, CounterRefused, Refused, Unavailable, request_failed
from ..frames import Row, account_topic, message_type, split_body
from ..orders import After, Attach, Place
from ..retry import Pauses
from ..rpc import OnRow, OnSilence, SessionBody
from ..secrets import Secret
from .asking import Asking, Classes
from .calls import Options
from .ctp import Ctp
from .order import Order
from .orders import Orders
from .returns import Returns
from .terms import Offset, Side, Terms, limit_order
from .trading import Trading

_AGAIN_S: Final = 0.2
_LOGIN_AGAIN_S: Final = 1.0
_LOGIN_S: Final = 15.0  # a front may be slow
_LATE_S: Final = 1.0  # an answer takes so long from td_worker to us
_SESSION: Final = message_type("Session")
_LOGGED_IN: Final = message_type("OnRspUserLogin")
_decode_session: Final = msgspec.msgpack.Decoder(SessionBody).decode


class Account:
    """A login. ``handle`` is that of the latest one, for calls of one's own; ``topic`` has the
    account's returns; ``reached`` is how far they had come at that login, ``session`` the fields of
    the OnRspUserLogin that it got, with a FrontID and SessionID that nobody else has.

    Without a ``password`` it attaches as ``name`` to an account that td_worker logs in by itself,
    ``early`` also before that has recovered.
    """

    def __init__(
        self,
        trading: Trading,
        broker_id: str,
        user: str,
        password: Secret | None,
        name: str = "",
        early: bool = False,
    ) -> None:
        self.broker_id, self.user, self.name, self.early = broker_id, user, name, early
        self.handle, self.topic = b"", ""
        self.session: dict[str, Value] = {}
        self.reached = Place(0, 0)
        self._trading, self._password = trading, password
        self._lock = asyncio.Lock()
        self._barred: CounterRefused | None = None
        self._orders: Orders | None = None

    # -- orders ----------------------------------------------------------------------------------

    async def place(
        self,
        instrument: str,
        side: Side,
        volume: int,
        price: float,
        *,
        offset: Offset = "open",
        client_order_id: str = "",
        **terms: Unpack[Terms],
    ) -> Order:
        """A limit order, see ``bus.client.terms.limit_order``; returns with the first word on it,
        whose ``state`` tells what that is: SENT or ACK, or NOT_SENT or REJECTED and ``why``, or
        UNKNOWN. The same ``client_order_id`` (64 characters; made when it is empty) is sent once.
        ``terms``: see ``bus.client.terms.limit_order``; without an ``exchange`` the counter is
        asked for it first.

        Raises ValueError for what cannot be an order; then nothing was sent."""
        order = limit_order(instrument, side, volume, price, offset=offset, **terms)
        problem: BusError | None = None
        if not order.exchange_id:
            try:
                exchange = await self._exchange_of(instrument)
            except (Refused, Unavailable) as exc:
                problem = exc
            else:
                order = msgspec.structs.replace(order, exchange_id=exchange)
        return await self._desk.insert("ReqOrderInsert", order, client_order_id, problem)

    async def insert(self, method: str, fields: CtpStruct, *, client_order_id: str = "") -> Order:
        """The same for any insertion of the API (ReqQuoteInsert …), with its own struct."""
        return await self._desk.insert(method, fields, client_order_id)

    async def order(self, client_order_id: str, *, timeout_s: float = 10.0) -> Order | None:
        """One that was placed before, also by an earlier run of the program; None: td_worker has
        no record of it, so it was not sent so far. Raises Refused, Unavailable."""
        until = asyncio.get_running_loop().time() + timeout_s
        return await self._desk.find(client_order_id, until)

    async def void(self, client_order_id: str, *, timeout_s: float = 10.0) -> Order:
        """Make sure of an order of which there is no record, before another one is placed in its
        stead: from now on none of this id is sent, also when it is on its way here from another
        program. Then it is NOT_SENT. One that is on record is given back as it is. Raises Refused,
        Unavailable."""
        until = asyncio.get_running_loop().time() + timeout_s
        return await self._desk.void(client_order_id, until)

    async def cancel(self, order: Order) -> None:
        """``order.cancel()``."""
        await order.cancel()

    def orders(self) -> list[Order]:
        """Those that were placed or found here: that live, and the newest of those that have ended,
        10,000 in all."""
        return list(self._desk.placed.values())

    @property
    def _desk(self) -> Orders:
        """From its first use on the account's returns are followed."""
        if self._orders is None:
            self._orders = Orders(self)
        return self._orders

    async def _exchange_of(self, instrument: str) -> str:
        """ "" for an instrument that the counter does not have, which is the counter's to say."""
        known = self._trading.exchanges
        if instrument not in known:
            for row in await self.query("ReqQryInstrument", {"InstrumentID": instrument}, 10.0):
                if isinstance(row, Instrument):  # also of those whose names begin so
                    known[row.instrument_id] = row.exchange_id
        return known.get(instrument, "")

    # -- requests --------------------------------------------------------------------------------

    async def positions(
        self, instrument: str = "", *, timeout_s: float = 30.0
    ) -> list[InvestorPosition]:
        """The counter's rows, of one instrument or of all: one for each direction, and at SHFE and
        INE one for today's lots and one for those of before; also those with nothing left.
        Raises Refused, Unavailable."""
        rows = await self.query("ReqQryInvestorPosition", {"InstrumentID": instrument}, timeout_s)
        return [row for row in rows if isinstance(row, InvestorPosition)]

    async def money(self, *, timeout_s: float = 30.0) -> TradingAccount:
        """The account's balance, margin and what is available. Raises Refused, Unavailable."""
        rows = await self.query("ReqQryTradingAccount", {}, timeout_s)
        for row in rows:
            if isinstance(row, TradingAccount):
                return row
        raise request_failed("the counter told no account")

    async def query(
        self,
        method: str,
        fields: Mapping[str, Value],
        timeout_s: float = 30.0,
        *,
        request_id: int = 0,
        fresh: bool = False,
    ) -> list[CtpStruct]:
        """All rows of the answer to a request, by CTP's names of its fields; whose it is need not
        be said. A query is asked again until ``timeout_s`` is over, across starts of td_worker.
        ``fresh``: although the answer of the day is known. Raises CounterRefused with the counter's
        error, Refused, Unavailable when nothing was sent, Unanswered when no answer comes."""
        return await self._asking.ask(method, fields, timeout_s, request_id=request_id, fresh=fresh)

    async def act(
        self,
        method: str,
        fields: Mapping[str, Value],
        on_late: OnRow = lambda row: None,
        timeout_s: float = 5.0,
    ) -> None:
        """Ask for what is answered only when it is refused, such as ReqOrderAction. Returns when
        td_worker has handed it to the API; ``on_late`` gets what the counter says afterwards. Not
        sent any more after ``timeout_s``. Raises as ``query``."""
        await self._asking.act(method, fields, on_late, timeout_s)

    @cached_property
    def ctp(self) -> Ctp:
        """Every request of the API as a method, see ``bus.client.ctp``."""
        return Ctp(self)

    @cached_property
    def _asking(self) -> Asking:
        return Asking(self)

    @property
    def catalogue(self) -> Catalogue:
        return self._trading.catalogue

    @property
    def trading_day(self) -> str:
        """Of the login."""
        return str(self.session.get("TradingDay", ""))

    @property
    def whose(self) -> dict[str, Value]:
        """What the structs of requests say of it."""
        broker = self.session.get("BrokerID") or self.broker_id
        return {"BrokerID": broker, "InvestorID": self.user, "UserID": self.user}

    @property
    def classes(self) -> Classes:
        """The typed structs of rows, by their types."""
        return self._trading.classes

    def returns(self, since: Place | None = None, *, limit: int = 10_000) -> Returns:
        """See the package; ``limit`` items wait in the memory at the most, others in td_worker's
        journal."""
        return Returns(self._trading, self, self.reached if since is None else since, limit)

    async def told_since(self, place: Place, *, timeout_s: float = 2.0) -> bool:
        """Whether td_worker has told returns behind ``place``, that of the newest which one has:
        then what one knows of the account may be old. Raises Refused and Unavailable, such as when
        td_worker is away."""
        rows: list[Row] = []
        body = msgspec.msgpack.encode(After(place.epoch, place.seq, 1))
        await self.request("Returns", body, rows.append, deadline_s=timeout_s)
        return bool(rows)

    async def request(
        self,
        method: str,
        body: Mapping[str, Value] | bytes = b"",
        on_row: Callable[[Row], None] = lambda row: None,
        *,
        deadline_s: float = 10.0,
        request_id: int = 0,
        fresh: bool = False,
    ) -> Row:
        """Ask the counter, or td_worker, with this login: the last row; ``on_row`` gets those
        before it. ``body``: the fields of the request's struct, or its bytes, or a verb's body.
        Raises Refused, Unavailable when nothing was sent, Unanswered when no answer comes."""
        return await self._trading.calls.ask(
            method,
            on_row,
            deadline_s + _LATE_S,
            session=self.handle,
            body=self.pack(method, body),
            deadline_s=deadline_s,
            request_id=request_id,
            fresh=fresh,
        )

    def start(
        self,
        method: str,
        fields: Mapping[str, Value] | bytes,
        on_row: OnRow,
        on_silence: OnSilence,
        silent_s: float,
        **options: Unpack[Options],
    ) -> None:
        """The same for what has no sure end, such as an order: ``on_row`` gets each row; when none
        comes for ``silent_s`` before the last one, ``on_silence`` is called and no more come.
        Raises Unavailable when nothing was sent."""
        options = {"session": self.handle, **options, "body": self.pack(method, fields)}
        self._trading.calls.start(method, on_row, on_silence, silent_s, **options)

    def pack(self, method: str, body: Mapping[str, Value] | bytes) -> bytes:
        """Raises FieldError for a text that does not fit."""
        if isinstance(body, bytes):
            return body
        catalogue = self._trading.catalogue
        return catalogue.codec(catalogue.td.requests[method].struct).pack(body)

    def leave(self) -> None:
        """Log out: what was asked with this login and not answered yet is not answered any more."""
        self.close()
        if self in self._trading.accounts:
            self._trading.accounts.remove(self)
            self._trading.calls.tell("Detach", session=self.handle)

    async def log_in(self) -> None:
        """Raises Refused when the counter, or td_worker, does not let the account in, and
        ConfigError when td_worker has another version of the API."""
        while True:
            try:
                await self._log_in()
                return
            except Unavailable:
                await asyncio.sleep(_AGAIN_S)

    async def log_in_again(self, void: bytes) -> None:
        """This handle counts no more. Raises Refused when the counter does not let the account in;
        what is td_worker's own trouble passes, and so does a counter that is not open yet."""
        pauses = Pauses(_LOGIN_AGAIN_S)
        async with self._lock:
            while self.handle == void:
                try:
                    await self.log_in()
                except CounterRefused as refusal:
                    if login_action(refusal.error_id) is not Action.RETRY:
                        raise
                    await asyncio.sleep(pauses.take())
                except Refused:
                    await asyncio.sleep(_LOGIN_AGAIN_S)

    async def log_in_until(self, void: bytes, until: float) -> None:
        """The same until a time of the loop's clock; then Unavailable. A login that was refused for
        good is not tried again, for that could lock the account."""
        if self._barred is not None:
            raise self._barred
        try:
            async with asyncio.timeout_at(until):
                await self.log_in_again(void)
        except TimeoutError:
            raise Unavailable("td_worker") from None
        except CounterRefused as refusal:
            self._barred = refusal
            raise

    def changed(self, update: CtpStruct) -> None:
        """The counter has taken a new password, with which the next login is made."""
        values = msgspec.structs.asdict(update)
        if self._password is not None and values["user_id"] in ("", self.user):
            self._password = Secret(values["new_password"])

    def close(self) -> None:
        """Nothing more is heard of its orders."""
        if self._orders is not None:
            self._orders.close()

    async def _log_in(self) -> None:
        method, body = self._question()
        sessions: list[SessionBody] = []

        def take(row: Row) -> None:
            if row.type == _SESSION:
                sessions.append(_decode_session(row.body))

        last = await self._trading.calls.ask(method, take, _LOGIN_S, body=body)
        if last.layout != self.catalogue.layout_id:  # no struct of it can be read here
            text = "td_worker has another version of the API than this program"
            raise ConfigError(f"{text}: {last.layout:#06x}, not {self.catalogue.layout_id:#06x}")
        self._check(last)
        if not sessions:
            raise Unavailable("td_worker")
        session = sessions[-1]
        if not self.handle:
            self._trading.accounts.append(self)
        self.handle, self.reached = session.handle, Place(session.epoch, last.after_seq)
        self.topic = session.topic or account_topic(session.broker, session.user)

    def _question(self) -> tuple[str, bytes]:
        if self._password is None:
            return "Attach", msgspec.msgpack.encode(
                Attach(user=self.user, name=self.name, early=self.early)
            )
        values = {"BrokerID": self.broker_id, "UserID": self.user}
        password = {"Password": self._password.reveal()}
        return "ReqUserLogin", self._trading.catalogue.codec("ReqUserLogin").pack(values | password)

    def _check(self, row: Row) -> None:
        catalogue = self._trading.catalogue
        field, info = split_body(row.flags, row.body, catalogue.layouts["RspInfo"].size)
        if field is not None and row.type == _LOGGED_IN:
            self.session = catalogue.codec("RspUserLogin").unpack(field)
        if info is not None:
            error = catalogue.codec("RspInfo").unpack(info)
            if error["ErrorID"]:
                raise CounterRefused(int(str(error["ErrorID"])), str(error["ErrorMsg"]))
