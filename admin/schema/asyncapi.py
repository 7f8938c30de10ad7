"""AsyncAPI 3: who sends which message to whom, from the gateway's side."""

from __future__ import annotations

import re
from typing import Final

from bus.frames import message_type
from schemas.catalogue import Catalogue
from ws_edge.options import NOTICES

from . import bus
from .printing import Json, Schema
from .webctp import Path

_LICENSE: Final[Json] = {"name": "Apache-2.0"}
# Both sides have a Ping and a Pong of their own.
_SERVERS: Final = {"ServerPing": "Ping", "ServerPong": "Pong"}
_COMMON: Final = {"LocalError": "LocalError", **_SERVERS, "ServerShutdown": "ServerShutdown"}
_SWITCHES: Final = {
    "td": ("outcomes", "seq", "dialect", "heartbeat"),
    "md": ("dialect", "heartbeat"),
}
_STRUCT: Final = "application/vnd.ctpbus.struct"
_MSGPACK: Final = "application/msgpack"


def websocket(path: Path) -> Schema:
    """One path of ws_edge."""
    side = path.side
    homes = {name: file for file, part in path.parts.items() for name in part.messages}
    messages: Schema = {
        name: {"name": name, "payload": {"$ref": f"{file}.json#/definitions/{name}"}}
        for name, file in homes.items()
    }
    for name, own in {**_COMMON, "Gap": "Gap"}.items():
        payload: Json = {"$ref": f"common.json#/definitions/{own}"}
        messages[name] = {"name": own, "payload": payload}
    operations: Schema = {}
    for method in path.methods.values():
        operation: Schema = {"action": "receive", **_on(side, [method.name])}
        if method.callback:
            reply = [method.callback.removeprefix("On"), "LocalError"]
            operation["reply"] = _on(side, reply)
        operations[method.name] = operation
    for name, file in homes.items():
        if file.endswith("pushes"):
            operations[name] = {"action": "send", **_on(side, [name])}
    for name in (*_SERVERS, "ServerShutdown", "Gap"):
        operations[name] = {"action": "send", **_on(side, [name])}
    channel: Schema = {
        "address": f"/{side}/",
        "bindings": {"ws": {"method": "GET", "query": _options(side)}},
        "messages": messages,
    }
    server: Json = {"host": "127.0.0.1:8080", "protocol": "ws"}
    about = f"The path /{side}/ of ws_edge, see ws_edge/README.md. An operation is the gateway's."
    return _document(f"ctpbus /{side}/", about, {"gateway": server}, {side: channel}, operations)


def zeromq(catalogue: Catalogue) -> Schema:
    """The sockets of the workers, the recorder and the login service."""
    channels: Schema = {}
    operations: Schema = {}
    servers: Schema = {
        name: {
            "host": "127.0.0.1",
            "protocol": "zmq",
            "description": f"The socket {name}; by default ipc.",
        }
        for name in ("md_pub", "td_pub", "login_pub", "stat", "md_rpc", "td_rpc", "rec_rpc")
    }
    for name, topic in bus.topics(catalogue).items():
        channels[name] = {
            "address": topic.address,
            "servers": [{"$ref": f"#/servers/{topic.socket}"}],
            "parameters": {part: {} for part in re.findall(r"{(\w+)}", topic.address)},
            "messages": {one: _message(catalogue, one) for one in topic.messages},
        }
        operations[f"publish_{name}"] = {"action": "send", **_on(name, list(topic.messages))}
    for socket, verbs in bus.VERBS.items():
        rows = sorted({row for verb in verbs.values() for row in verb.rows} | {"Error"})
        state = bus.STATES[socket]
        channels[socket] = {
            "address": None,
            "servers": [{"$ref": f"#/servers/{socket}"}],
            "messages": {
                **{f"Call{name}": _call(name, verb) for name, verb in verbs.items()},
                **{row: _message(catalogue, state if row == "State" else row) for row in rows},
            },
        }
        for name, verb in verbs.items():
            operations[f"{socket}_{name}"] = {
                "action": "receive",
                **_on(socket, [f"Call{name}"]),
                "reply": _on(socket, [*verb.rows, "Error"]),
            }
    about = (
        "The ZeroMQ sockets, see bus/PROTOCOL.md. Requests of the API go to md_rpc and td_rpc too."
    )
    return _document("ctpbus bus", about, servers, channels, operations)


def _document(
    title: str, about: str, servers: Schema, channels: Schema, operations: Schema
) -> Schema:
    return {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": "1", "description": about, "license": _LICENSE},
        "defaultContentType": "application/json",
        "servers": servers,
        "channels": channels,
        "operations": operations,
    }


def _on(channel: str, names: list[str]) -> Schema:
    return {
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
    }


def _options(side: str) -> Json:
    switch: Json = {"type": "string", "enum": ["on", "off"]}
    told = ", ".join(sorted(NOTICES))
    properties: Schema = {
        **dict.fromkeys(_SWITCHES[side], switch),
        "envelope": {"type": "string", "enum": ["compatible", "full"]},
        "notices": {"type": "string", "description": f"Any of {told}, with commas between."},
        "token": {"type": "string"},
    }
    return {"type": "object", "properties": properties}


def _message(catalogue: Catalogue, name: str) -> Json:
    """A published message or a row, by its body."""
    kind = "State" if name in bus.STATES.values() else name
    head: Schema = {"name": kind, "x-type": message_type(kind)}
    definition = name if kind == "State" else bus.BODIES.get(name, "")
    if definition:
        return {**head, "contentType": _MSGPACK, "payload": _body(definition)}
    struct = bus.struct_of(catalogue, name)
    if struct is not None:
        head["x-struct"] = struct
    return {**head, "contentType": _STRUCT}


def _call(name: str, verb: bus.Verb) -> Json:
    """The frame is bus.json's Call; its body is what is told here."""
    head: Schema = {"name": name, "contentType": _MSGPACK}
    return {**head, "payload": _body(verb.body)} if verb.body else head


def _body(definition: str) -> Json:
    return {"$ref": f"bus.json#/definitions/{definition}"}
