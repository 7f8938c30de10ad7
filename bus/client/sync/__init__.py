"""The SDK for a program without an event loop: the same as ``bus.client``, and every call waits.

    with Client("deploy/gateway.yaml") as client:
        account = client.login("028742", "123456")
        for item in client.ticks("rb2610"):
            if isinstance(item, Tick):
                tick = client.struct(item)
                break
        order = account.place("rb2610", "buy", 1, tick.last_price)
        print(order.wait(timeout_s=10), order.volume_traded)
        print(account.positions("rb2610"))

One thread with an event loop does the work, from the making of the Client to ``close``; any
threads may use the objects, several at once. What waits is interrupted by Ctrl-C, and ends with
``Closed`` when another thread closes the client. Errors are those of ``bus.client``.
"""

from ...errors import Closed
from ...orders import OrderState, Place
from ..client import addresses_of
from ..items import Fresh, Gap, Restarted, Return, Stale, Tick
from .account import Account
from .client import Client
from .order import Order
from .streams import Stream

__all__ = [
    "Account",
    "Client",
    "Closed",
    "Fresh",
    "Gap",
    "Order",
    "OrderState",
    "Place",
    "Restarted",
    "Return",
    "Stale",
    "Stream",
    "Tick",
    "addresses_of",
]
