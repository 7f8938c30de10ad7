"""The tables and examples of bus/PROTOCOL.md, both languages, against the code."""

from __future__ import annotations

import os
import re
import zlib
from typing import Final

import msgspec
import pytest

from bus import history
from bus.answers import MOST_ROWS, Answer
from bus.beats import BEAT_S, SILENT_S
from bus.frames import HEADER, ROW_HEADER, Flag, Row, message_type, pack_row, tick_topic
from bus.orders import Outcome
from bus.publisher import HIGH_WATER
from bus.roles import VERBS
from bus.rpc import Call, ErrorBody
from bus.stats import Stat
from md_worker.config import MdConfig
from recorder.history.turns import MOST_OF_CALLER
from schemas import catalogue
from td_worker.verbs import NAMES as TD_VERBS
from tests.support.buslink import OWN
from tests.support.protocol import PAGES, Document

EPOCH, SEQ = 1_763_756_000, 513
RECV_NS, SENT_NS = 1_763_756_001_000_000_000, 1_763_756_002_000_000_000
CALL: Final = Call(
    7, "Snapshot", 1_763_756_001_000_000_000, body=msgspec.msgpack.encode(["rb2701"])
)


@pytest.fixture(params=PAGES)
def document(request: pytest.FixtureRequest) -> Document:
    return Document.read(request.param)


def test_both_languages_have_the_same_marks() -> None:
    pages = [Document.read(name).text for name in PAGES]
    marks = [re.findall(r"<!-- .* -->", page) for page in pages]
    assert marks[0] == marks[1]
    assert [page.count("\n## ") for page in pages] == [9, 9]


def test_the_headers_are_those_of_the_code(document: Document) -> None:
    assert document.struct("header").format == HEADER.format
    assert document.struct("row").format == ROW_HEADER.format
    assert document.keys("row") == list(Row._fields[:-1])
    assert f"{HEADER.size} " in document.text
    assert f"{ROW_HEADER.size} " in document.text


def test_the_flags_are_those_of_the_code(document: Document) -> None:
    told = {name: int(bit) for name, bit, _ in document.table("flags")}
    assert told == {name: bit for name, bit in vars(Flag).items() if name.isupper()}


def test_each_type_is_the_number_that_the_page_tells_how_to_compute(document: Document) -> None:
    told = {name: int(number, 16) for name, number, _ in document.table("types")}
    assert told == {name: zlib.crc32(name.encode()) & 0xFFFF for name in told}
    assert told == {name: message_type(name) for name in told}
    own = set(OWN) - {"SetCancelOnDisconnect", "SetKillSwitch"}  # rows named as their verbs
    assert own <= told.keys()


def test_the_structs_of_the_types_are_those_of_the_callbacks(document: Document) -> None:
    bodies = {name: body for name, _, body in document.table("types")}
    loaded = catalogue.load()
    callbacks = {**loaded.md.callbacks, **loaded.td.callbacks}
    for name in bodies.keys() & callbacks.keys():
        if (short := callbacks[name].struct) is not None:
            assert f"`CThostFtdc{short}Field`" in bodies[name]
            assert ("RspInfo" in bodies[name]) == callbacks[name].has_info


def test_the_offsets_are_those_of_the_binding(document: Document) -> None:
    loaded = catalogue.load()
    if loaded.layout_id != 0x670B:
        assert os.environ.get("CI") != "true", "CI has the binding that the page is about"
        pytest.skip("the page is about 6.7.11")
    layout = loaded.layouts["DepthMarketData"]
    fields = {field.name: (field.offset, field.size) for field in layout.fields}
    told = {name: (int(offset), int(size)) for name, offset, size in document.table("offsets")}
    assert told == {name: fields[name] for name in told}
    assert f"{layout.size} " in document.text
    assert f"{loaded.layouts['RspInfo'].size} " in document.text


def test_the_dump_of_a_beat_is_read_by_the_documented_offsets(document: Document) -> None:
    header = HEADER.pack(EPOCH, SEQ, RECV_NS, SENT_NS, message_type("Beat"), 0x670B, Flag.LOCAL)
    dump = document.dump("beat")
    assert dump == tick_topic("rb2701").encode() + b"\0" + header
    begin = dump.index(0) + 1
    fields = document.struct("header").unpack_from(dump, begin)
    assert fields == (EPOCH, SEQ, RECV_NS, SENT_NS, message_type("Beat"), 0x670B, 16)


