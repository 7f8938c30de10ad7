"""Stocks, funds and indexes of the Shanghai and Shenzhen exchanges.

Codes are unique over both exchanges here: 000001 is Ping An Bank on SZSE, not the SSE index of
the same number, and 000003 is the (delisted) SZSE stock that OFX's examples trade.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Final


@dataclass(frozen=True, slots=True)
class Security:
    code: str
    name: str
    exchange: str
    kind: str
    """"stock", "fund", "fund0" (a fund that may be sold on the day it was bought) or "index"."""
    tick: Fraction
    price: float
    limit_ratio: float


_TICKS: Final = {"stock": "0.01", "fund": "0.001", "fund0": "0.001", "index": "0.0001"}

# code name exchange kind price limit%
_SECURITIES: Final = """
000001 平安银行 SZSE stock 11.50 10
000002 万科A SZSE stock 6.60 10
000003 PT金田A SZSE stock 5.20 5
000063 中兴通讯 SZSE stock 39.80 10
000333 美的集团 SZSE stock 76.50 10
000651 格力电器 SZSE stock 40.20 10
000725 京东方A SZSE stock 4.10 10
000858 五粮液 SZSE stock 118.00 10
002230 科大讯飞 SZSE stock 50.60 10
002415 海康威视 SZSE stock 30.80 10
002594 比亚迪 SZSE stock 98.50 10
300014 亿纬锂能 SZSE stock 68.20 20
300059 东方财富 SZSE stock 23.40 20
300359 全通教育 SZSE stock 6.10 20
300750 宁德时代 SZSE stock 385.00 20
300760 迈瑞医疗 SZSE stock 210.00 20
600000 浦发银行 SSE stock 11.80 10
600009 上海机场 SSE stock 32.10 10
600019 宝钢股份 SSE stock 7.20 10
600028 中国石化 SSE stock 5.60 10
600030 中信证券 SSE stock 28.40 10
600036 招商银行 SSE stock 42.60 10
600050 中国联通 SSE stock 5.40 10
600104 上汽集团 SSE stock 15.80 10
600276 恒瑞医药 SSE stock 62.00 10
600519 贵州茅台 SSE stock 1420.00 10
600887 伊利股份 SSE stock 28.90 10
600900 长江电力 SSE stock 28.20 10
601012 隆基绿能 SSE stock 19.60 10
601318 中国平安 SSE stock 58.30 10
601398 工商银行 SSE stock 7.70 10
601857 中国石油 SSE stock 9.50 10
601988 中国银行 SSE stock 5.60 10
688111 金山办公 SSE stock 310.00 20
688981 中芯国际 SSE stock 118.00 20
159915 创业板ETF SZSE fund 3.050 20
159919 沪深300ETF SZSE fund 4.720 10
159941 纳指ETF SZSE fund0 1.320 10
510050 上证50ETF SSE fund 3.110 10
510300 沪深300ETF华泰柏瑞 SSE fund 4.680 10
510500 中证500ETF SSE fund 7.120 10
511010 国债ETF SSE fund0 140.500 10
512880 证券ETF SSE fund 1.180 10
513100 纳指ETF国泰 SSE fund0 1.780 10
518880 黄金ETF SSE fund0 7.950 10
588000 科创50ETF SSE fund 1.460 20
000016 上证50指数 SSE index 3000.0000 10
000300 沪深300指数 SSE index 4500.0000 10
000852 中证1000指数 SSE index 7250.0000 10
000905 中证500指数 SSE index 7050.0000 10
399001 深证成指 SZSE index 13200.0000 10
399006 创业板指 SZSE index 3150.0000 20
"""


def _security(line: str) -> Security:
    code, name, exchange, kind, price, limit = line.split()
    return Security(
        code=code,
        name=name,
        exchange=exchange,
        kind=kind,
        tick=Fraction(_TICKS[kind]),
        price=float(price),
        limit_ratio=float(Fraction(limit) / 100),
    )


@cache
def securities() -> tuple[Security, ...]:
    return tuple(map(_security, _SECURITIES.strip().splitlines()))
