"""Errors of the SDK as strategies know them."""

from __future__ import annotations

import pytest

from bus.errors import BusError, Closed, ConfigError, Refused, Unanswered, Unavailable
from bus.strategy.counter import told
from bus.strategy.stopping import Stopped


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (Closed("the client was closed"), Stopped),
        (Unavailable("td_worker"), TimeoutError),
        (Unanswered("td_worker"), TimeoutError),
        (Refused(-1, "CTP:请求失败"), TimeoutError),
        (Refused(-401, "未登录"), TimeoutError),
        (Refused(7, "CTP:还没有初始化"), TimeoutError),
        (Refused(3, "CTP:不合法的登录"), RuntimeError),
        (Refused(-500, "内部错误"), RuntimeError),
        (ConfigError("td_worker has another version of the API"), RuntimeError),
        (BusError("the orders cannot be followed"), RuntimeError),
    ],
)
def test_every_error_of_the_sdk_is_one_that_a_strategy_knows(
    error: BusError, raised: type[Exception]
) -> None:
    with pytest.raises(raised) as caught, told():
        raise error
    assert not isinstance(caught.value, BusError)
