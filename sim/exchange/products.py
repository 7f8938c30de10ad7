"""The futures and options products of the six Chinese futures exchanges.

Codes, names, multipliers, price ticks, listing months and night sessions follow the contract
specifications of the exchanges; margins, fees and price bands are of their usual size. The
reference prices are only where the simulated market starts.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Final, NamedTuple

Session = tuple[str, str]
"""Opening and closing time of day, ``("09:00", "10:15")``; a close before the open is past
midnight."""

COMMODITY_DAY: Final[tuple[Session, ...]] = (
    ("09:00", "10:15"),
    ("10:30", "11:30"),
    ("13:30", "15:00"),
)
INDEX_DAY: Final[tuple[Session, ...]] = (("09:30", "11:30"), ("13:00", "15:00"))
BOND_DAY: Final[tuple[Session, ...]] = (("09:30", "11:30"), ("13:00", "15:15"))


class Fee(NamedTuple):
    """A commission: a share of the turnover, and yuan per lot."""

    by_money: float
    by_volume: float


@dataclass(frozen=True, slots=True)
class Product:
    """What all contracts of one futures product share."""

    code: str
    name: str
    exchange: str
    multiplier: int
    tick: Fraction
    price: float
    limit_ratio: float
    margin_ratio: float
    open_fee: Fee
    close_fee: Fee
    close_today_fee: Fee
    sessions: tuple[Session, ...]
    months: str
    """Which months are listed, see ``instruments.listed_months``."""


@dataclass(frozen=True, slots=True)
class OptionProduct:
    """The options on one future or index."""

    code: str
    """Prefix of the contracts' codes; the underlying product's code but for index options."""
    product_ids: tuple[str, str]
    """CTP's ProductID of calls and of puts."""
    name: str
    exchange: str
    underlying: str
    """Product code of the underlying future, or the InstrumentID of the underlying index."""
    multiplier: int
    tick: Fraction
    strike_step: int
    fee: Fee
    margin_ratio: float


