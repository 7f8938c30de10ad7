"""The documents of ``docs/schema``: that they are as generated, valid, and say what is so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft7Validator

from admin.commands.schema import differences, write
from admin.schema.documents import documents
from admin.schema.printing import Json, pretty
from schemas import catalogue, values
from tests.support.cli import ctpbus
from tests.support.schemas import FOLDER, faults, file
from ws_edge import envelope, notices
from ws_edge.names import Kind, methods
from ws_edge.pushes import pushes
from ws_edge.requests import Parser

CATALOGUE = catalogue.load()
SCHEMAS = sorted(path.name for path in FOLDER.glob("*.json") if "definitions" in file(path.name))
# CI has the binding that they are about: there a newer one is a failure, not a silence.
of_6_7_11 = pytest.mark.skipif(
    CATALOGUE.layout_id != 0x670B and os.environ.get("CI") != "true",
    reason="docs are about 6.7.11",
)


@of_6_7_11
def test_the_files_in_docs_are_what_the_command_writes() -> None:
    wanted = documents(CATALOGUE, values.load())
    assert not differences(FOLDER, wanted), "run: ctpbus schema"
    there = {path.name for path in FOLDER.iterdir()}
    assert there - {"README.md", "README.zh.md"} == wanted.keys()


@of_6_7_11
def test_the_command_names_what_differs_and_writes_it(tmp_path: Path) -> None:
    write(tmp_path, documents(CATALOGUE, values.load()))
    before = (tmp_path / "common.json").read_text("utf-8")
    (tmp_path / "common.json").write_text("{}")
    (tmp_path / "values.json").unlink()
    (tmp_path / "package.json").write_text("mine")
    checked = ctpbus("schema", str(tmp_path), "--check", "--json")
    assert checked.returncode == 1
    changed = msgspec.json.decode(checked.stdout)["changed"]
    assert sorted(changed) == ["common.json", "values.json"]
    assert ctpbus("schema", str(tmp_path)).returncode == 0
    assert (tmp_path / "common.json").read_text("utf-8") == before
    assert (tmp_path / "package.json").read_text("utf-8") == "mine"
    assert ctpbus("schema", str(tmp_path), "--check").returncode == 0
    refused = ctpbus("schema", str(tmp_path / "package.json"))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("ctpbus: ")


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_file_is_valid_json_schema_and_its_references_lead_somewhere(name: str) -> None:
    content = file(name)
    Draft7Validator.check_schema(content)
    for target in references(content):
        there, _, definition = target.partition("#/definitions/")
        assert definition in file(there or name)["definitions"], target


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_file_is_small_enough_to_read(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    assert len(text.splitlines()) < 3500
    assert max(len(line) for line in text.splitlines()) <= 300


def references(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
        return own + [target for value in schema.values() for target in references(value)]
    if isinstance(schema, list):
        return [target for value in schema for target in references(value)]
    return []


@pytest.mark.parametrize("side", ["md", "td"])
def test_every_request_reply_and_push_is_there(side: catalogue.Side) -> None:
    names = {
        name
        for path in FOLDER.glob(f"{side}.*.json")
        for name in file(path.name).get("definitions", ())
    }
    known = methods(CATALOGUE, side).values()
    assert {method.name for method in known} <= names
    assert {method.callback.removeprefix("On") for method in known} - {""} <= names
    assert {p.callback.removeprefix("On") for p in pushes(CATALOGUE, side).values()} <= names


def sample(schema: Any, name: str) -> Any:
    """A message that has every key that its schema names."""
    if "$ref" in schema:
        there, _, definition = schema["$ref"].partition("#/definitions/")
        target = there or name
        return sample(file(target)["definitions"][definition], target)
    if "anyOf" in schema:
        return sample(schema["anyOf"][0], name)
    if "const" in schema:
        return schema["const"]
    if "pattern" in schema:
        return "1-1"
    kind = schema["type"]
    if kind == "object":
        return {key: sample(value, name) for key, value in schema.get("properties", {}).items()}
    if kind == "array":
        return [sample(schema["items"], name)]
    text = "x" * min(schema.get("maxLength", 5), 80)
    return {"string": text, "integer": 1, "number": 1.5, "boolean": True}[kind]


REQUESTS = [
    (side, name, method)
    for side, names in {
        "md": ("md.requests.json",),
        "td": ("td.requests.json", "td.queries.json"),
    }.items()
    for name in names
    for method in file(name)["definitions"]
    if not method.endswith("Field")
]


@pytest.mark.parametrize(("side", "name", "method"), REQUESTS)
def test_the_gateway_takes_a_request_with_every_key_of_its_schema(
    side: catalogue.Side, name: str, method: str
) -> None:
    known = methods(CATALOGUE, side)
    message = sample(file(name)["definitions"][method], name)
    if method == "QryOrderOutcome":
        message[method] = {"ClientOrderID": "1"}  # one name, not all
    assert not faults(message, name, method)
    assert not faults(message, name)
    parsed = Parser(CATALOGUE, known, 10).parse(msgspec.json.encode(message).decode())
    assert parsed.method.name == method
    if known[method].struct:
        codec = CATALOGUE.codec(known[method].struct)
        sent = message[known[method].keys[0]]
        told = codec.unpack(parsed.body)
        assert {key: told[key] for key in sent} == sent


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("td.requests.json", {"MsgType": "ReqOrderInsert"}),
        ("td.requests.json", {"MsgType": "ReqOrderInsert", "InputOrder": {"LimitPrice": "1"}}),
        ("td.requests.json", {"MsgType": "ReqOrderInsert", "InputOrder": {"Direction": "01"}}),
        ("td.requests.json", {"MsgType": "ReqUserLogin", "ReqUserLogin": {"UserID": "1"}}),
        ("td.queries.json", {"MsgType": "ReqQryOrder", "QryOrder": {}, "RequestID": "1"}),
        ("md.requests.json", {"MsgType": "SubscribeMarketData", "InstrumentID": []}),
        ("md.requests.json", {"MsgType": "SubscribeMarketData", "InstrumentID": "rb2610"}),
    ],
)
def test_what_the_gateway_refuses_the_schema_refuses(name: str, message: Any) -> None:
    side: catalogue.Side = "md" if name.startswith("md") else "td"
    parser = Parser(CATALOGUE, methods(CATALOGUE, side), 10)
    with pytest.raises(Exception) as refused:
        parser.parse(msgspec.json.encode(message).decode())
    assert type(refused.value).__name__ == "BadRequest"
    assert faults(message, name)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("side", ["md", "td"])
def test_every_reply_that_the_edge_makes_of_zeros_fits(side: catalogue.Side, full: bool) -> None:
    style = envelope.Style(full=full)
    head = envelope.Head("", b'{"ErrorID":0,"ErrorMsg":""}', 3, True)
    for method in methods(CATALOGUE, side).values():
        if not method.struct:
            continue
        codec = CATALOGUE.reply_codec(side, method.callback)
        for payload in (codec.json(bytes(codec.size)), method.empty):
            own = head._replace(callback=method.callback)
            if (side, method.kind, payload) == ("md", Kind.LOGIN, b"null"):
                continue  # always there
            text = envelope.message(style, own, method.key, payload)
            assert not reply_faults(side, text), method.name


def reply_faults(side: str, text: bytes) -> list[str]:
    message = msgspec.json.decode(text)
    name = message["MsgType"]
    for path in sorted(FOLDER.glob(f"{side}.*.json")):
        if name in file(path.name).get("definitions", ()):
            return faults(message, path.name, name)
    return [f"{name} is nowhere"]


def test_what_the_edge_says_of_its_own_fits() -> None:
    style = envelope.Style()
    refused = envelope.Head("", envelope.rsp_info(-400, "参数有误"), 7)
    for name, text in {
        "Gap": notices.gap("rb2610", None, "restarted"),
        "Ping": envelope.clock("Ping", 1),
        "Pong": envelope.clock("Pong", 1),
        "ServerShutdown": envelope.shutdown(100),
        "LocalError": envelope.request_error(style, "ReqQryOrder", refused, "", "a detail"),
    }.items():
        assert not faults(msgspec.json.decode(text), "common.json", name)
    for name, text in {
        "Conflated": notices.conflated("rb2610", 3),
        "Stale": notices.stale("", "feed", 30_000),
        "Fresh": notices.fresh("old", "rb2610"),
    }.items():
        assert not faults(msgspec.json.decode(text), "md.pushes.json", name)
    placed = envelope.placed(notices.gap("", 1, "lost"), 2**32 - 1, 2**63)
    assert not faults(msgspec.json.decode(placed), "common.json", "Gap")


def test_what_fits_into_a_line_is_printed_on_it() -> None:
    long: list[Json] = [f"name{number}" for number in range(40)]
    text = pretty({"short": {"a": 1}, "long": long, "empty": {}})
    assert msgspec.json.decode(text) == {"short": {"a": 1}, "long": long, "empty": {}}
    assert '  "short": {"a": 1},' in text.splitlines()
    assert max(len(line) for line in text.splitlines()) <= 118
    assert len(text.splitlines()) < 12
