"""A program that drives the real binding, to be run under the stand-in front.

    LD_PRELOAD=... python -m tests.front.driver md|td FLOW_FOLDER

It makes one API object and starts it. A line on stdin is a call, ``{"call": "ReqOrderInsert",
"raw": hex of the struct, "id": 7}`` or ``{"call": "SubscribeMarketData", "instruments": [...]}``;
stdout has ``{"returned": n}`` for each and a line for each callback, with the structs as memory
(hex) and as the binding's properties show them. End of stdin ends the program.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
import time
from typing import Any

import schemas.binding
import schemas.catalogue
from schemas.catalogue import Catalogue, Side

_FACTORY = {"md": ("CThostFtdcMdApi", "Md"), "td": ("CThostFtdcTraderApi", "Trader")}
_output = threading.Lock()


def main() -> None:
    side: Side = "md" if sys.argv[1] == "md" else "td"
    catalogue = schemas.catalogue.load()
    binding = schemas.binding.load()
    module = binding.mdapi if side == "md" else binding.tdapi
    api, spi = _start(module, catalogue, side, sys.argv[2])
    say({"version": type(api).GetApiVersion()})
    for line in sys.stdin:
        say({"returned": _call(module, catalogue, side, api, json.loads(line))})
    api.RegisterSpi(None)
    api.Release()
    del spi
    os._exit(0)  # SWIG's objects complain in a normal exit


def say(event: dict[str, Any]) -> None:
    line = json.dumps(event)
    with _output:
        print(line, flush=True)


def _start(module: Any, catalogue: Catalogue, side: Side, flow: str) -> tuple[Any, Any]:
    class_name, short = _FACTORY[side]
    api = getattr(getattr(module, class_name), f"CreateFtdc{short}Api")(flow + "/")
    spi = _recorder(getattr(module, f"CThostFtdc{short}Spi"), catalogue, side)
    api.RegisterSpi(spi)
    api.RegisterFront("tcp://127.0.0.1:1")
    if side == "td":
        api.SubscribePrivateTopic(module.THOST_TERT_RESTART)
        api.SubscribePublicTopic(module.THOST_TERT_RESTART)
    api.Init()
    return api, spi


def _recorder(base: type, catalogue: Catalogue, side: Side) -> Any:
    def method(name: str) -> Any:
        def callback(_self: Any, *arguments: Any) -> None:
            values = [_plain(catalogue, value) for value in arguments]
            say({"callback": name, "at": time.monotonic_ns(), "values": values})

        return callback

    methods = {name: method(name) for name in catalogue.api(side).callbacks}
    return type("Recorder", (base,), methods)()


def _plain(catalogue: Catalogue, value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    struct = type(value).__name__.removeprefix("CThostFtdc").removesuffix("Field")
    layout = catalogue.layouts[struct]
    shown = {field.name: _text(getattr(value, field.name)) for field in layout.fields}
    raw = ctypes.string_at(int(value.this), layout.size).hex()
    return {"struct": struct, "raw": raw, "shown": shown}


def _text(value: Any) -> Any:
    """The binding hands over a text that ends inside a character as bytes."""
    return value.decode("gb18030", "surrogateescape") if isinstance(value, bytes) else value


def _call(module: Any, catalogue: Catalogue, side: Side, api: Any, call: dict[str, Any]) -> Any:
    if "instruments" in call:
        names = [name.encode() for name in call["instruments"]]
        return getattr(api, call["call"])(names, len(names))
    if not hasattr(api, call["call"]):
        return None
    if call["call"] == "GetFrontInfo":
        info = module.CThostFtdcFrontInfoField()
        api.GetFrontInfo(info)
        return info.QryFreq
    if call["call"] == "GetTradingDay":
        return api.GetTradingDay()
    struct = catalogue.api(side).requests[call["call"]].struct
    field = getattr(module, f"CThostFtdc{struct}Field")()
    raw = bytes.fromhex(call["raw"])
    ctypes.memmove(int(field.this), raw, len(raw))
    return getattr(api, call["call"])(field, call["id"])


if __name__ == "__main__":
    main()
