"""The counter's own refusals: CTP's error numbers with CTP's texts.

Source of numbers and texts: the error table that comes with the CTP API.
"""

from typing import Final

TEXTS: Final[dict[int, str]] = {
    0: "CTP:正确",
    2: "CTP:会话信息不一致",
    3: "CTP:不合法的登录",
    6: "CTP:还没有登录",
    9: "CTP:无此权限",
    10: "CTP:修改别人的口令",
    12: "CTP:找不到该经纪公司",
    13: "CTP:找不到投资者",
    14: "CTP:原口令不匹配",
    15: "CTP:报单字段有误",
    16: "CTP:找不到合约",
    17: "CTP:合约不能交易",
    22: "CTP:报单错误：不允许重复报单",
    23: "CTP:错误的报单操作字段",
    25: "CTP:撤单找不到相应报单",
    26: "CTP:报单已全成交或已撤销，不能再撤",
    27: "CTP:不支持的功能",
    30: "CTP:平仓量超过持仓量",
    31: "CTP:资金不足",
    37: "CTP:现货交易不能卖空",
    42: "CTP:结算结果未确认",
    50: "CTP:平今仓位不足",
    51: "CTP:平昨仓位不足",
    54: "CTP:经纪公司不支持条件单",
    60: "CTP:用户在线会话超出上限",
    63: "CTP:客户端认证失败",
    75: "CTP:连续登录失败次数超限，登录被禁止",
    131: "CTP：您当前密码为弱密码，请修改成强密码后重新登录",
    140: "CTP:首次登录必须修改密码，请修改密码后重新登录",
    141: "CTP:您当前密码已过期，请修改后登录",
    142: "CTP:修改密码失败。新密码不允许与旧密码相同",
}


class RefusedError(Exception):
    """A request that the counter answers with an error; ``error_id`` is CTP's ErrorID."""

    def __init__(self, error_id: int, detail: str = "") -> None:
        self.error_id = error_id
        self.error_msg = TEXTS[error_id] + detail
        super().__init__(f"{error_id} {self.error_msg}")


class ExchangeRefusedError(Exception):
    """An order that the exchange itself refuses; ``reason`` is the text of its message."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
