"""CSV files of ticks: what a vendor may write, and what a file must not do to us."""

from __future__ import annotations

import csv
import gzip
import io
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.ticks.store import TickStore
from replay.address import Address
from replay.columns import LAYOUTS, column_of, header_of
from replay.convert import Report, convert
from replay.csv_files import CsvError, CsvFile, day_in_name, instrument_in_name
from replay.folder import FolderError, check, prepare
from replay.rows import Row, RowError, RowReader
from schemas import catalogue as catalogues
from schemas.calendar import exchange_calendar
from schemas.codec import Value
from tests.support.recording import DAY, NINE_NS, tick

CATALOGUE = catalogues.load()
CODEC = CATALOGUE.codec("DepthMarketData")
CHINESE = (
    "交易日,合约代码,交易所代码,合约在交易所的代码,最新价,上次结算价,昨收盘,昨持仓量,今开盘,最高价,最低价,"
    "数量,成交金额,持仓量,今收盘,本次结算价,涨停板价,跌停板价,昨虚实度,今虚实度,最后修改时间,最后修改毫秒,"
    "申买价一,申买量一,申卖价一,申卖量一,申买价二,申买量二,申卖价二,申卖量二,申买价三,申买量三,申卖价三,申卖量三,"
    "申买价四,申买量四,申卖价四,申卖量四,申买价五,申买量五,申卖价五,申卖量五,当日均价,业务日期"
)
VNPY = "symbol,exchange,datetime,name,volume,last_price,bid_price_1,ask_price_1,limit_up,localtime"


def read_all(folder: Path, *files: Path, day: str = "", layout: str = "") -> Report:
    calendar = exchange_calendar()
    return convert(list(files), folder, day, layout, CATALOGUE, calendar)


def ticks(folder: Path, name: str = "rb2601", day: str = DAY) -> list[dict[str, Value]]:
    found = []
    for reader in TickStore(folder).readers(day, name):
        with reader:
            found += [CODEC.unpack(record.body) for record in reader.records()]
    return found


def row(header: str, line: str) -> Row:
    columns = header_of(header.split(","))
    assert columns is not None
    return RowReader(columns, CODEC, exchange_calendar()).read(line.split(","))


def values(header: str, line: str) -> dict[str, Value]:
    return CODEC.unpack(row(header, line).body)


def test_the_chinese_header_names_the_fields_in_the_order_of_ctp() -> None:
    assert header_of(CHINESE.split(",")) == LAYOUTS["ctp"]


def test_every_field_of_the_struct_is_known_by_its_own_name() -> None:
    names = [field.name for field in CODEC.layout.fields]
    known = [name for name in names if not name.startswith("reserve")]
    assert [column_of(name) for name in known] == known
    assert [column_of(name.upper()) for name in known] == known


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("packed", [False, True])
def test_chinese_files_in_any_encoding(tmp_path: Path, encoding: str, packed: bool) -> None:
    cells = [DAY, "rb2601", "", "", "3500.5", *[""] * 6, "7", "", "1.7976931348623157e+308"]
    cells += [""] * (len(LAYOUTS["ctp"]) - len(cells))
    cells[20:23], cells[-1] = ["09:00:00", "500", "3500"], DAY
    raw = (CHINESE + "\r\n" + ",".join(cells) + "\r\n").encode(encoding)
    path = tmp_path / ("rb.csv.gz" if packed else "rb.csv")
    path.write_bytes(gzip.compress(raw) if packed else raw)
    assert read_all(tmp_path / "out", path).ticks == 1
    (found,) = ticks(tmp_path / "out")
    assert (found["LastPrice"], found["Volume"], found["BidPrice1"]) == (3500.5, 7, 3500.0)
    assert found["OpenInterest"] is None and found["HighestPrice"] is None


def test_vnpy_s_columns_and_its_moments() -> None:
    line = "rb2601,SHFE,2026-11-20 21:00:01.500000+08:00,螺纹,12,3501.0,3500,3502,3900,x"
    found = row(VNPY, line)
    tick = CODEC.unpack(found.body)
    assert (found.instrument, found.day) == ("rb2601", DAY), "Friday's night is Monday's"
    assert (tick["ActionDay"], tick["UpdateTime"]) == ("20261120", "21:00:01")
    assert (tick["UpdateMillisec"], tick["UpperLimitPrice"]) == (500, 3900.0)
    utc = row(VNPY, line.replace("21:00:01.500000+08:00", "13:00:01.500000Z"))
    assert utc.recv_ns == found.recv_ns


