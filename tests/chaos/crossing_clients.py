"""The clients of ``crossing.py``: each is some user for a while, and looks at every byte it gets.

A user is a word (``CX017``) that is his account, and that is in whatever he sends; his orders have
a price of their own as well, because OFX's records have no room for a word.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import ssl
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bus.client import Account, Client, addresses_of
from bus.errors import BusError
from bus.frames import Row
from tests.support.ws_client import ONE_LOT

BROKER: Final = "9999"
_WORD: Final = re.compile(rb"CX[0-9]{3}")
_MOST_FAULTS: Final = 50
_ANSWER_S: Final = 40.0
_LIFE_S: Final = (0.2, 6.0)
_PAUSE_S: Final = (0.0, 0.15)


class Where(NamedTuple):
    """``instruments``: the first is traded. ``price``: of an order that rests, of the user number
    0; the others are ``step`` apart."""

    ws: str
    ofx: tuple[str, int]
    authority: str
    config: str
    instruments: tuple[str, ...]
    exchange: str
    ticker: str
    market: int
    price: float
    step: float

    def price_of(self, user: int) -> float:
        return round(self.price + user * self.step, 6)


class Seen(msgspec.Struct):
    """Messages that were looked at, by kind; what came to the wrong one; comings and goings."""

    messages: dict[str, int] = {}
    crossed: list[str] = []
    troubles: dict[str, int] = {}
    attached: dict[str, int] = {}

    def add(self, other: Seen) -> None:
        self.crossed += other.crossed
        for mine, theirs in (
            (self.messages, other.messages),
            (self.troubles, other.troubles),
            (self.attached, other.attached),
        ):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count

    @property
    def total(self) -> int:
        return sum(self.messages.values())


def word(user: int) -> str:
    return f"CX{user:03}"


def password(user: int) -> str:
    """With the user's word in it, so that one that comes back anywhere is found too."""
    return f"pw-{word(user)}-7319"


class Watch:
    """What all clients of one process have seen."""

    def __init__(self) -> None:
        self.messages: Counter[str] = Counter()
        self.attached: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()
        self.crossed: list[str] = []

    def look(self, kind: str, raw: bytes, *allowed: int) -> None:
        """``allowed``: whose it may be."""
        self.messages[kind] += 1
        for found in set(_WORD.findall(raw)):
            if int(found[2:]) not in allowed:
                self.cross(kind, raw, allowed)

    def cross(self, kind: str, raw: bytes, allowed: tuple[int, ...]) -> None:
        if len(self.crossed) < _MOST_FAULTS:
            names = " or ".join(map(word, allowed))
            self.crossed.append(f"{kind}: {names} got {raw[:300]!r}")

    def seen(self) -> Seen:
        return Seen(dict(self.messages), self.crossed, dict(self.troubles), dict(self.attached))


