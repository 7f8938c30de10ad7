"""What travels over ZeroMQ: the bodies that are msgpack, by the Structs that the workers decode
them with, and who sends which of them where."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final, NamedTuple

import msgspec

from bus import history, orders
from bus.answers import Answer
from bus.recording import StreamState
from bus.rpc import Call, ErrorBody, SessionBody
from bus.since import Since
from bus.stats import Stat
from schemas.catalogue import Catalogue, Side

from .messages import document, ref
from .printing import Schema

_STRUCTS: Final[tuple[type[msgspec.Struct], ...]] = (
    *(Call, ErrorBody, SessionBody, Since, Stat, Answer, StreamState),
    *(orders.Outcome, orders.OutcomeQuery, orders.VoidId),
    *(orders.CancelOnDisconnect, orders.KillSwitch),
    *(orders.Place, orders.After, orders.Attach, orders.Detached),
    *(history.Ticks, history.LastTicks, history.TickBlock, history.TicksEnd, history.Events),
    *(history.Event, history.Answers, history.Answered, history.Page),
)
_TEXT: Final[Schema] = {"type": "string"}
_INT: Final[Schema] = {"type": "integer"}
_BOOL: Final[Schema] = {"type": "boolean"}
_ANY: Final[Schema] = {"type": "object"}


def schema() -> Schema:
    """bus.json."""
    _, parts = msgspec.json.schema_components(_STRUCTS, ref_template="#/definitions/{name}")
    found: Schema = {name: _definition(name, part) for name, part in sorted(parts.items())}
    about = "Bodies that are MessagePack. contentEncoding base64 stands for its type bin."
    return document("The bus", about, found | _others(), [])


class Verb(NamedTuple):
    """One call: the definition of its body ("": none) and the types of the rows that answer."""

    body: str
    rows: tuple[str, ...]


# Beside the requests of the API, whose body is their C struct.
VERBS: Final[dict[str, dict[str, Verb]]] = {
    "md_rpc": {
        "SubscribeMarketData": Verb("Instruments", ("OnRspSubMarketData",)),
        "UnSubscribeMarketData": Verb("Instruments", ("OnRspUnSubMarketData",)),
        "SubscribeForQuoteRsp": Verb("Instruments", ("OnRspSubForQuoteRsp",)),
        "UnSubscribeForQuoteRsp": Verb("Instruments", ("OnRspUnSubForQuoteRsp",)),
        "Snapshot": Verb("Instruments", ("Snapshot",)),
        "Since": Verb("Since", ("Message", "Since")),
        "State": Verb("", ("State",)),
    },
    "td_rpc": {
        "State": Verb("", ("State",)),
        "Attach": Verb("Attach", ("Session", "OnRspUserLogin")),
        "Detach": Verb("Detached", ("Detach",)),
        "Returns": Verb("After", ("Return", "Returns")),
        "Mark": Verb("", ("Mark",)),
        "QryOrderOutcome": Verb("OutcomeQuery", ("Outcome",)),
        "VoidClientOrderID": Verb("VoidId", ("Outcome",)),
        "SetCancelOnDisconnect": Verb("CancelOnDisconnect", ("SetCancelOnDisconnect",)),
        "SetKillSwitch": Verb("KillSwitch", ("SetKillSwitch",)),
    },
    "rec_rpc": {
        "Ticks": Verb("Ticks", ("TickBlock", "Ticks")),
        "LastTicks": Verb("LastTicks", ("LastTick",)),
        "Events": Verb("Events", ("EventBlock", "Events")),
        "Answers": Verb("Answers", ("AnswerBlock", "Answers")),
        "State": Verb("", ("State",)),
        "Streams": Verb("", ("Streams",)),
        "StartStream": Verb("Name", ("Stream",)),
        "StopStream": Verb("Name", ("Stream",)),
    },
}

# Of messages and rows of our own: the definition of the body; "": empty or no msgpack.
BODIES: Final = {
    "Beat": "",
    "Stat": "Stat",
    "Mark": "Nothing",
    "SessionLost": "Number",
    "Error": "ErrorBody",
    "Session": "SessionBody",
    "Sent": "Outcome",
    "Outcome": "Outcome",
    "Snapshot": "",
    "Message": "",
    "Since": "Place",
    "Return": "",
    "Returns": "Place",
    "Detach": "Switch",
    "Answer": "Answer",
    "Serials": "Serials",
    "SetCancelOnDisconnect": "CancelOnDisconnect",
    "SetKillSwitch": "KillSwitch",
    "TickBlock": "TickBlock",
    "Ticks": "TicksEnd",
    "LastTick": "TickBlock",
    "EventBlock": "EventList",
    "Events": "Page",
    "AnswerBlock": "AnsweredList",
    "Answers": "Page",
    "Streams": "StreamList",
    "Stream": "StreamState",
    "OnFrontConnected": "Nothing",
    "OnFrontDisconnected": "Number",
    "OnHeartBeatWarning": "Number",
}
STATES: Final = {"md_rpc": "MdState", "td_rpc": "TdState", "rec_rpc": "RecorderState"}


class Topic(NamedTuple):
    """One kind of topic: its socket, the messages on it, and whose callbacks besides."""

    socket: str
    address: str
    messages: tuple[str, ...]


def topics(catalogue: Catalogue) -> dict[str, Topic]:
    """By a name of ours. ``{…}`` in an address stands for a part of it."""
    notices = ("OnFrontConnected", "OnFrontDisconnected", "OnHeartBeatWarning")
    returns = tuple(
        name for name, one in catalogue.td.callbacks.items() if one.struct and not one.has_id
    )
    own = (*notices, "Mark", "SessionLost", "Beat")
    return {
        "tick": Topic("md_pub", "tick/{instrument}/", ("OnRtnDepthMarketData", "Beat")),
        "quote": Topic("md_pub", "quote/{instrument}/", ("OnRtnForQuoteRsp", "Beat")),
        "late": Topic("md_pub", "late/{instrument}/", ("OnRtnDepthMarketData",)),
        "notice": Topic("md_pub", "notice/{process}/", (*notices, "OnRspError")),
        "mdState": Topic("md_pub", "state/md_worker/", ("MdState",)),
        "account": Topic("td_pub", "td/{broker}/{user}/", (*returns, *own)),
        "answer": Topic("td_pub", "answer/{broker}/{user}/", ("Answer",)),
        "tdState": Topic("td_pub", "state/td_worker/", ("TdState",)),
        "serials": Topic("login_pub", "serials/", ("Serials",)),
        "stat": Topic("stat", "stat/{process}/", ("Stat",)),
    }


def struct_of(catalogue: Catalogue, callback: str) -> str | None:
    sides: tuple[Side, ...] = ("td", "md")
    for side in sides:
        found = catalogue.api(side).callbacks.get(callback)
        if found is not None:
            return found.struct
    return None


def _others() -> Schema:
    """Bodies without a Struct of their own."""
    account = _map(
        {
            **dict.fromkeys(("broker", "user", "topic", "state"), _TEXT),
            **dict.fromkeys(("slot", "clients", "returns", "repeated", "queries_waiting"), _INT),
            "reason": {"type": ["integer", "null"]},
            "settlement_confirmed": {},
            "limits": _ANY,
            "journal_failing": {},
        }
    )
    counted = ("epoch", "rows_dropped", "malformed_calls", "connections_refused", "calls_forbidden")
    shared: Schema = {"reason": {"type": ["integer", "null"]}, **dict.fromkeys(counted, _INT)}
    md = ("ticks", "ticks_failed", "subscribed", "wanted")
    recorder = ("instruments", "gaps", "rows_dropped", "malformed_calls", "connections_refused")
    states: Schema = {"enum": ["disconnected", "connected", "ready", "refused"]}
    front: Schema = {"enum": ["unknown", "connected", "disconnected"]}
    return {
        "Instruments": {"type": "array", "items": {"type": "string", "maxLength": 80}},
        "Name": _TEXT,
        "Nothing": {"type": "null"},
        "Number": {"type": ["integer", "null"]},
        "Switch": _BOOL,
        "Serials": {"type": "object", "additionalProperties": _INT},
        "EventList": {"type": "array", "items": ref("Event")},
        "AnsweredList": {"type": "array", "items": ref("Answered")},
        "StreamList": {"type": "array", "items": ref("StreamState")},
        "MdState": _map(
            {
                "front": front,
                "logged_in": _BOOL,
                "state": states,
                **shared,
                **dict.fromkeys(md, _INT),
            }
        ),
        "TdState": _map(
            {
                "front": front,
                "logged_in": _BOOL,
                **shared,
                "wrong_passwords": _INT,
                "limits": _ANY,
                "accounts": {"type": "array", "items": account},
            }
        ),
        "RecorderState": _map(
            {
                **dict.fromkeys(("member", "folder"), _TEXT),
                "streams": {"type": "array", "items": ref("StreamState")},
                **dict.fromkeys(recorder, _INT),
            }
        ),
    }


def _map(properties: Schema) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties}


def _definition(name: str, part: Any) -> Schema:
    """One of msgspec's, in draft 7, and with what its docstring says of each key."""
    found: Schema = {key: _old(value) for key, value in part.items() if key != "title"}
    told = inspect.cleandoc(found.pop("description", None) or "")  # type: ignore[arg-type]
    head, _, rest = told.partition("\n\n")
    if head:
        found = {"description": " ".join(head.split()), **found}
    if "prefixItems" in found:
        found["items"] = found.pop("prefixItems")
    properties = found.get("properties")
    if isinstance(properties, dict):
        for key, text in _about(rest, list(properties)).items():
            value = properties[key]
            assert isinstance(value, dict)
            properties[key] = {"description": text, **value}
    return found


def _old(value: Any) -> Any:
    """Without defaults, which of a message that came mean nothing."""
    if isinstance(value, dict):
        return {key: _old(part) for key, part in value.items() if key != "default"}
    return [_old(part) for part in value] if isinstance(value, list) else value


def _about(text: str, keys: list[str]) -> dict[str, str]:
    """What a docstring says behind the names of fields; lines of more than one name, and those
    that go on, belong to each."""
    told: dict[str, str] = {}
    names: list[str] = []
    for line in text.splitlines():
        begin = re.match(r"([a-z_]+(?:, [a-z_]+)*)  ?\s*(\S.*)", line)
        if begin is not None and set(begin[1].split(", ")) <= set(keys):
            names = begin[1].split(", ")
            told |= dict.fromkeys(names, begin[2].strip())
        elif line.startswith("  ") and names:
            told |= {name: f"{told[name]} {line.strip()}" for name in names}
        else:
            names = []
    return told
