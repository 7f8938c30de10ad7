"""Plugins are called in their order, and none harms another."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any, cast

import pytest

from bus.strategy.api import SyncStrategyApi
from bus.strategy.plugins import Plugins, StrategyPlugin
from bus.strategy.quote import Quote

API = cast(SyncStrategyApi, object())


class Noting(StrategyPlugin):
    """Notes what is called; adds ``more`` to prices, leaves out those above ``most``."""

    def __init__(self, name: str, notes: list[str], more: float = 0, most: float = 1e9) -> None:
        self.name, self.notes, self.more, self.most = name, notes, more, most

    def on_init(self, api: SyncStrategyApi) -> None:
        assert api is API
        self.notes.append(f"{self.name} init")

    def on_quote(self, quote: Quote) -> Quote | None:
        self.notes.append(f"{self.name} {quote.LastPrice:g}")
        if quote.LastPrice > self.most:
            return None
        return dataclasses.replace(quote, LastPrice=quote.LastPrice + self.more)

    def on_trade(self, trade_data: dict[str, Any]) -> dict[str, Any] | None:
        self.notes.append(f"{self.name} {trade_data['MsgType']}")
        return trade_data

    def on_stop(self) -> None:
        self.notes.append(f"{self.name} stop")


class Failing(StrategyPlugin):
    def on_init(self, api: SyncStrategyApi) -> None:
        raise ValueError("init")

    def on_quote(self, quote: Quote) -> Quote | None:
        raise ValueError("quote")

    def on_stop(self) -> None:
        raise ValueError("stop")


def test_each_gets_what_the_one_before_it_made_of_a_quote() -> None:
    notes: list[str] = []
    plugins = Plugins()
    for name in "ab":
        plugins.register(Noting(name, notes, more=1), API)
    assert plugins.quote(Quote(LastPrice=5.0)) == Quote(LastPrice=7.0)
    plugins.trade({"MsgType": "RtnTrade"})
    assert notes == ["a init", "b init", "a 5", "b 6", "a RtnTrade", "b RtnTrade"]


def test_what_one_leaves_out_the_others_do_not_get() -> None:
    notes: list[str] = []
    plugins = Plugins()
    plugins.register(Noting("a", notes, most=4), API)
    plugins.register(Noting("b", notes), API)
    assert plugins.quote(Quote(LastPrice=5.0)) is None
    assert notes[2:] == ["a 5"]


def test_the_error_of_one_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    notes: list[str] = []
    plugins, failing = Plugins(), Failing()
    with caplog.at_level(logging.ERROR):
        plugins.register(failing, API)
        plugins.register(Noting("b", notes), API)
        assert plugins.quote(Quote(LastPrice=5.0)) == Quote(LastPrice=5.0)
        plugins.stop()
    assert notes == ["b init", "b 5", "b stop"]
    assert [record.message for record in caplog.records] == ["a plugin has failed"] * 3


def test_one_that_was_unregistered_hears_no_more_and_is_stopped_once() -> None:
    notes: list[str] = []
    plugins, plugin = Plugins(), Noting("a", notes)
    plugins.register(plugin, API)
    plugins.register(plugin, API)
    assert plugins
    plugins.unregister(plugin)
    plugins.unregister(plugin)
    plugins.quote(Quote())
    plugins.stop()
    assert not plugins
    assert notes == ["a init", "a stop"]
