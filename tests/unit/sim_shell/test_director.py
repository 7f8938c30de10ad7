"""Every callback of both APIs through the binding's own director."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from schemas import binding, catalogue
from schemas.catalogue import Catalogue, Side
from sim.client.director import Director
from sim.exchange.values import Fields
from sim.service.samples import sample
from sim.wire import Raise

INFO: Fields = {"ErrorID": 31, "ErrorMsg": "CTP:资金不足"}


@pytest.fixture(scope="module")
def known() -> Catalogue:
    return catalogue.load()


def recorder(side: Side, known: Catalogue, seen: list[tuple[Any, ...]]) -> Any:
    """A Spi whose every method notes its name, thread and arguments, structs read at once."""
    loaded = binding.load()
    base = loaded.mdapi.CThostFtdcMdSpi if side == "md" else loaded.tdapi.CThostFtdcTraderSpi

    def method(name: str) -> Any:
        def note(self: Any, *arguments: Any) -> None:
            read = [_read(argument) for argument in arguments]
            seen.append((name, threading.current_thread().name, *read))

        return note

    members = {name: method(name) for name in known.api(side).callbacks}
    return type("Recorder", (base,), members)()


def _read(argument: Any) -> Any:
    """A struct as the properties of the binding show it."""
    if argument is None or isinstance(argument, int):
        return argument
    values = {
        name: getattr(argument, name)
        for name, member in vars(type(argument)).items()
        if isinstance(member, property) and name != "thisown"
    }
    # The binding leaves settlement texts undecoded, since one may end inside a character.
    return {
        name: value.decode("gb18030") if isinstance(value, bytes) else value
        for name, value in values.items()
    }


@pytest.mark.parametrize("side", ["md", "td"])
def test_every_callback_reaches_its_method_with_its_values(side: Side, known: Catalogue) -> None:
    seen: list[tuple[Any, ...]] = []
    director = Director(recorder(side, known, seen), known.api(side))
    info = known.codec("RspInfo").pack(INFO)
    for number, (name, declared) in enumerate(known.api(side).callbacks.items()):
        fields: Fields = sample(known.layouts[declared.struct]) if declared.struct else {}
        raw = known.codec(declared.struct).pack(fields) if declared.struct else None
        director.call(Raise(name, raw, info, request_id=number, last=number % 2 == 0, number=-7))
        expected: list[Any] = [fields] if declared.struct else []
        expected += [INFO] if declared.has_info else []
        expected += [number, number % 2 == 0] if declared.has_id else []
        expected += [-7] if declared.number else []
        assert seen.pop() == (name, threading.current_thread().name, *expected)
    assert not seen


@pytest.mark.parametrize("side", ["md", "td"])
def test_null_pointers_arrive_as_none(side: Side, known: Catalogue) -> None:
    seen: list[tuple[Any, ...]] = []
    director = Director(recorder(side, known, seen), known.api(side))
    for name, declared in known.api(side).callbacks.items():
        if declared.struct:
            director.call(Raise(name))
            assert seen.pop()[2] is None


def test_callbacks_run_on_the_thread_that_calls(known: Catalogue) -> None:
    seen: list[tuple[Any, ...]] = []
    director = Director(recorder("td", known, seen), known.td)
    thread = threading.Thread(
        target=director.call, args=(Raise("OnFrontConnected"),), name="a front"
    )
    thread.start()
    thread.join()
    assert seen == [("OnFrontConnected", "a front")]


def test_an_exception_in_a_callback_does_not_end_the_process(
    known: Catalogue, capfd: pytest.CaptureFixture[str]
) -> None:
    class Broken(binding.load().tdapi.CThostFtdcTraderSpi):  # type: ignore[misc]
        def OnFrontDisconnected(self, reason: int) -> None:
            raise ValueError(f"reason {reason}")

    director = Director(Broken(), known.td)
    director.call(Raise("OnFrontDisconnected", number=4097))
    director.call(Raise("OnFrontConnected"))
    assert "reason 4097" in capfd.readouterr().err


def test_a_spi_without_methods_of_its_own_takes_every_callback(known: Catalogue) -> None:
    director = Director(binding.load().mdapi.CThostFtdcMdSpi(), known.md)
    for name in known.md.callbacks:
        director.call(Raise(name))
