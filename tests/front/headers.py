"""C++ headers for the stand-in front, generated from the catalogue of the installed binding.

    python tests/front/headers.py OUT_DIR

The vendor's own headers are not needed: a binding module was compiled against them and still
shows everything that its ABI consists of: the memory layout of each struct, the order of the
virtual methods of the API and callback classes (SWIG keeps the order of the declarations), their
parameter types (annotations), and the signature of the two factories (the symbols it imports).
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import schemas.binding
import schemas.catalogue
from schemas.api import Callback, Request
from schemas.catalogue import Catalogue, Side
from schemas.layout import Field, Layout

STRUCTS = "ThostFtdcUserApiStruct.h"
API_HEADER = {"md": "ThostFtdcMdApi.h", "td": "ThostFtdcTraderApi.h"}
NAMES = {"md": "Md", "td": "Trader"}
_MODULES = {"md": "thostmduserapi", "td": "thosttraderapi"}
SIDES: tuple[Side, ...] = ("md", "td")
# The front's own business; the other methods that are no requests do nothing unless overridden.
_OWN = {"Release", "Init", "Join", "GetTradingDay", "RegisterSpi"}
_C_TYPES = {"c": "char", "h": "short", "i": "int", "q": "long long", "d": "double"}


@dataclass(frozen=True)
class Method:
    """A virtual method of the API class, with C++ types as SWIG noted them."""

    name: str
    returns: str
    parameters: tuple[tuple[str, str], ...]  # (type, name)

    @property
    def declaration(self) -> str:
        parameters = ", ".join(_declare(kind, arg) for kind, arg in self.parameters)
        return f"{self.returns} {self.name}({parameters})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, text in headers(schemas.catalogue.load()).items():
        (out / name).write_text(text, encoding="utf-8")


def headers(catalogue: Catalogue) -> dict[str, str]:
    """File name -> content."""
    files = {STRUCTS: "\n".join(_structs(catalogue))}
    for side in SIDES:
        files[API_HEADER[side]] = "\n".join(_api(catalogue, side))
        files[f"{side}_requests.h"] = "\n".join(_requests(catalogue, side))
    return files


def _structs(catalogue: Catalogue) -> Iterator[str]:
    yield "#pragma once"
    yield "#include <cstddef>"
    yield f'#define FRONT_BINDING_VERSION "{catalogue.version}"'
    yield "enum THOST_TE_RESUME_TYPE"
    yield "{ THOST_TERT_RESTART = 0, THOST_TERT_RESUME, THOST_TERT_QUICK, THOST_TERT_NONE };"
    for layout in catalogue.layouts.values():
        yield from _struct(layout)


def _struct(layout: Layout) -> Iterator[str]:
    name = _cpp(layout.name)
    yield f"struct {name} {{"
    for field in layout.fields:
        array = f"[{field.size}]" if field.kind == "s" else ""
        yield f"    {_C_TYPES.get(field.kind, 'char')} {field.name}{array};"
    yield "};"
    yield f"static_assert(sizeof({name}) == {layout.size});"
    for field in layout.fields:
        yield f"static_assert(offsetof({name}, {field.name}) == {field.offset});"


def _api(catalogue: Catalogue, side: Side) -> Iterator[str]:
    """The callback class and the API class, every virtual method in its slot.

    Neither class has a virtual destructor: one would take the first slots of the table.
    """
    name = NAMES[side]
    yield "#pragma once"
    yield f'#include "{STRUCTS}"'
    yield f"class CThostFtdc{name}Spi {{\npublic:"
    for callback in catalogue.api(side).callbacks.values():
        yield f"    virtual void {callback.name}({', '.join(_callback_types(callback))}) = 0;"
    yield "protected:"
    yield f"    ~CThostFtdc{name}Spi() {{}}\n}};"
    create = create_parameters(catalogue, side)
    yield f"#define FRONT_CREATE_PARAMETERS {create}"
    yield f"class CThostFtdc{name}Api {{\npublic:"
    yield f"    static CThostFtdc{name}Api *CreateFtdc{name}Api({create});"
    yield "    static const char *GetApiVersion();"
    methods = api_methods(catalogue, side)
    for method in methods:
        yield f"    virtual {method.declaration} = 0;"
    yield "protected:"
    yield f"    ~CThostFtdc{name}Api() {{}}\n}};"
    for method in methods:
        yield f"#define FRONT_HAS_{method.name}"


def api_methods(catalogue: Catalogue, side: Side) -> list[Method]:
    """The virtual methods of the API class in the order of the C++ declarations."""
    source = schemas.binding.find(catalogue.binding).folder / f"{_MODULES[side]}.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    wanted = f"CThostFtdc{NAMES[side]}Api"
    node = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == wanted)
    return [
        _method(item)
        for item in node.body
        if isinstance(item, ast.FunctionDef)
        and not item.decorator_list  # the static ones are no part of the table
        and not item.name.startswith("__")
    ]


def _method(node: ast.FunctionDef) -> Method:
    parameters = tuple((_annotation(arg.annotation), arg.arg) for arg in node.args.args[1:])
    return Method(node.name, _annotation(node.returns), parameters)


def _annotation(node: ast.expr | None) -> str:
    assert isinstance(node, ast.Constant)
    return str(node.value)


def _declare(kind: str, name: str) -> str:
    if kind.endswith("[]"):
        return f"{kind[:-2]}{name}[]"
    # SWIG notes a pointer to a class by the name of the class; nothing is passed by value.
    return f"{kind} *{name}" if kind.startswith("CThost") else f"{kind} {name}"


def create_parameters(catalogue: Catalogue, side: Side) -> str:
    """``char const*, bool, bool``: their number differs from version to version."""
    module = schemas.binding.find(catalogue.binding).folder / f"_{_MODULES[side]}.so"
    command = ["nm", "-DC", "--undefined-only", str(module)]
    symbols = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(rf"CreateFtdc{NAMES[side]}Api\((.*)\)", symbols)
    if found is None:
        raise RuntimeError(f"{module} imports no CreateFtdc{NAMES[side]}Api")
    return found[1]


def _requests(catalogue: Catalogue, side: Side) -> Iterator[str]:
    """A class between the API and its implementation that treats every Req* alike, and ``raise``
    that makes any callback from bytes."""
    api, name = catalogue.api(side), NAMES[side]
    yield "#pragma once"
    yield f'#include "{API_HEADER[side]}"'
    yield '#include "front.h"'
    yield "namespace front {"
    yield f"using Spi = CThostFtdc{name}Spi;"
    yield f"class Requests : public CThostFtdc{name}Api, public Front<Spi> {{"
    yield "public:"
    yield f'    Requests() : Front("{side}front") {{}}'
    for method in api_methods(catalogue, side):
        if method.name not in api.requests and method.name not in _OWN:
            result = "" if method.returns == "void" else " return {}; "
            yield f"    {method.declaration} override {{{result}}}"
    for request in api.requests.values():
        yield from _request(catalogue, side, request)
    yield "protected:"
    for request in api.requests.values():
        yield f"    virtual void on{request.name}(const {_cpp(request.struct)} &q, int id)"
        yield f"    {{ {_default(api.callbacks[request.reply], request)} }}"
    yield "    bool raise(const Raised &r) override {"
    yield "        static const std::map<std::string, void (*)(Spi *, const Raised &)> table{"
    for callback in api.callbacks.values():
        arguments = ", ".join(_raised(callback))
        yield f'            {{"{callback.name}", [](Spi *s, const Raised &r)'
        yield f"             {{ (void)r; s->{callback.name}({arguments}); }}}},"
    yield "        };"
    yield "        auto found = table.find(r.callback);"
    yield "        if (found == table.end()) return false;"
    yield "        tell(r.callback, [&](Spi *s) { found->second(s, r); });"
    yield "        return true;"
    yield "    }"
    yield "};"
    yield "} // namespace front"


def _request(catalogue: Catalogue, side: Side, request: Request) -> Iterator[str]:
    """``error`` is how this request is refused: its reply, and the ErrRtn that goes with it."""
    callbacks = catalogue.api(side).callbacks
    struct = _cpp(request.struct)
    query = "true" if request.is_query else "false"
    yield f"    int {request.name}({struct} *p, int id) final {{"
    yield f"        {struct} q = *p;"
    yield f'        return take({{"{request.name}", {query}, &q, sizeof q, id}},'
    yield f"            [this, q, id] {{ on{request.name}(q, id); }},"
    yield "            [this, q, id](CThostFtdcRspInfoField e) {"
    yield f"                {_refusal(catalogue, request.struct, callbacks[request.reply])}"
    error_return = callbacks.get("OnErrRtn" + request.name.removeprefix("Req"))
    if error_return is not None:
        yield f"                {_refusal(catalogue, request.struct, error_return)}"
    yield "            });"
    yield "    }"


def _refusal(catalogue: Catalogue, asked: str, callback: Callback) -> str:
    assert callback.struct is not None
    assert callback.has_info
    copy = "".join(_copies(catalogue.layouts[asked], catalogue.layouts[callback.struct]))
    arguments = "&f, &e, id, true" if callback.has_id else "&f, &e"
    return (
        f"{{ {_cpp(callback.struct)} f{{}}; {copy}"
        f'tell("{callback.name}", [&](Spi *s) {{ s->{callback.name}({arguments}); }}); }}'
    )


def _copies(source: Layout, target: Layout) -> Iterator[str]:
    """Statements that copy what both structs have, as a counter does in its refusals."""
    same = {(field.name, field.kind, field.size) for field in source.fields}
    for field in target.fields:
        if (field.name, field.kind, field.size) in same:
            yield _copy(field)


def _copy(field: Field) -> str:
    if field.kind == "s":
        return f"put(f.{field.name}, q.{field.name}); "
    return f"f.{field.name} = q.{field.name}; "


def _default(reply: Callback, request: Request) -> str:
    """What a request that nobody models answers: a query nothing, an action its own data."""
    assert reply.struct is not None
    if request.is_query or not reply.has_info:
        return (
            f'(void)q; answered(); tell("{reply.name}", '
            f"[&](Spi *s) {{ s->{reply.name}(nullptr, nullptr, id, true); }});"
        )
    struct = _cpp(reply.struct)
    echo = "f = q;" if reply.struct == request.struct else "(void)q;"
    return (
        f"{struct} f{{}}; {echo} CThostFtdcRspInfoField e = fine(); "
        f'tell("{reply.name}", [&](Spi *s) {{ s->{reply.name}(&f, &e, id, true); }});'
    )


def _callback_types(callback: Callback) -> Iterator[str]:
    if callback.struct is not None:
        yield f"{_cpp(callback.struct)} *"
    if callback.has_info:
        yield "CThostFtdcRspInfoField *"
    if callback.has_id:
        yield "int"
        yield "bool"
    if callback.number is not None:
        yield "int"


def _raised(callback: Callback) -> Iterator[str]:
    if callback.struct is not None:
        yield f"r.field.as<{_cpp(callback.struct)}>()"
    if callback.has_info:
        yield "r.info.as<CThostFtdcRspInfoField>()"
    if callback.has_id:
        yield "r.id"
        yield "r.last"
    if callback.number is not None:
        yield "r.id"


def _cpp(struct: str) -> str:
    return f"CThostFtdc{struct}Field"


if __name__ == "__main__":
    main()
