"""What travels on /md/ and /td/ as JSON Schema, by the tables that ws_edge goes by."""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.catalogue import Catalogue, Side
from schemas.values import Vocabulary
from ws_edge.names import LISTS, Kind, Method, methods
from ws_edge.pushes import pushes
from ws_edge.verbs import VERBS

from . import messages
from .messages import NOTHING, common, document, envelope, message, one_of, or_null, ref
from .printing import Schema
from .structs import Structs

_TICK: Final = "RtnDepthMarketData"
_LOGIN: Final = "RspUserLogin"
_SNAPSHOT: Final = "OnRspQueryMarketSnapshot"
# Of pushes with envelope=full: 0 and false.
_FULL: Final[Schema] = {"RequestID": common("RequestID"), "IsLast": {"type": "boolean"}}
_EXTRAS: Final[dict[str, Schema]] = {
    "ClientOrderID": {
        "description": "Your id of a new order: the same id never makes a second one.",
        "type": "string",
        "pattern": "^[ -~]{1,64}$",
    },
    "DeadlineMs": {
        "description": "What has not reached the front within so many ms is not sent.",
        "type": "integer",
        "minimum": 1,
        "maximum": 600_000,
    },
    "Fresh": {
        "description": "true: ask the counter, although an answer of the day is known.",
        "type": "boolean",
    },
    "Resume": {
        "description": "Bring what was published after this Place.",
        "$ref": "common.json#/definitions/Place",
    },
}


_GATEWAY_LOGIN: Final[Schema] = {
    "description": "First message where the gateway has users or tokens: Token, or the others.",
    "type": "object",
    "properties": dict.fromkeys(("Token", "User", "Password"), messages.TEXT),
}


class Part(NamedTuple):
    """A file: what it defines, and which of that are messages."""

    title: str
    about: str
    definitions: Schema
    messages: list[str]

    @property
    def document(self) -> Schema:
        return document(self.title, self.about, self.definitions, self.messages)


class Path:
    """One of the two paths. ``parts`` are its files by their names."""

    def __init__(self, catalogue: Catalogue, vocabulary: Vocabulary, side: Side) -> None:
        self._catalogue, self.side = catalogue, side
        self.structs = Structs(catalogue, vocabulary)
        self.methods = methods(catalogue, side)
        self._homes: dict[str, tuple[str, set[str]]] = {}  # of structs in replies: file and keys
        self.parts: dict[str, Part] = {}
        if side == "md":
            self._requests("md.requests", "requests", list(self.methods.values()))
            self._replies("md.replies", "replies", list(self.methods.values()))
        else:
            asks = [method for method in self.methods.values() if only_asks(method)]
            acts = [method for method in self.methods.values() if not only_asks(method)]
            self._requests("td.requests", "requests that act", acts)
            self._requests("td.queries", "requests that ask", asks)
            self._replies("td.replies", "replies to requests that act", acts)
            self._replies("td.rows", "replies to requests that ask", asks)
        self._pushes(f"{side}.pushes")

    def _add(self, file: str, title: str, about: str, found: Schema, fields: Schema) -> None:
        definitions = {**found, **dict(sorted(fields.items()))}
        self.parts[file] = Part(f"/{self.side}/: {title}", about, definitions, list(found))

    # -- requests ----------------------------------------------------------------------------

    def _requests(self, file: str, title: str, wanted: list[Method]) -> None:
        fields: Schema = {}
        found: Schema = {method.name: self._request(method, fields) for method in wanted}
        about = "What a client sends. Of a struct only the required fields must be there."
        self._add(file, title, about, found, fields)

    def _request(self, method: Method, fields: Schema) -> Schema:
        if method.kind in (Kind.PING, Kind.PONG):
            return message(method.name, {"Timestamp": {"type": "integer"}})
        keys: Schema = {**self._payload(method, fields), "RequestID": common("RequestID")}
        return message(method.name, keys | extras(method), method.keys[0])

    def _payload(self, method: Method, fields: Schema) -> Schema:
        key = method.keys[0]
        if method.kind in LISTS:
            name: Schema = {"type": "string", "minLength": 1, "maxLength": 80}
            return {key: {"type": "array", "minItems": 1, "items": name}}
        if method.kind is Kind.VERB:
            return {key: _verb(method.name)}
        if method.kind is Kind.GATEWAY:
            return {key: _GATEWAY_LOGIN}
        payload = self.structs.request(method.struct, method.required, method.only)
        # The logins look at less of their struct, or need some of it, and stand alone.
        if method.required or method.only:
            return {key: payload}
        fields[f"{method.struct}Field"] = payload
        return {key: ref(f"{method.struct}Field")}

    # -- replies -----------------------------------------------------------------------------

    def _replies(self, file: str, title: str, wanted: list[Method]) -> None:
        fields: Schema = {}
        found: Schema = {}
        for method in wanted:
            if method.callback:
                name = method.callback.removeprefix("On")
                found[name] = self._reply(name, method, file, fields)
        about = "What answers a request, one message a row. The last row has IsLast."
        self._add(file, title, about, found, fields)

    def _reply(self, name: str, method: Method, file: str, fields: Schema) -> Schema:
        if method.kind is Kind.VERB:
            answer = VERBS[method.name]
            payload = messages.renamed(answer.answer, answer.shows)
        elif method.kind is Kind.GATEWAY:
            payload = {"type": "object", "properties": {"User": messages.TEXT}}
        else:
            payload = self._field(method.callback, method.key, file, fields)
        if method.empty == b"{}":
            payload = one_of(payload, NOTHING)
        always = self.side == "md" and name == _LOGIN
        keys = envelope(method.key, payload, always=always)
        if self.side == "td" and name == _LOGIN:
            keys["Place"] = common("Place")
        return message(name, keys, "RspInfo", *([method.key] if always else []))

    def _field(self, callback: str, struct: str, file: str, fields: Schema) -> Schema:
        """A struct in a reply or a push, defined in the first file that has it."""
        name, order = f"{struct}Field", self._order(callback, struct)
        if name not in self._homes:
            self._homes[name] = file, set(order)
            fields[name] = self.structs.reply(struct, order)
        home, keys = self._homes[name]
        assert keys == set(order), f"{callback} has other keys than its like"
        return ref(name, "" if home == file else f"{home}.json")

    def _order(self, callback: str, struct: str) -> tuple[str, ...]:
        api = self._catalogue.api(self.side)
        known = f"On{_TICK}" if callback == _SNAPSHOT else callback
        if known in api.callbacks:
            return self._catalogue.reply_codec(self.side, known).order
        raise AssertionError(f"{callback} is none of the API's, and its {struct} has no order")

    # -- pushes ------------------------------------------------------------------------------

    def _pushes(self, file: str) -> None:
        fields: Schema = {}
        found: Schema = {}
        for push in pushes(self._catalogue, self.side).values():
            name = push.callback.removeprefix("On")
            if not push.key:
                found[name] = _push(name, "", {}, with_place=self.side == "td")
                continue
            payload = self._field(push.callback, push.key, file, fields)
            if name == _TICK:
                found[name] = message(name, {**_FULL, push.key: payload}, push.key)
            else:
                found[name] = _push(name, push.key, payload, with_place=self.side == "td")
        if self.side == "md":
            found |= {"Fields": _fields()} | messages.staleness()
        else:
            found["OrderOutcome"] = _outcome()
        self._add(file, "pushes", "What comes without a request.", found, fields)


