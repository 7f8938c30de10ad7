"""The faults that hit what clients ask for, on its way to a front."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from schemas.errors import text_of

from ..wire import Answered, Call, Raise, Subscribe
from .connection import Connection
from .delivery import Delivery
from .faults import Armed, Delay, Error, Late, Lose
from .packing import Packer

Request = Call | Subscribe
Handle = Callable[[Connection, Request], None]


class RequestFaults:
    """``handle`` gets what is neither lost nor refused, perhaps later; ``take_later`` what comes
    even after its session. ``of_user``: the trading sessions of a user."""

    def __init__(
        self,
        armed: Armed,
        packer: Packer,
        delivery: Delivery,
        handle: Handle,
        take_later: Callable[[Connection, Call, float], None],
        of_user: Callable[[str], list[Connection]],
    ) -> None:
        self._armed = armed
        self._packer = packer
        self._delivery = delivery
        self._handle = handle
        self._take_later = take_later
        self._of_user = of_user

    def take(self, connection: Connection, request: Request) -> None:
        name, side, user = request.name, connection.side, connection.user
        if not self._armed:
            self._handle(connection, request)
        elif lost := self._armed.take(Lose, name, side, user):
            if isinstance(request, Call) and not lost.hold:
                connection.send(Answered(request.request_id))
        elif error := self._armed.take(Error, name, side, user):
            self._refuse(connection, request, error)
        elif (
            side == "td"
            and isinstance(request, Call)
            and (late := self._armed.take(Late, name, side, user))
        ):
            self._take_later(connection, request, late.seconds)
        elif delay := self._armed.take(Delay, name, side, user):
            loop = asyncio.get_running_loop()
            loop.call_later(delay.seconds, self._handle, connection, request)
        else:
            self._handle(connection, request)

    def _refuse(self, connection: Connection, request: Request, fault: Error) -> None:
        info = self._packer.info(fault.error_id, fault.error_msg or text_of(fault.error_id))
        if isinstance(request, Subscribe):
            self._refuse_subscription(connection, request, info)
            return
        if fault.via == "OnRspError":
            error = Raise("OnRspError", info=info, request_id=request.request_id)
            self._delivery.send(connection, error)
            return
        callback, field = self._echo(connection, request)
        self._delivery.send(connection, Raise(callback, field, info, request.request_id))
        if connection.user:
            self._tell_peers(connection, request, info)

    def _tell_peers(self, connection: Connection, request: Call, info: bytes | None) -> None:
        """Refused orders and the like are told to all sessions of the user, where the API has a
        callback for it (OnErrRtnOrderInsert)."""
        callback = request.name.replace("Req", "OnErrRtn", 1)
        declared = self._packer.catalogue.td.callbacks.get(callback)
        if declared is None or declared.struct is None:
            return
        fields = self._packer.request(connection.api_side, request.name, request.body)
        field = self._packer.struct(declared.struct, fields)
        for peer in self._of_user(connection.user):
            self._delivery.send(peer, Raise(callback, field, info))

    def _echo(self, connection: Connection, request: Call) -> tuple[str, bytes | None]:
        """The callback that answers, with the request itself when it has the same struct."""
        api = self._packer.catalogue.api(connection.api_side)
        declared = api.requests[request.name]
        same = api.callbacks[declared.reply].struct == declared.struct
        return declared.reply, request.body if same else None

    def _refuse_subscription(
        self, connection: Connection, request: Subscribe, info: bytes | None
    ) -> None:
        callback = "OnRsp" + request.name.replace("Subscribe", "Sub")
        for number, instrument in enumerate(request.instruments, 1):
            field = self._packer.struct("SpecificInstrument", {"InstrumentID": instrument})
            last = number == len(request.instruments)
            self._delivery.send(connection, Raise(callback, field, info, last=last))