# code name exchange multiplier tick price limit% margin% open close close-today night months
# Fees: "0.5w" is 0.5 per 10,000 of the turnover, "3" is 3 yuan a lot. Night: the closing time.
_FUTURES: Final = """
cu 铜 SHFE 5 10 79000 9 10 0.5w 0.5w 1w 01:00 12
al 铝 SHFE 5 5 20500 8 9 3 3 3 01:00 12
zn 锌 SHFE 5 5 22500 8 9 3 3 0 01:00 12
pb 铅 SHFE 5 5 17000 8 9 0.4w 0.4w 0 01:00 12
ni 镍 SHFE 1 10 122000 10 12 3 3 3 01:00 12
sn 锡 SHFE 1 10 265000 10 12 3 3 3 01:00 12
ao 氧化铝 SHFE 20 1 3100 8 9 1w 1w 1w 01:00 12
ad 铸造铝合金 SHFE 10 5 20000 7 8 1w 1w 0 01:00 12
au 黄金 SHFE 1000 0.02 780 10 12 10 10 0 02:30 even
ag 白银 SHFE 15 1 9500 12 14 0.5w 0.5w 0.5w 02:30 12
rb 螺纹钢 SHFE 10 1 3100 6 7 1w 1w 1w 23:00 12
wr 线材 SHFE 10 1 3300 7 9 0.4w 0.4w 0 - 12
hc 热轧卷板 SHFE 10 1 3250 6 7 1w 1w 1w 23:00 12
ss 不锈钢 SHFE 5 5 12800 7 8 2 2 0 01:00 12
fu 燃料油 SHFE 10 1 2850 10 12 0.1w 0.1w 0.1w 23:00 12
bu 石油沥青 SHFE 10 1 3500 9 11 0.5w 0.5w 0 23:00 q6
br 丁二烯橡胶 SHFE 5 5 11500 9 11 0.2w 0.2w 0.2w 23:00 12
ru 天然橡胶 SHFE 10 5 15500 8 10 3 3 0 23:00 1,3,4,5,6,7,8,9,10,11
sp 漂针浆 SHFE 10 2 5200 7 8 0.5w 0.5w 0 23:00 12
op 胶版印刷纸 SHFE 40 2 4200 7 8 1w 1w 0 23:00 12
sc 原油 INE 1000 0.1 490 10 12 20 20 0 02:30 12
lu 低硫燃料油 INE 10 1 3450 10 12 0.1w 0.1w 0.1w 23:00 12
nr 20号胶 INE 10 5 12500 8 10 0.2w 0.2w 0.2w 23:00 12
bc 国际铜 INE 5 10 70000 9 10 0.1w 0.1w 0 01:00 12
ec 集运指数(欧线) INE 50 0.1 1600 16 18 6w 6w 12w - even
a 黄大豆1号 DCE 10 1 4000 7 8 2 2 2 23:00 odd
b 黄大豆2号 DCE 10 1 3700 7 8 1 1 1 23:00 12
m 豆粕 DCE 10 1 3000 6 7 1.5 1.5 1.5 23:00 1,3,5,7,8,9,11,12
y 豆油 DCE 10 2 8200 6 7 2.5 2.5 2.5 23:00 1,3,5,7,8,9,11,12
p 棕榈油 DCE 10 2 9000 8 10 2.5 2.5 2.5 23:00 12
c 玉米 DCE 10 1 2300 6 7 1.2 1.2 1.2 23:00 odd
cs 玉米淀粉 DCE 10 1 2650 6 7 1.5 1.5 1.5 23:00 odd
rr 粳米 DCE 10 1 3500 5 6 1 1 1 23:00 12
jd 鸡蛋 DCE 10 1 3200 7 8 1.5w 1.5w 1.5w - 12
lh 生猪 DCE 16 5 13800 7 8 1w 1w 2w - odd
l 聚乙烯 DCE 5 1 7200 6 7 1 1 1 23:00 12
v 聚氯乙烯 DCE 5 1 5000 6 7 1 1 1 23:00 12
pp 聚丙烯 DCE 5 1 7000 6 7 1 1 1 23:00 12
eg 乙二醇 DCE 10 1 4400 7 8 3 3 3 23:00 12
eb 苯乙烯 DCE 5 1 7300 7 8 3 3 3 23:00 12
pg 液化石油气 DCE 20 1 4400 7 8 6 6 6 23:00 12
i 铁矿石 DCE 100 0.5 780 9 11 1w 1w 1w 23:00 12
j 焦炭 DCE 100 0.5 1600 9 15 1w 1w 1.4w 23:00 12
jm 焦煤 DCE 60 0.5 1100 9 15 1w 1w 1.4w 23:00 12
fb 纤维板 DCE 10 0.5 1300 7 8 1w 1w 0.5w - 12
bb 胶合板 DCE 500 0.05 250 7 40 1w 1w 0.5w - 12
lg 原木 DCE 90 0.5 800 7 8 1w 1w 1w - odd
bz 纯苯 DCE 30 1 6000 7 8 1w 1w 1w 23:00 12
SR 白糖 CZCE 10 1 5700 6 7 3 3 0 23:00 odd
CF 棉花 CZCE 5 5 13700 6 7 4.3 4.3 0 23:00 odd
CY 棉纱 CZCE 5 5 20000 6 7 1 1 0 23:00 12
TA PTA CZCE 5 2 4700 6 7 3 3 0 23:00 12
MA 甲醇 CZCE 10 1 2400 7 8 1w 1w 1w 23:00 12
FG 玻璃 CZCE 20 1 1150 8 9 6 6 6 23:00 12
SA 纯碱 CZCE 20 1 1250 8 9 2w 2w 2w 23:00 12
UR 尿素 CZCE 20 1 1750 7 8 1w 1w 1w - 12
RM 菜籽粕 CZCE 10 1 2550 7 9 1.5 1.5 1.5 23:00 1,3,5,7,8,9,11
OI 菜籽油 CZCE 10 1 9500 7 9 2 2 2 23:00 odd
RS 油菜籽 CZCE 10 1 6000 10 20 2 2 2 - 7,8,9,11
AP 苹果 CZCE 10 1 8000 8 10 5 5 20 - 1,3,4,5,10,11,12
CJ 红枣 CZCE 5 5 10500 8 10 3 3 3 - 1,3,5,7,9,12
PK 花生 CZCE 5 2 8000 7 8 4 4 4 - 1,3,4,10,11,12
SF 硅铁 CZCE 5 2 5600 7 8 3 3 0 - 12
SM 锰硅 CZCE 5 2 5800 7 8 3 3 0 - 12
PF 短纤 CZCE 5 2 6400 6 7 3 3 3 23:00 12
PX 对二甲苯 CZCE 5 2 6700 6 7 1w 1w 1w 23:00 12
SH 烧碱 CZCE 30 1 2500 7 8 1w 1w 1w 23:00 12
PR 瓶片 CZCE 15 2 5900 6 7 0.5w 0.5w 0.5w 23:00 12
PL 丙烯 CZCE 20 1 6300 7 8 1w 1w 1w 23:00 12
WH 优质强筋小麦 CZCE 20 1 2700 6 8 30 30 30 - odd
IF 沪深300 CFFEX 300 0.2 4500 10 12 0.23w 0.23w 2.3w - index
IH 上证50 CFFEX 300 0.2 3000 10 12 0.23w 0.23w 2.3w - index
IC 中证500 CFFEX 200 0.2 7000 10 12 0.23w 0.23w 2.3w - index
IM 中证1000 CFFEX 200 0.2 7200 10 12 0.23w 0.23w 2.3w - index
TS 2年期国债 CFFEX 20000 0.002 102.4 0.5 0.5 3 3 0 - bond
TF 5年期国债 CFFEX 10000 0.005 106 1.2 1 3 3 0 - bond
T 10年期国债 CFFEX 10000 0.005 108.2 2 2 3 3 0 - bond
TL 30年期国债 CFFEX 10000 0.01 118 3.5 3.5 3 3 0 - bond
si 工业硅 GFEX 5 5 8800 8 9 1w 1w 0 - 12
lc 碳酸锂 GFEX 1 20 72000 9 11 0.8w 0.8w 0.8w - 12
ps 多晶硅 GFEX 3 5 50000 9 11 1w 1w 1w - 12
"""