class Crowd:
    """The clients of one process, for some of the users. Ends when enough has been seen."""

    def __init__(self, where: Where, users: range, messages: int, seed: int) -> None:
        self.where, self.users, self.watch = where, users, Watch()
        self._messages = messages
        self._seed = seed
        self.numbers = itertools.count(1)

    async def run(self, limit_s: float) -> Seen:
        until = time.monotonic() + limit_s
        async with Client(addresses_of(self.where.config)) as sdk:
            lives: list[Callable[[random.Random], Coroutine[Any, Any, None]]] = [
                lambda chance: self._ws(chance),
                lambda chance: self._ofx(chance),
                lambda chance: self._sdk(chance, sdk),
                lambda chance: self._ticks(chance),
            ]
            tasks = [
                asyncio.create_task(self._again(kind, number))
                for number in self.users
                for kind in lives
            ]
            try:
                while self.watch.messages.total() < self._messages and time.monotonic() < until:
                    done, _ = await asyncio.wait(tasks, timeout=0.2)
                    for task in done:
                        task.result()  # a fault of ours, which is to be seen
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
        return self.watch.seen()

    async def _again(
        self, live: Callable[[random.Random], Coroutine[Any, Any, None]], number: int
    ) -> None:
        chance = random.Random(f"{self._seed} {number}")
        while True:
            await asyncio.sleep(chance.uniform(0, 1))
            try:
                await live(chance)
            except (OSError, ConnectionClosed, TimeoutError, BusError, EOFError) as exc:
                self.watch.troubles[f"{type(exc).__name__} {str(exc)[:60]}"] += 1

    def _user(self, chance: random.Random) -> int:
        return chance.choice(self.users)

    # -- WebSocket: one socket, one user after the other -------------------------------------

    async def _ws(self, chance: random.Random) -> None:
        options = chance.choice(("", "?seq=on&outcomes=on", "?notices=all"))
        url = f"{self.where.ws}/td/{options}"
        async with connect(url, max_size=None, proxy=None, compression=None, close_timeout=1) as ws:
            trader = WsTrader(self, ws, chance)
            for _ in range(chance.randrange(1, 4)):
                await trader.become(self._user(chance))
            if chance.random() < 0.3:
                ws.transport.abort()

    async def _ticks(self, chance: random.Random) -> None:
        """No instrument but those that were asked for."""
        url = f"{self.where.ws}/md/"
        async with connect(url, max_size=None, proxy=None, compression=None, close_timeout=1) as ws:
            await ws.send('{"MsgType":"ReqUserLogin","ReqUserLogin":{"UserID":"","Password":""}}')
            wanted = chance.sample(self.where.instruments, chance.randrange(1, 4))
            await ws.send(json.dumps({"MsgType": "SubscribeMarketData", "InstrumentID": wanted}))
            self.watch.attached["ws ticks"] += 1
            until = time.monotonic() + chance.uniform(*_LIFE_S)
            while (left := until - time.monotonic()) > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        said = json.loads(await ws.recv())
                    self.watch.messages["ws ticks"] += 1
                    tick = said.get("DepthMarketData") or {}
                    if tick and tick["InstrumentID"] not in wanted:
                        raw = json.dumps(said).encode()
                        self.watch.crossed.append(f"ws ticks: {wanted} got {raw[:200]!r}")

    # -- OFX: requests with an authcode, and what is told without being asked ----------------

    async def _ofx(self, chance: random.Random) -> None:
        context = ssl.create_default_context(cafile=self.where.authority)
        reader, writer = await asyncio.open_connection(
            *self.where.ofx,
            ssl=context,
            server_hostname="127.0.0.1",
            limit=1 << 24,
            local_addr=(f"127.0.5.{chance.randrange(1, 250)}", 0),  # tries are counted by address
        )
        try:
            for _ in range(chance.randrange(1, 3)):
                await OfxTrader(self, reader, writer, chance).be(self._user(chance))
        finally:
            writer.transport.abort()

    # -- SDK: all accounts over the sockets of one client ------------------------------------

    async def _sdk(self, chance: random.Random, sdk: Client) -> None:
        user = self._user(chance)
        account = await sdk.login(word(user), password(user), broker_id=BROKER)
        self.watch.attached["sdk"] += 1
        following = asyncio.create_task(self._follow(account, user))
        try:
            until = time.monotonic() + chance.uniform(*_LIFE_S)
            while time.monotonic() < until:
                await self._ask(account, user, chance)
                await asyncio.sleep(chance.uniform(*_PAUSE_S))
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            account.leave()

    async def _follow(self, account: Account, user: int) -> None:
        async for item in account.returns():
            self.watch.look("sdk returns", msgspec.msgpack.encode(item), user)

    async def _ask(self, account: Account, user: int, chance: random.Random) -> None:
        def look(row: Row) -> None:
            self.watch.look("sdk rows", row.body, user)

        own = {"BrokerID": BROKER, "InvestorID": word(user)}
        how = chance.random()
        if how < 0.4:
            instrument = self.where.instruments[0]
            order: dict[str, Any] = {
                **ONE_LOT,
                **own,
                "InstrumentID": instrument,
                "ExchangeID": self.where.exchange,
                "LimitPrice": self.where.price_of(user),
                "BusinessUnit": f"{word(user)}.sdk",
            }
            account.start("ReqOrderInsert", order, look, lambda why: None, 3.0)
            return
        if how < 0.7:
            last = await account.request("ReqQryOrder", own, look, fresh=chance.random() < 0.3)
        elif how < 0.85:
            last = await account.request("ReqQryTradingAccount", own, look)
        else:  # somebody else's: nothing of it may come
            other = {"BrokerID": BROKER, "InvestorID": word(self._user(chance))}
            last = await account.request("ReqQryOrder", other, look)
        look(last)


