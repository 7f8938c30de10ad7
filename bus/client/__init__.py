"""The SDK: the bus for an asyncio program, in which no loss stays hidden.

    async with Client(addresses_of("deploy/gateway.yaml")) as client:
        async for item in client.ticks("rb2610", "au2612"):
            match item:
                case Tick():
                    print(item.instrument, client.fields(item)["LastPrice"])
                case Gap() | Restarted() | Stale() | Fresh():
                    print(item)

        account = await client.login("028742", "123456", broker_id="9999")
        async for item in account.returns():
            ...

**Ticks.** ``client.ticks(*names, complete=False, limit=10_000)`` subscribes at once and is an
asynchronous iterator; ``aclose()`` unsubscribes, and ``client.close()`` ends it. A name is an
instrument, or the beginning of some and a star ("rb*", "*": those that somebody else subscribes;
a star subscribes nothing at the front). The items of one topic ("tick/rb2610/") are in its order:

Tick       one message. seq goes up by one, or a Gap came in between. Never an old epoch after a new
           one, never one seq twice. ``recv_ns`` is its time. ``body`` is the raw struct
Gap        seqs ``first`` to ``last`` of ``epoch`` are not coming. ``last`` None: all from ``first``
           on, up to the epoch that the Restarted behind it names; nobody knows how many they are,
           it may be none. ``reason``: "lost" on the bus and not to be had again, "restarted" with
           the publisher, "slow": this program did not take them in time
Restarted  the publisher was started anew: ``epoch`` goes on, from seq 1. All topics hear of it at
           once, those that are still Stale as well
Stale      no Beat for SILENT_S: publisher, link or subscription is dead. What came last is not now
Fresh      it is heard again. What was missed meanwhile follows, healed or as Gap

By default (``complete=False``) the newest tick comes at once: what is missing before it is a Gap;
only the lost end of a stream, which a Beat shows, is asked for once more. With ``complete=True``
ticks wait behind a gap until md_worker has given what was lost (it keeps ``keep_ticks`` of each
topic), for HEAL_S at the most, then comes the Gap; while md_worker cannot be asked, and over tcp,
for some seconds more. What is lost before the first item of a topic
is nobody's: a late joiner begins with the last tick that is still true (none without a front).

A program that does not take its items finds about ``limit`` of them (or twelve for each topic, when
that is more): of each topic the newest tick remains, and a Gap "slow" says which others there were.

**Orders.** ``order = await account.place("rb2610", "buy", 1, 3100.0)`` sends a limit order under a
name that is its own and never twice; ``order.state`` is what is known of it, UNKNOWN when nobody
knows, ``await order.wait()`` its end, ``await order.cancel()`` asks for that. ``await
account.order(client_order_id)`` finds one of an earlier run. See ``bus.client.orders``.

**Requests.** ``await account.positions()``, ``await account.money()``, and every request of the API
as a method with typed structs: ``await account.ctp.ReqQryTrade(QryTrade(exchange_id="SHFE"))``, see
``bus.client.ctp``. Below them ``await account.request("ReqQryTradingAccount", {…}, on_row)`` asks
once and gives rows. ``client.attach(user, name=…)`` is a login without the password, for accounts
that td_worker logs in by itself.

**Returns.** ``await client.login(user, password, broker_id=…)`` gives an ``Account`` or raises
Refused. ``account.returns(since=None)`` is an asynchronous iterator of the account's returns and of
the notices of its session: from the login on, or from behind ``since`` (``Place(0, 0)``: all of the
trading day; ``Place(item.epoch, item.seq)``: behind that item, also of an earlier run). Items:

Return     one message of the topic ("td/9999/028742/"), each once and in order
Restarted  td_worker was started anew; the account has been logged in again
Gap        these cannot be had any more, by nobody: query orders, trades and positions anew.
           ``last`` None: all up to the item that comes next, for the journal goes back two days
Stale, Fresh   as above

Whatever is lost comes from td_worker's journal, without a limit of time, across reconnects and
starts of td_worker; so a program that is slow loses nothing. The iterator ends with Refused when
the counter refuses to let the account in again, such as with a password that has changed; one that
is not open yet is waited for.

**History.** What the recorder keeps, of this day or an earlier one::

    async for item in client.history.ticks("rb2610", day="20261123"):  # Tick | Gap, page by page
        ...
    today = await client.history.ticks("rb2610")  # the same as a list
    last = await client.history.last_ticks("rb2610", "au2612")  # Tick | None of each
    events = await client.history.events("9999", "028742", "order_events")
    (assets,) = await client.history.answers("9999", "028742", "assets", latest=True)

``after=Place(item.epoch, item.seq)`` goes on behind an item, ``since_ns`` begins at a time.

``bus.client.tables`` makes tables of pandas or polars of all that.

``client.name(item)`` is the callback's name ("OnRtnOrder", or "Mark", "SessionLost" …),
``client.struct(item)`` its typed struct and ``client.fields(item)`` the same as a dict, decoded
when asked for; ``client.tick(item)`` is that of a tick. ``client.counters`` counts.
``Client(…, heal=False)`` asks for nothing again, so that a test can see what healing does.

One event loop uses a Client; ``bus.client.sync`` is for programs without one. Addresses are those
of ``bus.endpoints``, complete, or the group's file. tcp addresses need
``keys=Keys(folder, "client")`` (``bus.security``).
"""

from ..beats import SILENT_S
from ..errors import Closed
from ..healing import HEAL_S
from ..history import Answered
from ..orders import OrderState, Place
from .account import Account
from .client import Client, addresses_of
from .history import Found, History
from .items import Fresh, Gap, Restarted, Return, Stale, Tick
from .order import Order
from .returns import Returns
from .ticks import Ticks

__all__ = [
    "HEAL_S",
    "SILENT_S",
    "Account",
    "Answered",
    "Client",
    "Closed",
    "Found",
    "Fresh",
    "Gap",
    "History",
    "Order",
    "OrderState",
    "Place",
    "Restarted",
    "Return",
    "Returns",
    "Stale",
    "Tick",
    "Ticks",
    "addresses_of",
]
