"""Error numbers of the counter and our own: their texts and what to do about them.

Sources: the error table, the header and the help text of CTP 6.7.8 (Chinese texts as in the
table), and the webctp protocol for the numbers from -400 down.
"""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple


class Action(Enum):
    """What an error asks of the one who gets it; the login state machine goes by this."""

    NONE = "none"
    """No error."""
    RETRY = "retry"
    """Temporary: the same again after a growing pause."""
    WAIT = "wait"
    """A login is under way already: wait for its answer."""
    LOGIN = "login"
    """The session is gone or was never there: log in, then again."""
    PASSWORD = "password"
    """ReqUserPasswordUpdate comes first, in this same session, though its login failed."""
    CONFIRM = "confirm"
    """Confirm the settlement, then again."""
    SLOW_DOWN = "slow down"
    """The same again later, and fewer of them."""
    STOP = "stop"
    """Never log in again by itself (more attempts lock the account); tell a person."""
    REFUSE = "refuse"
    """This request failed for good; the session goes on."""


class CtpError(NamedTuple):
    """One row of the counter's error table; the name of 6000 is ours, it is in no table."""

    error_id: int
    name: str
    text: str
    action: Action


_ROWS: Final = (
    CtpError(0, "NONE", "CTP:正确", Action.NONE),  # "CTP:No Error" since 6.7.10
    CtpError(1, "INVALID_DATA_SYNC_STATUS", "CTP:不在已同步状态", Action.RETRY),
    CtpError(2, "INCONSISTENT_INFORMATION", "CTP:会话信息不一致", Action.LOGIN),
    CtpError(3, "INVALID_LOGIN", "CTP:不合法的登录", Action.STOP),
    CtpError(4, "USER_NOT_ACTIVE", "CTP:用户不活跃", Action.STOP),
    CtpError(5, "DUPLICATE_LOGIN", "CTP:重复的登录", Action.WAIT),
    CtpError(6, "NOT_LOGIN_YET", "CTP:还没有登录", Action.LOGIN),
    CtpError(7, "NOT_INITED", "CTP:还没有初始化", Action.RETRY),
    CtpError(8, "FRONT_NOT_ACTIVE", "CTP:前置不活跃", Action.RETRY),
    CtpError(9, "NO_PRIVILEGE", "CTP:无此权限", Action.REFUSE),
    CtpError(10, "CHANGE_OTHER_PASSWORD", "CTP:修改别人的口令", Action.REFUSE),
    CtpError(11, "USER_NOT_FOUND", "CTP:找不到该用户", Action.REFUSE),
    CtpError(12, "BROKER_NOT_FOUND", "CTP:找不到该经纪公司", Action.REFUSE),
    CtpError(13, "INVESTOR_NOT_FOUND", "CTP:找不到投资者", Action.REFUSE),
    CtpError(14, "OLD_PASSWORD_MISMATCH", "CTP:原口令不匹配", Action.REFUSE),
    CtpError(15, "BAD_FIELD", "CTP:报单字段有误", Action.REFUSE),
    CtpError(16, "INSTRUMENT_NOT_FOUND", "CTP:找不到合约", Action.REFUSE),
    CtpError(22, "DUPLICATE_ORDER_REF", "CTP:报单错误：不允许重复报单", Action.REFUSE),
    CtpError(23, "BAD_ORDER_ACTION_FIELD", "CTP:错误的报单操作字段", Action.REFUSE),
    CtpError(25, "ORDER_NOT_FOUND", "CTP:撤单找不到相应报单", Action.REFUSE),
    CtpError(26, "INSUITABLE_ORDER_STATUS", "CTP:报单已全成交或已撤销，不能再撤", Action.REFUSE),
    CtpError(30, "OVER_CLOSE_POSITION", "CTP:平仓量超过持仓量", Action.REFUSE),
    CtpError(31, "INSUFFICIENT_MONEY", "CTP:资金不足", Action.REFUSE),
    CtpError(42, "SETTLEMENT_INFO_NOT_CONFIRMED", "CTP:结算结果未确认", Action.CONFIRM),
    CtpError(50, "OVER_CLOSETODAY_POSITION", "CTP:平今仓位不足", Action.REFUSE),
    CtpError(51, "OVER_CLOSEYESTERDAY_POSITION", "CTP:平昨仓位不足", Action.REFUSE),
    CtpError(60, "SINGLEUSERSESSION_EXCEED_LIMIT", "CTP:用户在线会话超出上限", Action.STOP),
    CtpError(63, "AUTH_FAILED", "CTP:客户端认证失败", Action.STOP),
    CtpError(75, "LOGIN_FORBIDDEN", "CTP:连续登录失败次数超限，登录被禁止", Action.STOP),
    CtpError(90, "NEED_RETRY", "CTP：查询未就绪，请稍后重试", Action.RETRY),
    CtpError(116, "ORDER_FREQ_LIMIT", "CTP:下单频率限制", Action.SLOW_DOWN),
    CtpError(
        131,
        "WEAK_PASSWORD",
        "CTP：您当前密码为弱密码，请修改成强密码后重新登录",
        Action.PASSWORD,
    ),
    CtpError(
        140,
        "FIRST_LOGIN",
        "CTP:首次登录必须修改密码，请修改密码后重新登录",
        Action.PASSWORD,
    ),
    CtpError(141, "PWD_OUT_OF_DATE", "CTP:您当前密码已过期，请修改后登录", Action.PASSWORD),
    CtpError(142, "PWD_MUST_DIFF", "CTP:修改密码失败。新密码不允许与旧密码相同", Action.REFUSE),
    CtpError(143, "IP_FORBIDDEN", "CTP:您登录失败次数过多，IP被禁止登入CTP", Action.STOP),
    CtpError(144, "IP_BLACK", "CTP:您当前IP在黑名单中，被禁止登录和认证", Action.STOP),
    CtpError(154, "QK_BUSY", "CTP:查询核心忙 请稍后重试", Action.RETRY),
    CtpError(6000, "SUB_TOO_MANY_INSTS", "CTP:sub too many insts", Action.REFUSE),
)

