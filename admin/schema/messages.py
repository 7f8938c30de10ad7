"""What all messages on /md/ and /td/ are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec

from bus.orders import Outcome
from schemas.errors import BAD_REQUEST, INTERNAL_ERROR, NOT_IMPLEMENTED, NOT_LOGGED_IN
from ws_edge.notices import GapReason, StaleReason
from ws_edge.verbs import OUTCOME_KEYS

from .printing import Json, Schema

DIALECT: Final = "http://json-schema.org/draft-07/schema#"
NOTHING: Final[Schema] = {"type": "object", "maxProperties": 0}
TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
# Local errors that carry the name of the request.
_NAMED_BY_REQUEST: Final = (BAD_REQUEST, NOT_LOGGED_IN, NOT_IMPLEMENTED, INTERNAL_ERROR)


def message(name: str, properties: Schema, *required: str, about: str = "") -> Schema:
    """One MsgType. ``required`` are keys beside it."""
    schema: Schema = {"description": about} if about else {}
    schema |= {"type": "object", "required": ["MsgType", *required]}
    return schema | {"properties": {"MsgType": {"const": name}, **properties}}


def ref(name: str, file: str = "") -> Schema:
    return {"$ref": f"{file}#/definitions/{name}"}


def common(name: str) -> Schema:
    return ref(name, "common.json")


def one_of(*schemas: Json) -> Schema:
    return {"anyOf": list(schemas)}


def or_null(schema: Schema) -> Schema:
    return one_of(schema, {"type": "null"})


def document(title: str, about: str, definitions: Schema, messages: list[str]) -> Schema:
    """A file. ``messages``: what of its definitions a whole message may be."""
    head: Schema = {"$schema": DIALECT, "title": title, "description": about}
    if messages:
        head["anyOf"] = [ref(name) for name in messages]
    return {**head, "definitions": definitions}


def envelope(key: str, payload: Schema, *, always: bool = False) -> Schema:
    """Keys of a reply. ``always``: the payload is in every one, also beside an error."""
    keys = {"RspInfo": common("RspInfo")}
    keys |= {"RequestID": common("RequestID"), "IsLast": {"type": "boolean"}}
    keys |= {key: payload if always else or_null(payload)} if key else {}
    return {**keys, "Detail": common("Detail")}


def definitions() -> Schema:
    """Of common.json."""
    error: Schema = {
        "type": "object",
        "required": ["ErrorID", "ErrorMsg"],
        "properties": {"ErrorID": {"type": "integer", "format": "int32"}, "ErrorMsg": TEXT},
    }
    local: Schema = {"ErrorID": {"enum": list(_NAMED_BY_REQUEST)}, "ErrorMsg": TEXT}
    return {
        "RequestID": {
            "description": "Chosen by the client, echoed in the replies; absent: 0.",
            "type": "integer",
            "format": "int32",
        },
        "RspInfo": {
            **or_null(error),
            "description": "null: the counter gave none, which is no error.",
        },
        "Detail": {"description": "A sentence for people, beside a local error.", **TEXT},
        "Place": {
            "description": "EPOCH-SEQ in the account's stream; compare EPOCH, then SEQ.",
            "type": "string",
            "pattern": "^[0-9]{1,10}-[0-9]{1,19}$",
        },
        "LocalError": {
            "description": "A request that was not in order. MsgType is the request's, or empty.",
            "type": "object",
            "required": ["MsgType", "RspInfo"],
            "properties": {
                "MsgType": TEXT,
                "RspInfo": {"type": "object", "required": list(local), "properties": local},
                "RequestID": ref("RequestID"),
                "IsLast": {"type": "boolean"},
                "Detail": ref("Detail"),
            },
            # With envelope=full the payload's key.
            "additionalProperties": {"type": "null"},
        },
        "Ping": clock("Ping", "The server's, every heartbeat_interval_s with heartbeat=1."),
        "Pong": clock("Pong", "The answer to a client's Ping."),
        "ServerShutdown": message(
            "ServerShutdown", {"EtaMs": COUNT}, "EtaMs", about="With notices=front."
        ),
        "Gap": notice(
            "Gap",
            {
                "InstrumentID": {"description": "Empty on /td/.", **TEXT},
                "Missing": {"description": "null: nobody knows.", "type": ["integer", "null"]},
                "Reason": {"enum": list(get_args(GapReason))},
            },
            "Something is missing here.",
        ),
    }


def clock(name: str, about: str) -> Schema:
    return message(
        name, {"Timestamp": {"description": "Unix time in ms.", **COUNT}}, "Timestamp", about=about
    )


def notice(name: str, payload: Schema, about: str) -> Schema:
    """A message of ours whose payload has its name."""
    inner: Schema = {"type": "object", "required": list(payload), "properties": payload}
    schema = message(name, {name: inner}, name, about=about)
    if name == "Gap":
        properties = schema["properties"]
        assert isinstance(properties, dict)
        properties["Place"] = ref("Place")
    return schema


def staleness() -> Schema:
    """Notices of /md/."""
    instrument: Schema = {"description": "Empty: all of the socket.", **TEXT}
    reason: Schema = {"enum": list(get_args(StaleReason))}
    return {
        "Conflated": notice(
            "Conflated",
            {"InstrumentID": TEXT, "Ticks": COUNT},
            "The next tick replaced so many, with notices=gap.",
        ),
        "Stale": notice(
            "Stale",
            {"InstrumentID": instrument, "Reason": reason, "AgeMs": {"type": "integer"}},
            "With notices=stale.",
        ),
        "Fresh": notice(
            "Fresh",
            {"InstrumentID": instrument, "Reason": reason},
            "What Stale has told is over.",
        ),
    }


def renamed(struct: type[msgspec.Struct], keys: Mapping[str, str]) -> Schema:
    """A Struct of the bus under the names that clients know, all of them there."""
    (_,), parts = msgspec.json.schema_components([struct], ref_template="#/definitions/{name}")
    found: Any = parts[struct.__name__]["properties"]
    properties: Schema = {key: _plain(found[field], parts) for key, field in keys.items()}
    return {"type": "object", "required": list(keys), "properties": properties}


def _plain(schema: Any, parts: Mapping[str, Any]) -> Schema:
    """Without a default, which in a reply means nothing, and with an enumeration in its place."""
    if "$ref" in schema:
        return {"enum": parts[schema["$ref"].rpartition("/")[2]]["enum"]}
    return {key: value for key, value in schema.items() if key != "default"}


def outcome() -> Schema:
    return renamed(Outcome, OUTCOME_KEYS)


def required(struct: type[msgspec.Struct], field: str) -> bool:
    """Whether a field has no default."""
    return any(info.name == field and info.required for info in msgspec.structs.fields(struct))
