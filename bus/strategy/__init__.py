"""Strategies as plain functions that wait: the interface of homalos' SyncStrategyApi on the bus.

    def strategy(api, instrument):
        while True:
            quote = api.wait_quote_update(instrument)
            if quote.LastPrice > 3300 and not api.get_position(instrument).pos_long:
                api.open_close(instrument, "kaiduo", 1, quote.AskPrice1)

    with SyncStrategyApi("028742", "123456", "deploy/gateway.yaml") as api:
        api.run_strategy(strategy, api, "rb2610").join()

Methods, words and results have homalos' names. What is different, and why:

- An order has its own answer, by its client_order_id; homalos gives each waiting call the next
  answer that comes, whichever order it is of.
- A timeout says whether the order may live: ``OrderUnknown``. It is never sent twice.
- Whether today's lots are told apart goes by the exchange, SHFE and INE, and which exchange by the
  counter, not by a list of products.
- A position is the counter's or an error; homalos gives an empty one when nobody answers.
- A quote that the publisher does not vouch for any more is waited for, not given out.
- ``on_quote`` of a plugin can really leave out or change quotes.
- After ``stop`` strategies end: their next call raises ``Stopped``.

Restarts of any process of the group are waited for within a call's timeout; a strategy that goes
by ``get_position`` needs no more than to go on after a TimeoutError.
"""

from .actions import OrderUnknown, Result
from .api import SyncStrategyApi
from .plugins import StrategyPlugin
from .position import Position
from .quote import Quote
from .stopping import Stopped

__all__ = [
    "OrderUnknown",
    "Position",
    "Quote",
    "Result",
    "Stopped",
    "StrategyPlugin",
    "SyncStrategyApi",
]
