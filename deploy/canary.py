"""The proof that a group works: a tick and a request that travel every hop.

    client ── ws_edge ── md_worker ── md front       a tick
    client ── ws_edge ── td_worker ── td front       a query and its answer
    client ── recorder                               the tick once more, from its file
    client ── tcp_edge ── md_worker                  a login and a quote, by OFX

What cannot be proven (a market that is closed, no account to log in with) is said, not assumed.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from bus.endpoints import Addresses
from bus.errors import ConfigError
from bus.secrets import Secret, SecretError, either
from bus.security import Keys
from deploy.canary_config import CanaryConfig
from deploy.ofx import OfxFailed, OfxWay
from deploy.past import newest
from deploy.state import heard
from tcp_edge.config import TcpConfig
from tcp_edge.wires import first_key

NOT_SENT = -1  # the front is not there yet; nothing was tried with the account, so try again
RETRY_S = 0.3
CLOSED_MARKET_WAIT_S = 6.0  # liquid contracts tick twice a second when the session is open
CONNECT_TIMEOUT_S = 5.0
RECENT_NS = 10_000_000_000  # the tick that was checked before is no older
RECORDED_WAIT_S = 5.0
FEEDS_WAIT_S = 5.0  # for those that are a moment behind the first


class CanaryFailed(Exception):
    """``hop`` names the two ends between which the canary was lost."""

    def __init__(self, hop: str, reason: str) -> None:
        super().__init__(f"{hop}: {reason}")
        self.hop = hop


class _NotYet(CanaryFailed):
    """Lost, but the hop may be coming up."""


@dataclass(frozen=True)
class Canary:
    """``url`` is ws_edge's address without a path, ``deadline`` is monotonic time in s. ``md``: the
    program that publishes the ticks.

    ``must_tick``: the market behind the front never closes, so a missing tick is a failure.
    """

    config: CanaryConfig
    url: str
    bus: Addresses
    md_fronts: list[str]
    """Empty: market data is not served; and so with the next."""
    td_fronts: list[str]
    md: str
    must_tick: bool
    deadline: float
    certificate: str = ""
    """ws_edge's own, a PEM file; empty: it does not speak TLS."""
    keys: Keys | None = None
    history: str = ""
    """The recorder's address; empty: there is none."""
    ofx: TcpConfig | None = None
    """None: there is no tcp_edge."""
    ofx_folder: Path = Path()
    """Of tcp_edge, where it keeps a key that it has made."""

    def fly(self) -> list[str]:
        """Send a canary to each front; what was proven and what was not, a sentence each."""
        said = [self._until_deadline(self._market_data)] if self.md_fronts else []
        if self.md == "md_merge":
            said.append(self._feeds())
        if self.history and self.config.instrument:
            said.append(self._recorded())
        if self.td_fronts:
            said.append(self._until_deadline(self._trading))
        if self.ofx is not None:
            said.append(self._until_deadline(self._ofx))
        return said

    def _until_deadline(self, attempt: Callable[[], str]) -> str:
        while True:
            try:
                return attempt()
            except _NotYet:
                if time.monotonic() + RETRY_S > self.deadline:
                    raise
                time.sleep(RETRY_S)

    def _market_data(self) -> str:
        front = f"{self.md} → md front {' '.join(self.md_fronts)}"
        with self._connection("/md/") as client:
            login = {"UserID": "", "Password": ""}
            client.send("ReqUserLogin", ReqUserLogin=login)
            reply = client.receive_kind("RspUserLogin")
            _accept(reply or self._silence(self.md, "md_worker", self.bus.md_pub, front), front)
            if not self.config.instrument:
                return "market data: logged in; no tick checked, canary.instrument is not set"
            client.send("SubscribeMarketData", InstrumentID=[self.config.instrument])
            _accept(client.expect("RspSubMarketData", front), front)
            return self._tick(client, front)

    def _tick(self, client: _Client, front: str) -> str:
        """Two ticks with different times: the first may be an old one that md_worker kept."""
        began = time.monotonic()
        until = self.deadline if self.must_tick else began + CLOSED_MARKET_WAIT_S
        first = None
        while (message := client.receive(until)) is not None:
            if message["MsgType"] != "RtnDepthMarketData":
                continue
            tick = message["DepthMarketData"]
            stamp = (tick["ActionDay"], tick["UpdateTime"], tick["UpdateMillisec"], tick["Volume"])
            if first is not None and stamp != first:
                return f"market data: ticks of {self.config.instrument} arrive"
            first = stamp
        if self.must_tick:
            seen = "no tick" if first is None else "only one tick, an old one"
            raise CanaryFailed(front, f"{seen} of {self.config.instrument} in time")
        return (
            f"market data: logged in and subscribed; no fresh tick of {self.config.instrument} "
            f"within {CLOSED_MARKET_WAIT_S:.0f} s (market closed?), so ticks are NOT checked"
        )

    def _recorded(self) -> str:
        """The tick that has just come, read back. Trading goes on without a recorder, so a group
        is not stopped for the want of it."""
        instrument, since_ns = self.config.instrument, time.time_ns() - RECENT_NS
        until = min(self.deadline, time.monotonic() + RECORDED_WAIT_S)
        while newest(self.history, instrument, self.keys) < since_ns:
            if time.monotonic() > until:
                return f"recorder: no fresh tick of {instrument} on record, so it is NOT checked"
            time.sleep(RETRY_S)
        return f"recorder: ticks of {instrument} are on record"

    def _trading(self) -> str:
        front = f"td_worker → td front {' '.join(self.td_fronts)}"
        if not self.config.user_id:
            return self._trading_front_only()
        with self._connection("/td/") as client:
            user = self.config.user_id
            password = _revealed(either(self.config.password, self.config.password_file))
            login = {"UserID": user, "Password": password}
            client.send("ReqUserLogin", ReqUserLogin=login)
            reply = client.receive_kind("RspUserLogin", "RspAuthenticate")
            silence = ("td_worker", "td_worker", self.bus.td_pub, front)
            _accept(reply or self._silence(*silence), front)
            client.send("ReqQryTradingAccount", QryTradingAccount={}, RequestID=1)
            _accept(client.expect("RspQryTradingAccount", front), front)
        return f"trading: {user} logged in, ReqQryTradingAccount answered"

    def _ofx(self) -> str:
        assert self.ofx is not None
        hop = "client → tcp_edge"
        password = either(self.config.ofx_password, self.config.ofx_password_file)
        try:
            key, kid = first_key(self.ofx, self.ofx_folder)
            return OfxWay(
                config=self.ofx,
                key=key,
                kid=kid,
                user=self.config.ofx_user,
                password=password,
                code=self.config.instrument,
                must_tick=self.must_tick,
                deadline=self.deadline,
            ).fly()
        except ConfigError as exc:
            raise CanaryFailed(hop, str(exc)) from exc
        except OfxFailed as exc:
            raise (_NotYet if exc.worth_again else CanaryFailed)(hop, str(exc)) from exc

    def _feeds(self) -> str:
        """Which feeds the ticks can come from. One is enough, so the others are only spoken of."""
        until = min(self.deadline, time.monotonic() + FEEDS_WAIT_S)
        while True:
            state = heard(self.bus.md_pub, "md_worker", self.keys)
            feeds = {} if state is None else state["feeds"]
            away = [name for name, feed in feeds.items() if not feed["logged_in"]]
            if feeds and not away:
                return f"feeds: {', '.join(feeds)} are logged in"
            if time.monotonic() > until:
                told = ", ".join(f"{name} is {feeds[name]['state']}" for name in away)
                return (
                    f"feeds: {told or 'no state'}, so this is NOT the redundancy that was asked for"
                )

    def _silence(self, program: str, worker: str, pub: str, front: str) -> NoReturn:
        """No answer to a login: the worker's state tells on which side of it the canary is."""
        state = heard(pub, worker, self.keys)
        if state is None:
            hop = f"ws_edge → {program}"
            raise CanaryFailed(hop, f"no answer to the login, no state at {pub}")
        if state["front"] != "connected":
            why = "" if state["reason"] is None else f", reason {state['reason']}"
            raise CanaryFailed(front, f"{program} says: {state['front']}{why}")
        raise CanaryFailed(front, "connected, but the login is not answered")

    def _trading_front_only(self) -> str:
        """No account to try, and a wrong login would bring one closer to its lock."""
        with self._connection("/td/") as client:
            client.send("ReqQryTradingAccount", QryTradingAccount={}, RequestID=1)
            client.expect("ReqQryTradingAccount", "client → ws_edge")  # -401: log in first
        if heard(self.bus.td_pub, "td_worker", self.keys) is None:
            raise _NotYet("td_worker → bus", f"no state message at {self.bus.td_pub}")
        for front in self.td_fronts:
            address = urlsplit(front)
            try:
                socket.create_connection(
                    (address.hostname, address.port), CONNECT_TIMEOUT_S
                ).close()
            except OSError:
                continue
            return (
                f"trading: td_worker is on the bus, {front} accepts connections; "
                "login and queries are NOT checked, canary.user_id is not set"
            )
        raise _NotYet(
            f"this machine → td front {' '.join(self.td_fronts)}", "no connection possible"
        )

    @contextmanager
    def _connection(self, path: str) -> Iterator[_Client]:
        hop = f"client → ws_edge {self.url}{path}"
        token = _revealed(either(Secret(""), self.config.token_file))
        try:
            with connect(
                self.url + path,
                ssl=_trusting(self.certificate) if self.certificate else None,
                additional_headers={"Authorization": f"Bearer {token}"} if token else None,
                open_timeout=CONNECT_TIMEOUT_S,
                proxy=None,
            ) as connection:
                yield _Client(connection, self.deadline)
        except InvalidStatus as exc:
            status = exc.response.status_code
            raise CanaryFailed(hop, f"HTTP {status} (is canary.token_file right?)") from exc
        except (OSError, WebSocketException) as exc:
            raise _NotYet(hop, str(exc) or type(exc).__name__) from exc