CTP_ERRORS: Final = MappingProxyType({row.error_id: row for row in _ROWS})


def text_of(error_id: int) -> str:
    """The counter's own text, for answers made in its name; "CTP:错误 N" for a number that the
    table does not have."""
    row = CTP_ERRORS.get(error_id)
    return row.text if row else f"CTP:错误 {error_id}"


def action_of(error_id: int) -> Action:
    """What to do. A number that is not in the table only ends its request."""
    row = CTP_ERRORS.get(error_id)
    return row.action if row else Action.REFUSE


def login_action(error_id: int) -> Action:
    """The same for the answer to an authentication or a login, where every error that does not
    ask for something else must stop: an unknown one could count against the account."""
    action = action_of(error_id)
    return Action.STOP if action is Action.REFUSE else action


# What a Req* method returns. 0 only says that the request was written to the socket.
SENT: Final = 0
NETWORK_FAILURE: Final = -1
TOO_MANY_IN_FLIGHT: Final = -2
TOO_MANY_PER_SECOND: Final = -3

_RETURN_TEXTS: Final = {
    NETWORK_FAILURE: "CTP:请求失败",
    TOO_MANY_IN_FLIGHT: "CTP:未处理请求超过许可数",
    TOO_MANY_PER_SECOND: "CTP:每秒发送请求数超过许可数",
}


def return_text(status: int) -> str:
    """The ErrorMsg for a non-zero return of a Req* method; that of -1 for any unknown one."""
    return _RETURN_TEXTS.get(status, _RETURN_TEXTS[NETWORK_FAILURE])


# Our own refusals of a client's message, with the texts of the webctp protocol. It has no number
# for LIMIT, a request that the gateway's own limits keep from the counter, nor for VOID_ID, an
# order whose id was made void before it came.
BAD_REQUEST: Final = -400
NOT_LOGGED_IN: Final = -401
LIMIT: Final = -403
NOT_IMPLEMENTED: Final = -404
VOID_ID: Final = -410
INTERNAL_ERROR: Final = -500

LOCAL_TEXTS: Final = MappingProxyType(
    {
        BAD_REQUEST: "参数有误",
        NOT_LOGGED_IN: "未登录",
        LIMIT: "超出网关限额",
        NOT_IMPLEMENTED: "Not implemented",
        VOID_ID: "报单编号已作废",
        INTERNAL_ERROR: "内部错误",
    }
)
# That of LIMIT when it is the client's rights at the gateway that do not reach.
FORBIDDEN_TEXT: Final = "网关未授权"

# nReason of OnFrontDisconnected.
DISCONNECT_REASONS: Final = MappingProxyType(
    {
        0x1001: "reading from the network failed",
        0x1002: "writing to the network failed",
        0x2001: "no heartbeat came from the front in time",
        0x2002: "sending a heartbeat to the front failed",
        0x2003: "a packet could not be understood",
    }
)


def disconnect_text(reason: int) -> str:
    """English, for logs and notices: "0x1001: reading from the network failed"."""
    return f"{reason:#06x}: {DISCONNECT_REASONS.get(reason, 'unknown reason')}"