class WsTrader:
    """One socket on /td/. While a login is on its way what comes may be of either user."""

    def __init__(self, crowd: Crowd, ws: ClientConnection, chance: random.Random) -> None:
        self._crowd, self._ws, self._chance = crowd, ws, chance
        self._user = self._was = -1
        # By RequestID of this socket, who it was that asked: the answer is his, also when it comes
        # after the login of the next one.
        self._own: dict[int, int] = {}

    async def become(self, user: int) -> None:
        self._was, self._user = self._user, user
        login: dict[str, Any] = {"UserID": word(user), "Password": password(user)}
        more = {"Resume": "0-0"} if self._chance.random() < 0.2 else {}
        await self._send("ReqUserLogin", ReqUserLogin=login, **more)
        said: dict[str, Any] = {"MsgType": ""}
        while said["MsgType"] != "RspUserLogin":
            said = json.loads(await self._hear(_ANSWER_S))
        if said["RspInfo"]["ErrorID"]:
            why = f"{said['RspInfo']['ErrorID']} {said.get('Detail', '')[:60]}"
            self._crowd.watch.troubles[f"ws login {why}"] += 1
            raise ConnectionError
        self._was = user
        self._crowd.watch.attached["ws"] += 1
        until = time.monotonic() + self._chance.uniform(*_LIFE_S)
        while time.monotonic() < until:
            await self._ask()
            deadline = time.monotonic() + self._chance.uniform(*_PAUSE_S)
            with suppress(TimeoutError):
                while (left := deadline - time.monotonic()) > 0:
                    await self._hear(left)

    async def _ask(self) -> None:
        chance, where, user = self._chance, self._crowd.where, self._user
        own = {"BrokerID": BROKER, "InvestorID": word(user)}
        how = chance.random()
        if how < 0.3:
            order = {
                **ONE_LOT,
                "InstrumentID": where.instruments[0],
                "ExchangeID": where.exchange,
                "LimitPrice": where.price_of(user),
                "BusinessUnit": f"{word(user)}.ws",
            }
            name = f"{word(user)}-{next(self._crowd.numbers)}"
            await self._send("ReqOrderInsert", InputOrder=order, ClientOrderID=name)
        elif how < 0.6:
            await self._send("ReqQryOrder", QryOrder=own, Fresh=chance.random() < 0.3)
        elif how < 0.75:
            await self._send("ReqQryTradingAccount", QryTradingAccount=own)
        elif how < 0.85:
            others = word(chance.choice(self._crowd.users))
            await self._send("ReqQryOrder", QryOrder={"InvestorID": others})
        else:  # an order of somebody else: there is no such order
            name = f"{word(chance.choice(self._crowd.users))}-{chance.randrange(1, 2000)}"
            await self._send("QryOrderOutcome", QryOrderOutcome={"ClientOrderID": name})

    async def _send(self, kind: str, **keys: Any) -> None:
        number = next(self._crowd.numbers)
        self._own[number] = self._user
        await self._ws.send(json.dumps({"MsgType": kind, "RequestID": number, **keys}))

    async def _hear(self, wait_s: float) -> str:
        async with asyncio.timeout(wait_s):
            text = await self._ws.recv()
        assert isinstance(text, str)
        raw, head = text.encode(), _head(text)
        if head.MsgType.startswith("Rtn") or not head.RequestID:
            self._crowd.watch.look("ws", raw, self._user, self._was)
        elif head.RequestID in self._own:
            self._crowd.watch.look("ws", raw, self._own[head.RequestID])
        else:
            self._crowd.watch.cross("ws RequestID", raw, (self._user,))
        return text


