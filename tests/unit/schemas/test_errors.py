"""Error numbers, against the tables of the specifications."""

from __future__ import annotations

import pytest

from schemas import errors
from schemas.catalogue import Catalogue
from schemas.codec import Value
from schemas.errors import Action

TEXTS = {
    0: "CTP:正确",
    1: "CTP:不在已同步状态",
    2: "CTP:会话信息不一致",
    3: "CTP:不合法的登录",
    4: "CTP:用户不活跃",
    5: "CTP:重复的登录",
    6: "CTP:还没有登录",
    7: "CTP:还没有初始化",
    8: "CTP:前置不活跃",
    9: "CTP:无此权限",
    10: "CTP:修改别人的口令",
    11: "CTP:找不到该用户",
    12: "CTP:找不到该经纪公司",
    13: "CTP:找不到投资者",
    14: "CTP:原口令不匹配",
    15: "CTP:报单字段有误",
    16: "CTP:找不到合约",
    22: "CTP:报单错误：不允许重复报单",
    26: "CTP:报单已全成交或已撤销，不能再撤",
    31: "CTP:资金不足",
    63: "CTP:客户端认证失败",
    75: "CTP:连续登录失败次数超限，登录被禁止",
    90: "CTP：查询未就绪，请稍后重试",
    131: "CTP：您当前密码为弱密码，请修改成强密码后重新登录",
    140: "CTP:首次登录必须修改密码，请修改密码后重新登录",
    141: "CTP:您当前密码已过期，请修改后登录",
    6000: "CTP:sub too many insts",
}


@pytest.mark.parametrize(("error_id", "text"), TEXTS.items())
def test_the_counter_has_a_text_for_each_number(error_id: int, text: str) -> None:
    assert errors.text_of(error_id) == text


def test_every_text_fits_into_the_counters_field(catalogue: Catalogue) -> None:
    codec = catalogue.codec("RspInfo")
    for error_id, row in errors.CTP_ERRORS.items():
        values: dict[str, Value] = {"ErrorID": error_id, "ErrorMsg": row.text}
        assert codec.unpack(codec.pack(values)) == values


@pytest.mark.parametrize(
    ("action", "numbers"),
    [
        (Action.NONE, {0}),
        (Action.RETRY, {1, 7, 8, 90, 154}),
        (Action.WAIT, {5}),
        (Action.LOGIN, {2, 6}),
        (Action.PASSWORD, {131, 140, 141}),
        (Action.CONFIRM, {42}),
        (Action.SLOW_DOWN, {116}),
        (Action.STOP, {3, 4, 60, 63, 75, 143, 144}),
    ],
)
def test_what_to_do_follows_from_the_number(action: Action, numbers: set[int]) -> None:
    assert {row.error_id for row in errors.CTP_ERRORS.values() if row.action is action} == numbers
    assert all(errors.action_of(number) is action for number in numbers)


@pytest.mark.parametrize("error_id", [9, 12, 31, 142, 6000, 99999, -5])
def test_other_errors_end_a_request_but_stop_a_login(error_id: int) -> None:
    """A login that failed for an unknown reason may count against the account: no second try."""
    assert errors.action_of(error_id) is Action.REFUSE
    assert errors.login_action(error_id) is Action.STOP


@pytest.mark.parametrize("error_id", [0, 7, 8, 90, 5, 2, 140, 3])
def test_a_login_goes_by_the_same_table_otherwise(error_id: int) -> None:
    assert errors.login_action(error_id) is errors.action_of(error_id)


def test_an_unknown_number_still_has_a_text() -> None:
    assert errors.text_of(99999) == "CTP:错误 99999"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (errors.NETWORK_FAILURE, "CTP:请求失败"),
        (errors.TOO_MANY_IN_FLIGHT, "CTP:未处理请求超过许可数"),
        (errors.TOO_MANY_PER_SECOND, "CTP:每秒发送请求数超过许可数"),
        (-4, "CTP:请求失败"),
        (17, "CTP:请求失败"),
    ],
)
def test_a_return_code_has_its_text(status: int, text: str) -> None:
    assert errors.return_text(status) == text


def test_local_refusals_have_the_texts_of_the_webctp_protocol() -> None:
    assert dict(errors.LOCAL_TEXTS) == {
        -400: "参数有误",
        -401: "未登录",
        -403: "超出网关限额",
        -404: "Not implemented",
        -410: "报单编号已作废",
        -500: "内部错误",
    }


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (4097, "0x1001: reading from the network failed"),
        (4098, "0x1002: writing to the network failed"),
        (8193, "0x2001: no heartbeat came from the front in time"),
        (8194, "0x2002: sending a heartbeat to the front failed"),
        (8195, "0x2003: a packet could not be understood"),
        (7, "0x0007: unknown reason"),
    ],
)
def test_a_disconnect_reason_has_a_meaning(reason: int, text: str) -> None:
    assert errors.disconnect_text(reason) == text
