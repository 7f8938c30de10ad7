"""The file of the limits, and how it is followed while the worker runs."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import pytest
from msgspec import UNSET

from bus.errors import ConfigError
from bus.patterns import Pattern
from td_worker.limits.resolved import Resolved, needs_ticks
from td_worker.limits.rules import Account, Rules, load
from td_worker.limits.watch import Watch

CHECKOUT = Path(__file__).resolve().parents[4]
EXAMPLE = CHECKOUT / "deploy" / "limits.example.yaml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "limits.yaml"


def test_the_example_is_in_order_and_uses_every_key() -> None:
    rules = load(EXAMPLE)
    values = [rules.defaults, rules.defaults.client, *rules.accounts.values()]
    unused = {
        name
        for kind in values
        for name in kind.__struct_fields__
        if all(getattr(each, name, UNSET) is UNSET for each in values)
    }
    assert not unused
    assert needs_ticks(rules)


@pytest.mark.parametrize("name", ["configuration.md", "configuration.zh.md"])
def test_the_documentation_explains_every_key(name: str) -> None:
    text = (CHECKOUT / "docs" / name).read_text("utf-8")
    table = text.split("| `max_volume` |")[1].split("\n\n")[0]
    explained = {"max_volume", *re.findall(r"^\| `(\w+)`", table, re.MULTILINE)}
    keys = {*Account.__struct_fields__, *Rules.__struct_fields__} - {"defaults", "accounts"}
    assert explained == keys


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "expected keys and values at the top"),
        ("- 1", "expected keys and values at the top"),
        ("defaults: {max_volum: 3}", "unknown field `max_volum` - at `defaults`"),
        ("nothing: 1", "unknown field `nothing`"),
        ("defaults: {kill: true}", "unknown field `kill` - at `defaults`"),
        ("defaults: {client: {self_trade: refuse}}", "`self_trade` - at `defaults.client`"),
        ('accounts: {"1": {max_volum: 3}}', "unknown field `max_volum` - at `accounts.1`"),
        ('accounts: {"1": {max_volume: 0}}', ">= 1 - at `accounts.1.max_volume`"),
        ('accounts: {"1": {max_volume: {rb: x}}}', "at `accounts.1.max_volume[...]`"),
        ('accounts: {"1": {price_band: 2}}', "<= 1.0 - at `accounts.1.price_band`"),
        ('accounts: {"1": {client: {verbs: ReqOrder}}}', "at `accounts.1.client.verbs`"),
        ("accounts: {100001: {max_volume: 3}}", "accounts.100001: the UserID must be in quotes"),
        ("accounts: [1]", "accounts: expected keys and values"),
        ('accounts: {"1": {max_volume: 3}, "1": {}}', "in line 1: 1 is there twice"),
        ("a: [", "not valid YAML in line "),
        ("tick_age_s: 2026-13-45", "not valid YAML: month must be in 1..12"),
        ("tick_age_s: !!int x", "not valid YAML: "),
        ("tick_age_s: !!timestamp x", "not valid YAML: "),
        ("kill: maybe", "at `kill`"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_the_key(
    file: Path, text: str, error: str
) -> None:
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(file) in str(caught.value)
    assert error in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rules_may_be_shared_by_an_anchor(file: Path) -> None:
    file.write_text(
        'accounts: {"1": &one {max_volume: 3, orders_per_s: 4}, "2": {<<: *one, max_volume: 5}}'
    )
    second = load(file).accounts["2"]
    assert (second.max_volume, second.orders_per_s) == (5, 4)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe, tmp_path / "missing"):
        with pytest.raises(ConfigError):
            load(path)
        with pytest.raises(ConfigError):
            Watch(path)
    large = tmp_path / "large"
    large.write_text("# " + "x" * (1 << 18) + "\nkill: true\n")
    with pytest.raises(ConfigError, match="larger than"):
        load(large)


@pytest.mark.parametrize(
    ("pattern", "instrument", "exchange", "covers"),
    [
        ("rb", "rb2610", "SHFE", True),
        ("rb", "rb2610C3500", "SHFE", True),
        ("rb", "rb", "SHFE", False),
        ("r", "rb2610", "SHFE", False),
        ("rb*", "rb2610", "", True),
        ("rb26??", "rb2610", "", True),
        ("600000", "600000", "SSE", True),
        ("600000", "6000001", "SSE", False),
        ("SHFE/*", "rb2610", "SHFE", True),
        ("SHFE/*", "rb2610", "INE", False),
        ("SHFE/*", "rb2610", "", False),
        ("SHFE/rb", "rb2610", "SHFE", True),
        ("RB", "rb2610", "SHFE", False),
    ],
)
def test_what_a_pattern_covers(pattern: str, instrument: str, exchange: str, covers: bool) -> None:
    assert Pattern(pattern).covers(instrument, exchange) is covers


def test_instruments_that_are_named_one_by_one_are_followed_from_the_start(file: Path) -> None:
    file.write_text('defaults: {price_band: 0.1, instruments: [rb2610, "rb*", au, SSE/600000]}')
    assert Resolved(load(file), "1").listed() == ["rb2610", "600000"]
    file.write_text("defaults: {instruments: [rb2610]}")
    assert Resolved(load(file), "1").listed() == []


# -- while the worker runs -------------------------------------------------------------------


def test_new_rules_are_taken_when_the_file_has_come_to_rest(file: Path) -> None:
    file.write_text("defaults: {max_volume: 1}")
    watch = Watch(file)
    assert not watch.changed(0.0)
    file.write_text("defaults: {max_volume: 22}")
    assert not watch.changed(0.5)  # not looked at yet
    assert not watch.changed(1.0)  # somebody may be writing
    file.write_text("defaults: {max_volume: 333}")
    assert not watch.changed(2.0)
    assert watch.changed(3.0)
    assert watch.rules.defaults.max_volume == 333
    assert not watch.changed(4.0)
    assert watch.reloads == 1


def test_a_file_that_replaces_another_is_seen(file: Path) -> None:
    file.write_text("defaults: {max_volume: 1}")
    status = file.stat()
    watch = Watch(file)
    other = file.with_name("other")
    other.write_text("defaults: {max_volume: 2}")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(file)
    watch.changed(1.0)
    assert watch.changed(2.0)


@pytest.mark.parametrize("wrong", ["", "defaults: {max_volume: x}", None])
def test_a_wrong_file_keeps_the_old_rules_and_is_told_once(
    file: Path, wrong: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text("defaults: {max_volume: 1}")
    watch = Watch(file)
    if wrong is None:
        file.unlink()
    else:
        file.write_text(wrong)
    with caplog.at_level(logging.ERROR):
        assert not any(watch.changed(float(now)) for now in range(10))
    assert len(caplog.records) == 1
    assert watch.rules.defaults.max_volume == 1
    assert str(file) in watch.error
    file.write_text("defaults: {max_volume: 4}")
    assert [watch.changed(float(now)) for now in (11, 12)] == [False, True]
    assert watch.error == ""
    assert watch.rules.defaults.max_volume == 4


def test_without_a_file_there_are_no_rules() -> None:
    watch = Watch(None)
    assert watch.rules == Rules()
    assert not watch.changed(5.0)
    assert not needs_ticks(watch.rules)