class _Head(msgspec.Struct):
    MsgType: str
    RequestID: int | None = None


_head: Final = msgspec.json.Decoder(_Head).decode


class OfxTrader:
    """A user on a TLS connection, whose pushes come between the replies."""

    def __init__(
        self,
        crowd: Crowd,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        chance: random.Random,
    ) -> None:
        self._crowd, self._chance = crowd, chance
        self._reader, self._writer = reader, writer
        self._user = -1

    async def be(self, user: int) -> None:
        self._user = user
        said = {"username": word(user).lower(), "password": password(user)}
        # Pushes of the user before may still come until the first command with the new authcode.
        route = await self._ask(1, said, before=True)
        if "authcode" not in route:
            self._crowd.watch.troubles[f"ofx login {route.get('stat')}"] += 1
            raise ConnectionError
        code = route["authcode"]
        await self._ask(200003, None, before=True, authcode=code, push=["order", "trade"])
        self._crowd.watch.attached["ofx"] += 1
        until = time.monotonic() + self._chance.uniform(*_LIFE_S)
        while time.monotonic() < until:
            await self._one(code)
            await asyncio.sleep(self._chance.uniform(*_PAUSE_S))

    async def _one(self, code: str) -> None:
        chance, where = self._chance, self._crowd.where
        how = chance.random()
        if how < 0.3:
            order = {
                "ticker": where.ticker,
                "market": where.market,
                "side": 1,
                "price_type": 1,
                "quantity": 1,
                "position_effect": 1,
                "price": where.price_of(self._user),
            }
            await self._ask(210005, order, authcode=code)
        elif how < 0.6:
            await self._records(await self._ask(200001, None, authcode=code))
        elif how < 0.8:
            asked = await self._ask(210003, None, authcode=code)
            if asked.get("stat") == 200:
                rows = await self._ask(200005, None, authcode=code, reqid=asked["reqid"], wait=5000)
                await self._records(rows)
        else:  # an answer to somebody else's question
            reqid = chance.randrange(1, 5000)
            await self._records(await self._ask(200005, None, authcode=code, reqid=reqid))

    async def _ask(self, cmd: int, params: Any, *, before: bool = False, **more: Any) -> Any:
        said = json.dumps({"cmd": cmd, "params": params, **more})
        self._writer.write(said.encode() + b"\r\n")
        while True:
            async with asyncio.timeout(_ANSWER_S):
                line = await self._reader.readuntil(b"\n")
            reply = json.loads(line)
            if not (isinstance(reply, dict) and "push" in reply):
                self._crowd.watch.look("ofx", line, self._user)
                return reply
            self._crowd.watch.messages["ofx pushes"] += 1
            if not before:
                self._mine(reply["data"])

    async def _records(self, reply: Any) -> None:
        for record in reply if isinstance(reply, list) else []:
            self._crowd.watch.messages["ofx records"] += 1
            self._mine(json.loads(record) if isinstance(record, str) else record)

    def _mine(self, record: dict[str, Any]) -> None:
        if "price" in record and "quantity" in record:
            price = self._crowd.where.price_of(self._user)
            if abs(record["price"] - price) > self._crowd.where.step / 2:
                raw = json.dumps(record).encode()
                self._crowd.watch.cross(f"ofx price of not {price}", raw, (self._user,))
