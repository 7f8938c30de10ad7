"""Headers of CSV files of ticks: which field of CTP's struct a column holds.

Names are compared without case, spaces, "_", "-" and brackets, so ``bid_price_1``, ``BidPrice1``
and ``bidPrice1`` are one. Four columns are no field of the struct:

    RecvNs    Unix time in ns at which the tick was received
    DateTime  date and time of day in one; with an offset from UTC, or else Beijing's
    Symbol    the instrument with its exchange, rb2610.SHFE or SHFE.rb2610
    Ignored   known, and of no use here
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

RECV_NS, DATE_TIME, SYMBOL, IGNORED = "RecvNs", "DateTime", "Symbol", "Ignored"

_PLAIN: Final = (
    *("TradingDay", "InstrumentID", "ExchangeID", "ExchangeInstID", "LastPrice"),
    *("PreSettlementPrice", "PreClosePrice", "PreOpenInterest", "OpenPrice", "HighestPrice"),
    *("LowestPrice", "Volume", "Turnover", "OpenInterest", "ClosePrice", "SettlementPrice"),
    *("UpperLimitPrice", "LowerLimitPrice", "PreDelta", "CurrDelta", "UpdateTime"),
    "UpdateMillisec",
)
_BOOK: Final = tuple(
    f"{side}{what}{level}"
    for level in range(1, 6)
    for side in ("Bid", "Ask")
    for what in ("Price", "Volume")
)
# The columns of files without a header, by the name of the option ``layout``. "ctp" is the order in
# which CTP's headers declared the struct before 6.5, and in which most files are still written.
LAYOUTS: Final[dict[str, tuple[str, ...]]] = {
    "ctp": (*_PLAIN, *_BOOK, "AveragePrice", "ActionDay"),
}
_SYNONYMS: Final = """
TradingDay          交易日 交易日期 tradedate tradingdate
ActionDay           业务日期 自然日 日期 发生日期 date actiondate
UpdateTime          最后修改时间 更新时间 时间 行情时间 time
UpdateMillisec      最后修改毫秒 更新毫秒 毫秒 毫秒数 millisec milliseconds ms
InstrumentID        合约代码 合约 合约编号 代码 instrument contract code
ExchangeID          交易所代码 交易所 市场代码 exchange market
ExchangeInstID      合约在交易所的代码 交易所合约代码
LastPrice           最新价 最新 现价 成交价 last price
PreSettlementPrice  上次结算价 昨结算 昨结算价 昨结 presettlement presettle
PreClosePrice       昨收盘 昨收盘价 昨收 preclose
PreOpenInterest     昨持仓量 昨持仓
OpenPrice           今开盘 今开盘价 开盘价 今开 open
HighestPrice        最高价 最高 high highest highprice
LowestPrice         最低价 最低 low lowest lowprice
Volume              数量 成交量 总成交量 累计成交量 总量 vol
Turnover            成交金额 成交额 总成交额 累计成交额 amount
OpenInterest        持仓量 持仓 总持仓 总持仓量 position oi
ClosePrice          今收盘 今收盘价 收盘价 close
SettlementPrice     本次结算价 今结算价 结算价 今结算 settlement settle
UpperLimitPrice     涨停板价 涨停价 涨停 limitup upperlimit
LowerLimitPrice     跌停板价 跌停价 跌停 limitdown lowerlimit
PreDelta            昨虚实度
CurrDelta           今虚实度
AveragePrice        当日均价 均价 平均价 average avgprice
BandingUpperPrice   上带价 波段上限价
BandingLowerPrice   下带价 波段下限价
RecvNs              recvns localtimens 接收时间戳
DateTime            datetime 日期时间 时间戳 timestamp
Symbol              vtsymbol symbol 标的
Ignored             name 名称 合约名称 gatewayname localtime lastvolume lasttime 序号 extra
"""
_DIGITS: Final = "一二三四五"
_NOISE: Final = re.compile(r"[\s_\-()（）\[\].#\ufeff\"']+")


def header_of(cells: list[str]) -> tuple[str, ...] | None:
    """The columns of a header line, "" for one that is not known; None: this is no header."""
    columns = tuple(column_of(cell) for cell in cells)
    known = [column for column in columns if column and column != IGNORED]
    if len(known) < 3 or len(known) != len({*known}) or "LastPrice" not in known:
        return None
    return columns


def column_of(cell: str) -> str:
    """Empty for a name that is not known."""
    return _names().get(_NOISE.sub("", cell).lower(), "")


def layout_of(option: str) -> tuple[str, ...]:
    """Of the option ``layout``. Raises ValueError with one line."""
    if option in LAYOUTS:
        return LAYOUTS[option]
    columns = tuple(column_of(name) for name in option.split(","))
    if "LastPrice" not in columns:
        known = ", ".join(LAYOUTS)
        raise ValueError(f"layout={option} is neither one of {known} nor names of columns")
    return columns


@cache
def _names() -> dict[str, str]:
    names = {name.lower(): name for name in (*_PLAIN, *_BOOK, "AveragePrice", "ActionDay")}
    for line in _SYNONYMS.strip().splitlines():
        column, *synonyms = line.split()
        names[column.lower()] = column
        names |= dict.fromkeys(synonyms, column)
    for side, buy in (("Bid", "买"), ("Ask", "卖")):
        for what, word in (("Price", "价"), ("Volume", "量")):
            for level, digit in enumerate(_DIGITS, 1):
                column = f"{side}{what}{level}"
                for number in (digit, str(level)):
                    names |= dict.fromkeys(
                        (
                            f"申{buy}{word}{number}",
                            f"{buy}{word}{number}",
                            f"{buy}{number}{word}",
                            f"申{buy}{number}{word}",
                        ),
                        column,
                    )
                names[f"{side}{level}{what}".lower()] = column
                names[f"{side}{what[0]}{level}".lower()] = column
                names[f"{side[0]}{level}{what[0]}".lower()] = column
    return names
