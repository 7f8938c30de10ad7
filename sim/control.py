"""Reaching into a running exchange: faults, its ledger, who is connected.

    with SimControl("var/run/sim.sock") as sim:
        sim.disconnect(side="td", seconds=3)
        sim.raise_callback("OnRtnInstrumentStatus", fields={"InstrumentID": "rb"})

or, from a shell, ``python -m sim.control var/run/sim.sock disconnect side=td seconds=3``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import msgspec
import yaml

from bus.memory import close_memory

from . import wire
from .address import connect, parse
from .wire import Command, Hello, Inbox, Result, WireError

QUERIES = (
    "clear",
    "faults",
    "ledger",
    "outside",
    "outside_orders",
    "remove",
    "sessions",
    "snapshot",
    "tally",
)
"""Commands that are no faults."""


class ControlError(RuntimeError):
    """The exchange refused a command, or is not there."""


class SimControl:
    """A blocking client; not for several threads. Methods raise ControlError.

    When a method that arms or fires a fault returns, the fault is in force for everybody. The
    keyword arguments of the faults are those of the classes in ``sim.service.faults``.
    """

    def __init__(self, address: str, timeout_s: float = 10.0) -> None:
        self._inbox = Inbox()
        self._number = 0
        try:
            self._socket = connect(parse(address), timeout_s)
            self._socket.sendall(wire.frame(Hello("control")))
        except OSError as exc:
            raise ControlError(f"{address}: {exc}") from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def fault(self, do: str, **keys: Any) -> int:
        """Arm or fire any fault; the number to remove a standing one by, else 0."""
        return int(self.command("fault", do=do, **keys))

    def returns(self, target: str, code: int, times: int = 1) -> int:
        """The next calls of this method return ``code`` and send nothing."""
        return self.fault("return", target=target, code=code, times=times)

    def error(self, target: str, error_id: int, **keys: Any) -> int:
        return self.fault("error", target=target, error_id=error_id, **keys)

    def lose(self, target: str, **keys: Any) -> int:
        return self.fault("lose", target=target, **keys)

    def duplicate(self, target: str, **keys: Any) -> int:
        return self.fault("duplicate", target=target, **keys)

    def reorder(self, target: str, until: str, **keys: Any) -> int:
        return self.fault("reorder", target=target, until=until, **keys)

    def delay(self, target: str, seconds: float, **keys: Any) -> int:
        return self.fault("delay", target=target, seconds=seconds, **keys)

    def late(self, target: str, seconds: float, **keys: Any) -> int:
        return self.fault("late", target=target, seconds=seconds, **keys)

    def no_value(self, target: str, **keys: Any) -> int:
        return self.fault("no_value", target=target, **keys)

    def disconnect(self, **keys: Any) -> None:
        self.fault("disconnect", **keys)

    def refuse(self, seconds: float, **keys: Any) -> None:
        self.fault("refuse", seconds=seconds, **keys)

    def freeze(self, seconds: float, **keys: Any) -> None:
        self.fault("freeze", seconds=seconds, **keys)

    def flow_reset(self) -> None:
        self.fault("flow_reset")

    def end_day(self) -> None:
        self.fault("end_day")

    def expire_password(self, user: str, error_id: int = 141) -> None:
        self.fault("expire_password", user=user, error_id=error_id)

    def raise_callback(self, callback: str, **keys: Any) -> None:
        self.fault("raise", callback=callback, **keys)

    def remove(self, number: int) -> None:
        """Disarm one standing fault."""
        self.command("remove", number=number)

    def clear(self) -> None:
        """Disarm all standing faults and scripted return codes."""
        self.command("clear")

    def faults(self) -> dict[str, Any]:
        """What is armed, and how often each kind has hit."""
        return dict(self.command("faults"))

    def ledger(self, position: int = 0) -> list[dict[str, Any]]:
        """What the exchange accepted, refused, traded and ended, after the first ``position``;
        ``kind`` is the name of the entry's class in ``sim.exchange.ledger``."""
        entries: list[dict[str, Any]] = []
        while part := self.command("ledger", position=position + len(entries)):
            entries += part
        return entries

    def outside(self, user: str, method: str, **fields: Any) -> list[dict[str, Any]]:
        """A request of another program of this user; the callbacks that follow from it, each with
        callback, field and error_id."""
        return list(self.command("outside", user=user, method=method, fields=fields))

    def outside_orders(self, user: str, instrument: str, count: int) -> None:
        """So many orders of another program of this user, each placed and cancelled: three
        returns each."""
        self.command("outside_orders", user=user, instrument=instrument, count=count)

    def sessions(self) -> list[dict[str, Any]]:
        """The connected clients: session, side, user, subscribed (a number of instruments)."""
        return list(self.command("sessions"))

    def snapshot(self, instrument: str) -> dict[str, Any]:
        """The fields of an instrument's last tick; ControlError when there is no such one."""
        fields = self.command("snapshot", instrument=instrument)
        if fields is None:
            raise ControlError(f"snapshot: there is no instrument {instrument}")
        return dict(fields)

    def tally(self) -> dict[str, int]:
        """How often each request has come and what happened to clients (``slow``, ``bad``)."""
        return dict(self.command("tally"))

    def command(self, command: str, /, **arguments: Any) -> Any:
        """Send one command and wait for its answer."""
        self._number += 1
        try:
            self._socket.sendall(wire.frame(Command(self._number, command, arguments)))
            result = self._answer()
        except (OSError, WireError) as exc:
            raise ControlError(f"{command}: {exc}") from exc
        if result.error:
            raise ControlError(f"{command}: {result.error}")
        return result.value

    def _answer(self) -> Result:
        while True:
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionError("the exchange has closed the connection")
            for body in self._inbox.receive(data):
                message = wire.from_server(body)
                if isinstance(message, Result) and message.number == self._number:
                    return message


def _arguments(words: list[str]) -> Mapping[str, Any]:
    """``key=value`` words, the values read as YAML."""
    pairs = (word.partition("=") for word in words)
    return {key: yaml.safe_load(value) for key, _, value in pairs}


def main() -> int:
    close_memory()
    parser = argparse.ArgumentParser(prog="python -m sim.control", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("address", help="sim://…, a socket's path or HOST:PORT")
    parser.add_argument("command", help=f"a fault of sim/README.md, or {', '.join(QUERIES)}")
    parser.add_argument("arguments", nargs="*", metavar="key=value", help="values in YAML")
    options = parser.parse_args()
    try:
        with SimControl(options.address) as sim:
            keys = _arguments(options.arguments)
            if options.command == "ledger":
                answer: Any = sim.ledger(**keys)
            elif options.command in QUERIES:
                answer = sim.command(options.command, **keys)
            else:
                answer = sim.fault(options.command, **keys)
    except (ControlError, TypeError, ValueError, yaml.YAMLError) as exc:
        print(f"sim.control: {exc}", file=sys.stderr)
        return 1
    print(msgspec.json.encode(answer).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