def test_the_call_is_as_documented(document: Document) -> None:
    names = document.keys("call")
    assert names == list(Call.__struct_fields__)
    assert document.dump("call") == msgspec.msgpack.encode(
        (7, "Snapshot", 1_763_756_001_000_000_000, b"", 0, CALL.body)
    )
    assert msgspec.msgpack.decode(document.dump("call"), type=Call) == CALL


def test_the_dump_of_an_error_row_is_read_by_the_documented_offsets(document: Document) -> None:
    body = msgspec.msgpack.encode(ErrorBody(-1, "CTP:请求失败", "too late"))
    flags = Flag.LOCAL | Flag.MSGPACK | Flag.LAST
    row = Row(7, 0, 0, message_type("Error"), 0x670B, flags, body)
    dump = document.dump("error")
    assert dump == pack_row(row)
    layout = document.struct("row")
    assert layout.unpack_from(dump) == row[:6]
    told = msgspec.msgpack.decode(dump[layout.size :])
    assert told == {"error_id": -1, "error_msg": "CTP:请求失败", "detail": "too late"}


def test_the_outcome_has_the_documented_keys(document: Document) -> None:
    assert sorted(document.keys("outcome")) == sorted(Outcome.__struct_fields__)


def test_the_answer_has_the_documented_keys(document: Document) -> None:
    assert sorted(document.keys("answer")) == sorted(Answer.__struct_fields__)
    assert f" {MOST_ROWS} " in document.text


def test_the_figures_have_the_documented_keys(document: Document) -> None:
    assert sorted(document.keys("stat")) == sorted(Stat.__struct_fields__)
    assert " 76 " in document.text


def test_the_verbs_of_td_worker_are_all_there(document: Document) -> None:
    own = {name for name in document.keys("verbs: td") if not name.startswith("Req")}
    assert own == TD_VERBS | {"State", "Attach", "Detach", "Returns"}


def test_the_table_of_roles_is_that_of_the_code(document: Document) -> None:
    told = {}
    for role, *cells in document.table("roles"):
        verbs = [tuple(cell.replace("\\*", "*").split(", ")) if cell else () for cell in cells]
        told[role] = dict(zip(("md_rpc", "td_rpc", "rec_rpc"), verbs, strict=True))
    empty: tuple[str, ...] = ()
    assert told == {
        role: {socket: verbs.get(socket, empty) for socket in ("md_rpc", "td_rpc", "rec_rpc")}
        for role, verbs in VERBS.items()
    }


def test_the_verbs_of_the_recorder_are_all_there(document: Document) -> None:
    bodies = {method: body for method, body, _ in document.table("verbs: recorder")}
    streams = {"State", "Streams", "StartStream, StopStream"}
    assert bodies.keys() == history.VERBS | streams
    for name in history.VERBS:
        struct = getattr(history, name)
        assert bodies[name] == f"map `{{{', '.join(struct.__struct_fields__)}}}`"
    assert document.keys("tick block") == list(history.TickBlock.__struct_fields__)
    answers = {name: body for name, _, body in document.table("types")}
    for name in ("Events", "Answers"):
        assert ", ".join(history.Page.__struct_fields__) in answers[name]
    assert ", ".join(history.TicksEnd.__struct_fields__) in answers["Ticks"]
    for bound in (history.MOST_EVENTS, history.MOST_ANSWERS, MOST_OF_CALLER):
        assert re.search(rf"\b{bound}\b", document.text)


def test_the_times_and_bounds_are_those_of_the_code(document: Document) -> None:
    for number in (f"{BEAT_S} s", f"{SILENT_S:.0f} s", str(HIGH_WATER), "1 MiB"):
        assert number in document.text, number
    keep = next(f for f in msgspec.structs.fields(MdConfig) if f.name == "keep_ticks").default
    assert re.search(rf"[(（]{keep}[)）]", document.text)
