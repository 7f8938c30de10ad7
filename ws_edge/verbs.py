"""Requests of our own that td_worker answers: what a client sends, and what it gets for it.

Their payloads are objects as those of all requests, with the keys of this table; inside they are
the bodies of ``bus.orders``. Unlike CTP's requests they have no struct.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from bus.orders import CancelOnDisconnect, KillSwitch, Outcome, OutcomeQuery, VoidId
from schemas.codec import FieldError


class Verb(NamedTuple):
    """One request.

    body    what the worker gets
    keys    of the payload, with the field of ``body`` that each fills
    answer  what the worker's row holds, and the keys of the reply's payload
    key     of the reply's payload
    asks    it only asks: the right "query" is enough
    touches_nothing  no order, money or instrument: who may trade some instruments may do it
    """

    name: str
    body: type[msgspec.Struct]
    keys: Mapping[str, str]
    answer: type[msgspec.Struct]
    shows: Mapping[str, str]
    key: str
    asks: bool = False
    touches_nothing: bool = False

    def parse(self, payload: Mapping[str, object]) -> bytes:
        """The body as msgpack. null counts as absent, unknown keys are ignored. Raises
        FieldError."""
        infos = {info.name: info for info in msgspec.structs.fields(self.body)}
        values = {}
        for key, field in self.keys.items():
            path = f"{self.name}.{key}"
            if payload.get(key) is not None:
                try:
                    values[field] = msgspec.convert(payload[key], infos[field].type)
                except msgspec.ValidationError as error:
                    raise FieldError(path, str(error).lower()) from None
            elif infos[field].required:
                raise FieldError(path, "required")
        if self.body is OutcomeQuery:
            _check_one_name(self.name, values.keys())
        return msgspec.msgpack.encode(self.body(**values))

    def payload(self, body: bytes) -> bytes:
        """JSON of the reply's payload."""
        return shown(msgspec.msgpack.decode(body, type=self.answer), self.shows)


OUTCOME_KEYS: Final = {
    "OrderID": "order_id",
    "ClientOrderID": "client_order_id",
    "State": "state",
    "Duplicate": "duplicate",
    "FrontID": "front_id",
    "SessionID": "session_id",
    "OrderRef": "order_ref",
    "ExchangeID": "exchange_id",
    "OrderSysID": "order_sys_id",
    "OrderStatus": "order_status",
    "VolumeTraded": "volume_traded",
    "ErrorID": "error_id",
    "ErrorMsg": "error_msg",
}
_NAMES: Final = {
    "ClientOrderID": "client_order_id",
    "OrderID": "order_id",
    "SessionID": "session_id",
    "OrderRef": "order_ref",
}
_ONE_NAME: Final = ({"client_order_id"}, {"order_id"}, {"session_id", "order_ref"})
_ON: Final = {"On": "on"}
_SWITCH: Final = {"On": "on", "CancelAll": "cancel_all"}

VERBS: Final = {
    verb.name: verb
    for verb in (
        Verb(
            "QryOrderOutcome",
            OutcomeQuery,
            _NAMES,
            Outcome,
            OUTCOME_KEYS,
            "OrderOutcome",
            asks=True,
        ),
        Verb(
            "VoidClientOrderID",
            VoidId,
            {"ClientOrderID": "client_order_id"},
            Outcome,
            OUTCOME_KEYS,
            "OrderOutcome",
            touches_nothing=True,
        ),
        Verb(
            "SetCancelOnDisconnect",
            CancelOnDisconnect,
            _ON,
            CancelOnDisconnect,
            _ON,
            "SetCancelOnDisconnect",
        ),
        Verb("SetKillSwitch", KillSwitch, _SWITCH, KillSwitch, _SWITCH, "SetKillSwitch"),
    )
}


def shown(body: msgspec.Struct, keys: Mapping[str, str]) -> bytes:
    """JSON of a message of the bus under the names that clients know."""
    return msgspec.json.encode({key: getattr(body, field) for key, field in keys.items()})


def _check_one_name(path: str, given: object) -> None:
    if given not in _ONE_NAME:
        raise FieldError(path, "needs ClientOrderID, or OrderID, or SessionID and OrderRef")
