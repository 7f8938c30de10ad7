"""Parameters of the trade commands as clients write them."""

from __future__ import annotations

from typing import Any

import pytest

from tcp_edge.stat import Failed
from tcp_edge.trade import params

NUMBER = 4503599627370497


@pytest.mark.parametrize(
    "said", [NUMBER, str(NUMBER), f" {NUMBER} ", f"{NUMBER:040}", {"order_xtp_id": f"{NUMBER:040}"}]
)
def test_an_order_is_named_by_its_number_however_it_is_written(said: Any) -> None:
    assert params.order_xtp_id(said) == NUMBER


@pytest.mark.parametrize(
    "said",
    [-1, 1.0, float(NUMBER), True, None, [NUMBER], {}, "", "1_0", "１", "-1", "1.0", {"id": 1}],
)
def test_what_is_no_number_names_no_order(said: Any) -> None:
    with pytest.raises(Failed):
        params.order_xtp_id(said)


@pytest.mark.parametrize("said", [2**64, 10**29, "9" * 5000])
def test_a_number_beyond_all_orders_is_none_of_them(said: Any) -> None:
    assert params.order_xtp_id(said) >= 2**64
