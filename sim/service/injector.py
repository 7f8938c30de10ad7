"""Making the faults happen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from ..exchange.counter import Counter
from ..wire import READ_FAILED, Codes, Raise
from .connection import Connection
from .delivery import Delivery
from .faults import (
    Armed,
    Disconnect,
    EndDay,
    ExpirePassword,
    Fault,
    FaultError,
    FlowReset,
    Freeze,
    RaiseCallback,
    Refuse,
    Return,
)
from .gates import Gates, Sides, sides
from .packing import Packer
from .samples import sample


class Injector:
    """Fires faults at the connected ``clients``, or arms those that wait for something."""

    def __init__(
        self,
        counter: Counter,
        packer: Packer,
        armed: Armed,
        gates: Gates,
        delivery: Delivery,
        clients: set[Connection],
        begin_day: Callable[[], None],
    ) -> None:
        """``begin_day`` is told when the counter has begun another trading day."""
        self._begin_day = begin_day
        self._counter = counter
        self._packer = packer
        self._armed = armed
        self._gates = gates
        self._delivery = delivery
        self._clients = clients

    def apply(self, fault: Fault) -> int:
        """The number to remove a standing fault by, else 0. Raises FaultError."""
        match fault:
            case Disconnect():
                self._disconnect(fault)
            case Refuse():
                self._gates.close(fault.side, time.monotonic() + fault.seconds)
            case Freeze():
                self._freeze(fault)
            case FlowReset():
                self._flow_reset()
            case EndDay():
                self._counter.end_day()
                self._begin_day()
            case ExpirePassword():
                self._expire_password(fault)
            case RaiseCallback():
                self._raise(fault)
            case _:
                number = self._armed.add(fault)
                if isinstance(fault, Return):
                    self.send_codes(self._clients)
                return number
        return 0

    def send_codes(self, clients: Iterable[Connection]) -> None:
        """Tell the API modules what their calls shall return."""
        message = Codes(*self._armed.codes)
        for client in clients:
            if client.side in ("md", "td"):
                client.send(message)

    def _of_side(self, side: Sides, user: str = "") -> list[Connection]:
        return [
            client
            for client in self._clients
            if client.side in sides(side) and user in ("", client.user)
        ]

    def _disconnect(self, fault: Disconnect) -> None:
        if not fault.user:
            self._gates.close(fault.side, time.monotonic() + fault.seconds)
        for client in self._of_side(fault.side, fault.user):
            client.hang_up(fault.reason)

    def _freeze(self, fault: Freeze) -> None:
        self._gates.freeze(fault.side, time.monotonic() + fault.seconds)
        for client in self._of_side(fault.side):
            client.freeze()
        asyncio.get_running_loop().call_later(fault.seconds, self.thaw)

    def thaw(self) -> None:
        """Let go of the clients of each front whose freeze is over."""
        now = time.monotonic()
        for client in list(self._clients):
            if not self._gates.frozen(client.side, now):
                client.thaw()

    def _flow_reset(self) -> None:
        for client in self._of_side("td"):
            client.hang_up(READ_FAILED)
        self._counter.flow_reset()

    def _expire_password(self, fault: ExpirePassword) -> None:
        user = self._counter.gate.users.get(fault.user)
        if user is None:
            raise FaultError(f"there is no user {fault.user}")
        user.password_error = fault.error_id

    def _raise(self, fault: RaiseCallback) -> None:
        message = self._message(fault)
        for client in self._of_side(fault.side, fault.user):
            if fault.session in (0, client.number):
                for _ in range(fault.times):
                    self._delivery.send(client, message)

    def _message(self, fault: RaiseCallback) -> Raise:
        catalogue = self._packer.catalogue
        declared = catalogue.api(fault.side).callbacks.get(fault.callback)
        if declared is None:
            raise FaultError(f"the {fault.side} API has no callback {fault.callback}")
        field = None
        if declared.struct is not None and not fault.null:
            layout = catalogue.layouts[declared.struct]
            values = sample(layout) if fault.fields is None else fault.fields
            if unknown := values.keys() - {known.name for known in layout.fields}:
                raise FaultError(f"{declared.struct} has no field {', '.join(sorted(unknown))}")
            field = self._packer.struct(declared.struct, values)
        return Raise(
            fault.callback,
            field,
            self._packer.info(fault.error_id, fault.error_msg),
            fault.request_id,
            fault.last,
            fault.number,
        )
