"""A flood of strangers does not fill the log, and is not hidden either."""

from __future__ import annotations

import logging

import pytest

from bus.log import Sparing


def test_a_flood_is_left_out_and_told_of(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    sparing = Sparing(logging.getLogger("flood"), lambda: now)
    for number in range(1000):
        sparing.warning("refused", {"number": number})
    assert len(caplog.records) == 100
    now = 10.0
    sparing.warning("refused", {"number": 1000})
    sparing.warning("refused", {"number": 1001})
    told = [vars(record)["fields"] for record in caplog.records[-2:]]
    assert told == [{"number": 1000, "left_out": 900}, {"number": 1001}]
