"""Writes the stubs of what is made from the catalogue: structs and requests.

python -m bus.client.stubs            writes structs.pyi, ctp.pyi and sync/ctp.pyi
python -m bus.client.stubs --check    exit status 1 when one is not what it would write
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from schemas import catalogue as catalogues
from schemas.api import Request
from schemas.catalogue import Catalogue
from schemas.typed import ALL
from schemas.typed.named import attribute, fields_of, kind_of

from .kinds import acts, inserts, methods

_FOLDER: Final = Path(__file__).parent
_WIDTH: Final = 100
_TYPES: Final = {str: "str", int: "int"}
_WRITTEN: Final = {cls.struct_name: cls.__name__ for cls in ALL}


def stubs(catalogue: Catalogue) -> dict[Path, str]:
    """The text of each file."""
    return {
        _FOLDER / "structs.pyi": _structs(catalogue),
        _FOLDER / "ctp.pyi": _requests(catalogue, waits=False),
        _FOLDER / "sync" / "ctp.pyi": _requests(catalogue, waits=True),
    }


def head(catalogue: Catalogue) -> str:
    """The first line of each file."""
    return f"# Of API {catalogue.version}, written by python -m bus.client.stubs\n"


def struct_names(catalogue: Catalogue) -> list[str]:
    """Those of requests and callbacks."""
    callbacks = (*catalogue.td.callbacks.values(), *catalogue.md.callbacks.values())
    names = {request.struct for request in methods(catalogue).values()}
    return sorted(names | {callback.struct for callback in callbacks if callback.struct})


def _structs(catalogue: Catalogue) -> str:
    names = struct_names(catalogue)
    lines = [head(catalogue), "from schemas.typed import CtpStruct\n"]
    written = {name: _WRITTEN[name] for name in names if name in _WRITTEN}
    lines += [f"from schemas.typed import {cls} as {cls}\n" for cls in written.values()]
    others = [f"{name} = {cls}\n" for name, cls in written.items() if name != cls]
    lines += ["\n", *others] if others else []
    for name in names:
        if name not in _WRITTEN:
            lines += ["\n", *_struct(catalogue, name)]
    return "".join(lines)


def _struct(catalogue: Catalogue, name: str) -> Iterator[str]:
    yield f"class {name}(CtpStruct, frozen=True, gc=False):\n"
    fields = fields_of(catalogue, name)
    for field in fields:
        kind, default = kind_of(catalogue, name, field)
        told = _TYPES.get(kind, "float | None")
        yield f"    {attribute(field.name)}: {told} = {_written(default)}\n"
    if not fields:
        yield "    ...\n"


def _written(default: object) -> str:
    return '""' if default == "" else repr(default)


def _requests(catalogue: Catalogue, *, waits: bool) -> str:
    dots = ".." if waits else "."
    requests = methods(catalogue)
    lines = [
        head(catalogue),
        "from collections.abc import Callable\n",
        "\n",
        f"from {dots} import structs\n",
        f"from {'...' if waits else '..'}frames import Row\n",
    ]
    if waits:
        lines += [
            "from .. import ctp as asynchronous\n",
            "from .loop import Loop\n",
            "from .order import Order\n",
            "\nclass Ctp:\n",
            "    def __init__(self, loop: Loop, ctp: asynchronous.Ctp) -> None: ...\n",
        ]
    else:
        lines += [
            "from .account import Account\n",
            "from .order import Order\n",
            "\nclass Ctp:\n",
            "    def __init__(self, account: Account) -> None: ...\n",
        ]
    for request in requests.values():
        lines += _method(catalogue, request, "def" if waits else "async def")
    return "".join(lines)


def _method(catalogue: Catalogue, request: Request, define: str) -> list[str]:
    reply = catalogue.td.callbacks[request.reply].struct
    options, result = (
        [
            "timeout_s: float = 30.0",
            "request_id: int = 0",
            "fresh: bool = False",
        ],
        f"list[structs.{reply}]",
    )
    if inserts(request):
        options, result = ['client_order_id: str = ""'], "Order"
    elif acts(request):
        options = ["on_late: Callable[[Row], None] = ...", "timeout_s: float = 5.0"]
        result = "None"
    parameters = ["self", f"fields: structs.{request.struct} = ...", "/", "*", *options]
    line = f"    {define} {request.name}({', '.join(parameters)}) -> {result}: ...\n"
    if len(line) <= _WIDTH:
        return [line]
    return [
        f"    {define} {request.name}(\n",
        *(f"        {each},\n" for each in parameters),
        f"    ) -> {result}: ...\n",
    ]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bus.client.stubs", description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args(argv).check
    stale = 0
    for path, text in stubs(catalogues.load()).items():
        if check:
            stale += not path.exists() or path.read_text("utf-8") != text
        else:
            path.write_text(text, "utf-8")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
