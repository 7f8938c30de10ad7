"""The figures as Prometheus reads them, and where they come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from admin.config import AdminConfig, RemoteConfig
from admin.watch.health import Colour, Light
from admin.watch.metrics import GroupCollector
from admin.watch.sources import sources
from admin.watch.told import Told
from bus.secrets import Secret
from bus.stats import MdStat, buckets
from deploy import plan

NOW = 1000.0


def stat(program: str, **keys: object) -> MdStat:
    common = {"pid": 1, "started_ns": 0, "interval_s": 1.0, "memory": 5, "cpu_s": 1.5, "files": 3}
    filled = {**common, "most_files": 9, "counters": {}, "queues": {}, **keys}
    return MdStat(program=program, **filled)  # type: ignore[arg-type]


def scrape(*told: Told, lights: list[Light] | None = None) -> str:
    registry = CollectorRegistry()
    group = {each.program: each for each in told}
    registry.register(GroupCollector(group, lambda: lights or [], lambda: NOW))
    return generate_latest(registry).decode()


def test_a_counter_is_in_the_family_that_it_belongs_to() -> None:
    counters = {"ticks": 7, "conflated": 2, "ticks_lost": 3, "overflows": 4, "writes": 9}
    text = scrape(Told("ws_edge_0", "ws_edge", stat("ws_edge_0", counters=counters), NOW - 1))
    for line in (
        'ctpbus_up{program="ws_edge_0"} 1.0',
        'ctpbus_ticks_total{program="ws_edge_0"} 7.0',
        'ctpbus_conflated_total{program="ws_edge_0"} 2.0',
        'ctpbus_gaps_total{program="ws_edge_0",what="ticks_lost"} 3.0',
        'ctpbus_drops_total{program="ws_edge_0",what="overflows"} 4.0',
        'ctpbus_events_total{program="ws_edge_0",what="writes"} 9.0',
    ):
        assert line in text
    assert text.count("ticks_lost") == 1


def test_buckets_are_seconds_and_add_up() -> None:
    counts = buckets()[:13]
    counts[3], counts[12] = 5, 2  # below 8 ns, below 4.1 us
    text = scrape(Told("md_worker", "md_worker", stat("md_worker", hops={"publish": counts}), NOW))
    begin = 'ctpbus_hop_seconds_bucket{hop="publish",le="'
    values = [
        line.removeprefix(begin).partition('",')
        for line in text.splitlines()
        if line.startswith(begin)
    ]
    assert values[0][0] == "1.024e-06"
    assert [float(rest.rpartition(" ")[2]) for _, _, rest in values[:3]] == [5.0, 5.0, 7.0]
    assert values[-1][0] == "+Inf"


def test_kinds_that_no_code_of_ours_has_made_are_left_out() -> None:
    kinds = {"refusals": {"max_volume": 2, 'x"} 1\nevil': 3, **{f"r{n}": 1 for n in range(500)}}}
    text = scrape(Told("td_worker", "td_worker", stat("td_worker", kinds=kinds), NOW))
    assert 'ctpbus_refusals_total{program="td_worker",rule="max_volume"} 2.0' in text
    assert "evil" not in text
    assert text.count("ctpbus_refusals_total{") < 70


def test_a_silent_process_and_a_red_light() -> None:
    lights = [Light("disk", Colour.RED, 1, "en", "zh"), Light("canary", Colour.GREY, 1, "", "")]
    text = scrape(Told("sim", "sim", stat("sim"), NOW - 3), lights=lights)
    for line in (
        'ctpbus_up{program="sim"} 0.0',
        'ctpbus_light{light="disk"} 2.0',
        'ctpbus_light{light="canary"} -1.0',
        "ctpbus_ready 0.0",
    ):
        assert line in text


def test_every_program_of_the_group_and_of_other_machines_is_heard(tmp_path: Path) -> None:
    file = tmp_path / "group.yaml"
    file.write_text(
        f"data: {tmp_path}/var\n"
        "md_worker: {front: 'sim://s', broker_id: '9999', feeds: {a: {}, b: {}}}\n"
        "td_worker: {front: 'sim://s', broker_id: '9999'}\n"
        "ws_edge: {processes: 2, port: 8080}\n"
        "recorder: {members: [b]}\nadmin: {}\n"
    )
    remote = {"shanghai": RemoteConfig(address="tcp://10.0.0.5:5571", key="edge.shanghai")}
    found = {each.program: each for each in sources(plan.read(file), AdminConfig(remote=remote))}
    assert found.keys() == {
        *("sim", "md_worker_a", "md_worker_b", "md_merge", "td_worker", "recorder", "recorder_b"),
        *("ws_edge_0", "ws_edge_1", "shanghai"),
    }
    assert found["md_worker_a"].address.endswith("/md_pub.a")
    assert found["recorder_b"].address.endswith("/stat.recorder_b")
    assert (found["shanghai"].address, found["shanghai"].key) == (
        "tcp://10.0.0.5:5571",
        "edge.shanghai",
    )


def test_a_webhook_is_one_and_is_an_address() -> None:
    with pytest.raises(ValueError, match="not both"):
        AdminConfig(webhook=Secret("http://a/"), webhook_file="x")
    with pytest.raises(ValueError, match="expected http"):
        AdminConfig(webhook=Secret("ftp://a/geheim"))
