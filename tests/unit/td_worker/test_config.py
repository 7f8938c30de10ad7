"""What a configuration may not say."""

from __future__ import annotations

import msgspec
import pytest

from td_worker.config import TdConfig


def load(front: str | list[str], unsent_s: float) -> TdConfig:
    values = {"front": front, "broker_id": "9999", "unsent_s": unsent_s}
    return msgspec.convert(values, TdConfig)


@pytest.mark.parametrize("front", ["tcp://10.0.0.1:41205", ["sim://x", "ssl://10.0.0.1:41205"]])
def test_with_a_real_front_no_order_counts_as_never_sent_too_early(front: str | list[str]) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"unsent_s: at least 120 with (tcp|ssl)"):
        load(front, 3)
    assert load(front, 120).unsent_s == 120


def test_the_embedded_exchange_keeps_nothing_for_so_long() -> None:
    assert load("sim://x", 0).unsent_s == 0