def test_the_order_of_columns_is_free_and_symbols_may_have_their_exchange() -> None:
    header = "LastPrice,vt_symbol,UpdateTime,TradingDay"
    found = values(header, f"3500,rb2601.SHFE,9:00:00,{DAY[:4]}-11-23")
    assert (found["InstrumentID"], found["ExchangeID"]) == ("rb2601", "SHFE")
    assert (found["UpdateTime"], found["TradingDay"]) == ("09:00:00", DAY)


@pytest.mark.parametrize(
    ("name", "action", "clock", "day", "offset_s"),
    [
        ("rb2601", "20261120", "21:00:00", DAY, -60 * 3600),  # SHFE: the true date
        ("m2601", DAY, "21:00:00", DAY, -60 * 3600),  # DCE: the trading day in both
        ("rb2601", DAY, "09:00:00", DAY, 0),
        ("SR601", DAY, "09:00:00", DAY, 0),
    ],
)
def test_times_follow_the_habits_of_the_exchanges(
    name: str, action: str, clock: str, day: str, offset_s: int
) -> None:
    found = row(
        "TradingDay,InstrumentID,LastPrice,UpdateTime,ActionDay", f"{DAY},{name},1,{clock},{action}"
    )
    assert (found.day, found.recv_ns) == (day, NINE_NS + offset_s * 1_000_000_000)


def test_czce_writes_the_natural_day() -> None:
    header = "TradingDay,InstrumentID,LastPrice,UpdateTime,ActionDay"
    found = row(header, "20261120,SR601,1,21:00:00,20261120")
    assert found.day == DAY


@pytest.mark.parametrize(
    "line",
    [
        "rb2601",
        f"{DAY},rb2601,x,09:00:00,",
        f"{DAY},,3500,09:00:00,",
        f"{DAY},a/b,3500,09:00:00,",
        f"{DAY},rb2601,3500,25:00:00,",
        f"{DAY},rb2601,3500,,",
        "20261332,rb2601,3500,09:00:00,",
        f"{DAY},{'r' * 81},3500,09:00:00,",
        f"{DAY},\u263a,3500,09:00:00,\ufffd",
    ],
)
def test_what_is_no_tick_is_said(line: str) -> None:
    header = "TradingDay,InstrumentID,LastPrice,UpdateTime,ExchangeInstID"
    assert row(header, f"{DAY},rb2601,3500,09:00:00,").day == DAY
    with pytest.raises(RowError):
        row(header, line)


def test_bad_lines_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    path = tmp_path / "rb2601.csv"
    lines = ["TradingDay,LastPrice,UpdateTime"]
    lines += [f"{DAY},{n if n % 3 else 'x'},09:00:{n % 60:02}" for n in range(60)]
    lines += ['"stray,1', "y" * 70_000, f"{DAY},1,09:01:00"]
    path.write_text("\n".join(lines))
    report = read_all(tmp_path / "out", path)
    assert (report.ticks, report.bad, len(report.named)) == (41, 22, 10)
    assert report.named[0] == "rb2601.csv:2: LastPrice is no number"
    assert len(ticks(tmp_path / "out")) == 41


def test_a_file_that_breaks_off_keeps_what_it_had(tmp_path: Path) -> None:
    lines = [f"{DAY},{n},09:00:{n % 60:02}" for n in range(5000)]
    raw = gzip.compress("\n".join(["TradingDay,LastPrice,UpdateTime", *lines]).encode())
    (tmp_path / "rb2601.csv.gz").write_bytes(raw[:-200])
    report = read_all(tmp_path / "out", tmp_path / "rb2601.csv.gz")
    assert report.ticks > 100 and report.bad == 1
    assert "breaks off" in report.named[0]


def test_lines_are_put_in_the_order_of_their_times(tmp_path: Path) -> None:
    path = tmp_path / "rb2601.csv"
    clocks = [("20261123", "09:00:00"), ("20261120", "21:00:00"), ("20261123", "08:59:00")]
    lines = [f"{DAY},{day},1,{clock}" for day, clock in clocks]
    path.write_text("\n".join(["TradingDay,ActionDay,LastPrice,UpdateTime", *lines]))
    read_all(tmp_path / "out", path)
    assert [t["UpdateTime"] for t in ticks(tmp_path / "out")] == [
        "21:00:00",
        "08:59:00",
        "09:00:00",
    ]
    assert [path.name for path in (tmp_path / "out").iterdir()] == [DAY]