def only_asks(method: Method) -> bool:
    verb = VERBS.get(method.name)
    if verb is not None:
        return verb.asks
    return method.name.startswith(("ReqQry", "ReqQuery"))


_BINARY: Final = (
    "First message in the sub-protocol ctpbus.msgpack.v1: the names of the values of the array that"
    " DepthMarketData is in RtnDepthMarketData there. All else is as in JSON."
)


def _fields() -> Schema:
    names: Schema = {"type": "array", "items": {"type": "string"}}
    told: Schema = {
        "type": "object",
        "required": ["DepthMarketData"],
        "properties": {"DepthMarketData": names},
    }
    return message("Fields", {"Fields": told}, "Fields", about=_BINARY)


def extras(method: Method) -> Schema:
    """Keys of our own beside the payload, see ws_edge/extras.py."""
    names: list[str] = []
    if method.kind is Kind.ACTION:
        names = ["ClientOrderID", "DeadlineMs"] if method.insertion else ["DeadlineMs"]
    elif method.kind is Kind.QUERY:
        names = ["Fresh"]
    elif method.resumes:
        names = ["Resume"]
    return {name: _EXTRAS[name] for name in names}


def _verb(name: str) -> Schema:
    verb = VERBS[name]
    schema = messages.renamed(verb.body, verb.keys)
    schema["required"] = [
        key for key, field in verb.keys.items() if messages.required(verb.body, field)
    ]
    return schema


def _push(name: str, key: str, payload: Schema, *, with_place: bool) -> Schema:
    keys: Schema = {"RspInfo": common("RspInfo"), **_FULL}
    if key:
        keys[key] = or_null(payload)
    if with_place:
        keys["Place"] = common("Place")
    return message(name, keys, "RspInfo", *([key] if key else []))


def _outcome() -> Schema:
    keys = envelope("OrderOutcome", messages.outcome(), always=True)
    about = "What became of an insertion; with a ClientOrderID, or outcomes=on."
    return message("OrderOutcome", keys, "RspInfo", "OrderOutcome", about=about)
