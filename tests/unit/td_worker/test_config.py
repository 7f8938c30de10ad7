"""What a configuration may not say."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bus.errors import ConfigError
from bus.secrets import Secret
from td_worker.config import OwnAccount, TdConfig


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


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"accounts": [{"user": "u"}]}, "needs either password or password_file"),
        ({"accounts": [{"user": "u", "password": "p", "password_file": "f"}]}, "needs either"),
        ({"accounts": [{"user": "u", "password": "p"}] * 2}, "named twice"),
        ({"accounts": [{"user": "u", "password": "p"}], "users": ["v"]}, "not among users"),
        ({"accounts": [{"user": "u", "password": "p"}], "sessions": "exclusive"}, "shared"),
    ],
)
def test_an_account_of_ones_own_is_complete(values: dict[str, object], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert(
            {"front": "sim://x", "broker_id": "9999"} | values,
            TdConfig,
            dec_hook=lambda kind, value: Secret(value),
        )


def test_a_password_file_is_for_this_user_only(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("123456\nnot this\n")
    file.chmod(0o600)
    own = OwnAccount(user="u", password_file=str(file))
    assert own.secret().reveal() == "123456"
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="open to others: chmod 600"):
        own.secret().reveal()
    file.chmod(0o600)
    file.write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        own.secret().reveal()