def test_a_file_without_a_header_needs_a_layout(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"{DAY},rb2601,,,3500,{',' * 14},09:00:00,0{',' * 22}\n")
    with pytest.raises(CsvError, match="no header that is known; say layout"):
        CsvFile(path)
    assert read_all(tmp_path / "out", path, layout="ctp").ticks == 1
    assert ticks(tmp_path / "out")[0]["LastPrice"] == 3500.0
    with pytest.raises(ValueError, match="neither one of ctp nor names"):
        CsvFile(path, "sina")
    columns = CsvFile(path, "TradingDay,InstrumentID,,,LastPrice").columns
    assert columns == ("TradingDay", "InstrumentID", "", "", "LastPrice")


def test_names_of_files_tell_day_and_instrument() -> None:
    for name in ("rb2601_20261123.csv", "20261123/rb2601.csv.gz", "SHFE/rb2601-20261123.csv"):
        assert (day_in_name(Path(name)), instrument_in_name(Path(name))) == (DAY, "rb2601")
    assert day_in_name(Path("ticks/rb2601.csv")) == ""


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_no_bytes_make_it_fail(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    folder = tmp_path_factory.mktemp("csv")
    path = folder / "rb2601.csv"
    path.write_bytes(b"TradingDay,LastPrice,UpdateTime,Volume\n" + raw)
    report = read_all(folder / "out", path)
    assert report.ticks + report.bad <= raw.count(b"\n") + 1


CELLS = st.text("0123456789.-+:eExna ,é\ufffd买\0", max_size=12)


@settings(max_examples=300)
@given(st.lists(CELLS, min_size=5, max_size=5))
def test_no_cells_make_it_fail(cells: list[str]) -> None:
    columns = ("TradingDay", "LastPrice", "DateTime", "Volume", "RecvNs")
    reader = RowReader(columns, CODEC, exchange_calendar(), "rb2601")
    try:
        found = reader.read(cells)
    except RowError:
        return
    assert len(found.body) == CODEC.size and 0 <= found.recv_ns < 2**63


PRICES = st.one_of(st.none(), st.floats(-1e12, 1e12).map(lambda value: value + 0.0))


@given(
    st.fixed_dictionaries(dict.fromkeys(("LastPrice", "AskPrice5", "PreDelta"), PRICES)),
    st.integers(0, 2**31 - 1),
    st.integers(0, 80_000),
)
def test_what_is_written_comes_back(prices: dict[str, Any], volume: int, number: int) -> None:
    body = tick("rb2601", number % 20_000, Volume=volume, **prices)
    unpacked = CODEC.unpack(body)
    text = io.StringIO()
    csv.writer(text).writerows([["recv_ns", *unpacked], [NINE_NS + number, *unpacked.values()]])
    header, line = text.getvalue().splitlines()
    again = row(header, line)
    assert again == Row(DAY, "rb2601", NINE_NS + number, body)


def test_days_of_files_that_do_not_tell_them_are_those_of_the_calendar(tmp_path: Path) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    line = "rb2601,SHFE,2026-11-21 10:00:00.000000+08:00,螺纹,12,3501.0,3500,3502,3900,x"
    (folder / "rb2601.csv").write_text(f"{VNPY}\n{line}\n")
    work = tmp_path / "work"
    file = tmp_path / "calendar.yaml"
    file.write_text("holidays: {2026: [11-23]}\n")
    day = prepare(Address(folder, calendar=str(file)), CATALOGUE, work, lambda: False).day
    assert day == "20261124"
    assert prepare(Address(folder), CATALOGUE, work, lambda: False).day == DAY
    with pytest.raises(FolderError, match="nowhere"):
        check(str(Address(folder, calendar="nowhere")))


def test_a_file_s_name_may_be_in_gbk(tmp_path: Path) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    path = folder / os.fsdecode("螺纹.csv".encode("gbk"))
    lines = ["InstrumentID,TradingDay,LastPrice,UpdateTime", f"rb2601,{DAY},1,09:00:00", "x"]
    path.write_text("\n".join(lines))
    for _ in ("read", "remembered"):
        ready = prepare(Address(folder), CATALOGUE, tmp_path / "work", lambda: False)
        assert ready.day == DAY
    assert len(ticks(ready.ticks)) == 1
    path.write_text("x\n")
    with pytest.raises(CsvError) as caught:
        prepare(Address(folder), CATALOGUE, tmp_path / "work", lambda: False)
    str(caught.value).encode()