# code call-id put-id name exchange underlying multiplier tick strike-step fee margin%
_OPTIONS: Final = """
cu cu_o cu_o 铜 SHFE cu 5 2 1000 5 10
al al_o al_o 铝 SHFE al 5 1 100 1.5 9
zn zn_o zn_o 锌 SHFE zn 5 1 200 1.5 9
au au_o au_o 黄金 SHFE au 1000 0.02 8 2 12
ag ag_o ag_o 白银 SHFE ag 15 0.5 100 2 14
rb rb_o rb_o 螺纹钢 SHFE rb 10 0.5 50 2 7
ru ru_o ru_o 天然橡胶 SHFE ru 10 1 250 3 10
sc sc_o sc_o 原油 INE sc 1000 0.05 10 10 12
m m_o m_o 豆粕 DCE m 10 0.5 50 1 7
y y_o y_o 豆油 DCE y 10 0.5 100 0.5 7
p p_o p_o 棕榈油 DCE p 10 0.5 100 0.5 10
c c_o c_o 玉米 DCE c 10 0.5 20 0.6 7
i i_o i_o 铁矿石 DCE i 100 0.1 10 2 11
pp pp_o pp_o 聚丙烯 DCE pp 5 0.5 100 0.5 7
SR SRC SRP 白糖 CZCE SR 10 0.5 100 1.5 7
CF CFC CFP 棉花 CZCE CF 5 1 200 1.5 7
TA TAC TAP PTA CZCE TA 5 0.5 50 0.5 7
MA MAC MAP 甲醇 CZCE MA 10 0.5 25 0.5 8
RM RMC RMP 菜籽粕 CZCE RM 10 0.5 25 0.8 9
SA SAC SAP 纯碱 CZCE SA 20 0.5 20 1 9
IO IO IO 沪深300股指 CFFEX 000300 100 0.2 50 15 12
HO HO HO 上证50股指 CFFEX 000016 100 0.2 50 15 12
MO MO MO 中证1000股指 CFFEX 000852 100 0.2 100 15 12
si si_o si_o 工业硅 GFEX si 5 1 100 2 9
lc lc_o lc_o 碳酸锂 GFEX lc 1 20 1000 3 11
"""


def _fee(spec: str) -> Fee:
    if spec.endswith("w"):
        return Fee(float(Fraction(spec[:-1]) / 10_000), 0.0)
    return Fee(0.0, float(spec))


def _sessions(night: str, months: str) -> tuple[Session, ...]:
    if months == "index":
        return INDEX_DAY
    if months == "bond":
        return BOND_DAY
    return COMMODITY_DAY if night == "-" else (("21:00", night), *COMMODITY_DAY)


def _future(line: str) -> Product:
    (code, name, exchange, multiplier, tick, price, limit, margin, *fees, night, months) = (
        line.split()
    )
    opening, closing, closing_today = map(_fee, fees)
    return Product(
        code=code,
        name=name,
        exchange=exchange,
        multiplier=int(multiplier),
        tick=Fraction(tick),
        price=float(price),
        limit_ratio=float(Fraction(limit) / 100),
        margin_ratio=float(Fraction(margin) / 100),
        open_fee=opening,
        close_fee=closing,
        close_today_fee=closing_today,
        sessions=_sessions(night, months),
        months=months,
    )


def _option(line: str) -> OptionProduct:
    code, call, put, name, exchange, underlying, multiplier, tick, step, fee, margin = line.split()
    return OptionProduct(
        code=code,
        product_ids=(call, put),
        name=f"{name}期权",
        exchange=exchange,
        underlying=underlying,
        multiplier=int(multiplier),
        tick=Fraction(tick),
        strike_step=int(step),
        fee=_fee(fee),
        margin_ratio=float(Fraction(margin) / 100),
    )


@cache
def futures() -> dict[str, Product]:
    """Futures products by code."""
    return {p.code: p for p in map(_future, _FUTURES.strip().splitlines())}


@cache
def options() -> tuple[OptionProduct, ...]:
    return tuple(map(_option, _OPTIONS.strip().splitlines()))


EXCHANGES: Final[dict[str, str]] = {
    "SHFE": "上海期货交易所",
    "INE": "上海国际能源交易中心",
    "DCE": "大连商品交易所",
    "CZCE": "郑州商品交易所",
    "CFFEX": "中国金融期货交易所",
    "GFEX": "广州期货交易所",
    "SSE": "上海证券交易所",
    "SZSE": "深圳证券交易所",
}
"""Every ExchangeID that occurs, with its name."""

TODAY_EXCHANGES: Final = frozenset({"SHFE", "INE"})
"""They keep today's and history's positions apart and know close-today and close-yesterday."""

STOCK_EXCHANGES: Final = frozenset({"SSE", "SZSE"})