class _Client:
    """A webctp client of one socket."""

    def __init__(self, connection: ClientConnection, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def send(self, kind: str, **keys: object) -> None:
        self._connection.send(json.dumps({"MsgType": kind, **keys}))

    def expect(self, kind: str, hop: str) -> dict[str, Any]:
        """The next message of this kind; without one the canary is lost at ``hop``."""
        message = self.receive_kind(kind)
        if message is None:
            raise CanaryFailed(hop, f"no {kind} in time")
        return message

    def receive_kind(self, *kinds: str) -> dict[str, Any] | None:
        """The next message of one of these kinds, None when there was none before the deadline."""
        while (message := self.receive(self._deadline)) is not None:
            if message["MsgType"] in kinds:
                return message
        return None

    def receive(self, until: float) -> dict[str, Any] | None:
        """The next message, None when there was none until then (monotonic)."""
        try:
            text = self._connection.recv(max(0.0, until - time.monotonic()))
        except TimeoutError:
            return None
        message: dict[str, Any] = json.loads(text)
        return message


def _revealed(secret: Secret) -> str:
    """Raises CanaryFailed."""
    try:
        return secret.reveal()
    except SecretError as exc:
        raise CanaryFailed("deploy/up", str(exc)) from exc


def _trusting(certificate: str) -> ssl.SSLContext:
    """Accepts this certificate, whoever signed it and whatever name it has: we know the address."""
    context = ssl.create_default_context(cafile=certificate)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return context


def _accept(message: dict[str, Any], hop: str) -> None:
    """Raise unless the reply says that all went well."""
    info = message.get("RspInfo") or {"ErrorID": 0}
    if info["ErrorID"] == 0:
        return
    detail = f" ({message['Detail']})" if "Detail" in message else ""
    kind = _NotYet if info["ErrorID"] == NOT_SENT else CanaryFailed
    raise kind(hop, f"{message['MsgType']} says {info['ErrorID']} {info['ErrorMsg']}{detail}")
