"""The generated schemas, read by a validator that knows nothing of ctpbus."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from tests.support.group import CHECKOUT

FOLDER: Final = CHECKOUT / "docs" / "schema"
_URI: Final = "file:///"


@cache
def file(name: str) -> Any:
    """One file as data."""
    return json.loads(Path(FOLDER, name).read_text("utf-8"))


@cache
def validator(name: str, definition: str = "", *, strict: bool = True) -> Draft7Validator:
    """Of one definition of a file, or of all that it has. ``strict``: keys that are not listed are
    faults, which they are not for a client."""
    where = f"{_URI}{name}" + (f"#/definitions/{definition}" if definition else "")
    return Draft7Validator({"$ref": where}, registry=_registry(strict))


def faults(message: Any, name: str, definition: str = "") -> list[str]:
    """What a message has that the schema does not allow; values are not quoted."""
    found = validator(name, definition).iter_errors(message)
    return [f"{error.json_path}: {error.validator}" for error in found]


def jsonable(value: Any) -> Any:
    """What was msgpack, with its bins as the schemas call them."""
    return json.loads(msgspec.json.encode(value))


@cache
def _registry(strict: bool) -> Registry[Any]:
    resources = []
    for path in FOLDER.glob("*.json"):
        content = copy.deepcopy(file(path.name))
        if strict and "definitions" in content:
            _close(content)
        resources.append((f"{_URI}{path.name}", DRAFT7.create_resource(content)))
    return Registry().with_resources(resources)


def _close(schema: Any) -> None:
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
        for value in schema.values():
            _close(value)
    elif isinstance(schema, list):
        for value in schema:
            _close(value)
