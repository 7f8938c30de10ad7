"""Login and the result of a request."""

from __future__ import annotations

from typing import ClassVar

from .base import CtpStruct


class RspUserLogin(CtpStruct, frozen=True, gc=False):
    """The answer to a login.

    ``session_id`` may be negative and changes with every login, as ``front_id`` does.
    ``max_order_ref`` is a text: the next OrderRef of this session is larger. The times are those
    of the exchanges' clocks at login, "--:--:--" where unknown.
    Source: CThostFtdcRspUserLoginField.
    """

    struct_name: ClassVar[str] = "RspUserLogin"

    trading_day: str = ""
    login_time: str = ""
    broker_id: str = ""
    user_id: str = ""
    system_name: str = ""
    front_id: int = 0
    session_id: int = 0
    max_order_ref: str = ""
    shfe_time: str = ""
    dce_time: str = ""
    czce_time: str = ""
    ffex_time: str = ""
    ine_time: str = ""
    sys_version: str = ""
    gfex_time: str = ""
    login_dr_identity_id: int = 0
    user_dr_identity_id: int = 0
    last_login_time: str = ""
    reserve_info: str = ""


class RspInfo(CtpStruct, frozen=True, gc=False):
    """The result of a request: ``error_id`` 0 is success, others are in schemas.errors.

    Source: CThostFtdcRspInfoField.
    """

    struct_name: ClassVar[str] = "RspInfo"

    error_id: int = 0
    error_msg: str = ""
