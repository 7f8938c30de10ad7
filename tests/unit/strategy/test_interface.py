"""The names that programs written for homalos' SyncStrategyApi use."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from bus.strategy import Position, Quote, StrategyPlugin, SyncStrategyApi

# Parameters that may be given without their names, in their order.
METHODS = {
    "__init__": "user_id password config_path timeout instruments instrument_info",
    "get_quote": "instrument_id timeout",
    "get_position": "instrument_id timeout",
    "wait_quote_update": "instrument_id timeout",
    "open_close": "instrument_id action volume price block timeout",
    "run_strategy": "strategy_func *args **kwargs",
    "get_running_strategies": "",
    "register_plugin": "plugin",
    "unregister_plugin": "plugin",
    "stop": "timeout",
}
HOOKS = {"on_init": "api", "on_quote": "quote", "on_trade": "trade_data", "on_stop": ""}
FIELDS = {
    Quote: "InstrumentID LastPrice BidPrice1 BidVolume1 AskPrice1 AskVolume1 Volume OpenInterest "
    "UpdateTime UpdateMillisec ctp_datetime",
    Position: "pos_long pos_long_today pos_long_his open_price_long "
    "pos_short pos_short_today pos_short_his open_price_short",
}


def words(method: object) -> str:
    assert callable(method)
    _, *parameters = inspect.signature(method).parameters.values()
    stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}
    named = [each for each in parameters if each.kind is not inspect.Parameter.KEYWORD_ONLY]
    return " ".join(f"{stars.get(each.kind.name, '')}{each.name}" for each in named)


@pytest.mark.parametrize(("name", "expected"), METHODS.items())
def test_a_method_takes_the_same_words(name: str, expected: str) -> None:
    assert words(getattr(SyncStrategyApi, name)) == expected


@pytest.mark.parametrize(("name", "expected"), HOOKS.items())
def test_a_hook_gets_the_same_words(name: str, expected: str) -> None:
    assert words(getattr(StrategyPlugin, name)) == expected


@pytest.mark.parametrize(("kind", "expected"), FIELDS.items())
def test_data_has_the_same_fields(kind: type[Quote | Position], expected: str) -> None:
    assert [field.name for field in dataclasses.fields(kind)] == expected.split()
