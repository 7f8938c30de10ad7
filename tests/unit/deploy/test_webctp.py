"""Files of webctp and homalos as groups: every key, every variable, and what is wrong in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import fields

from bus.config import load
from bus.errors import ConfigError
from bus.strategy.config import SyncApiConfig
from deploy import webctp
from deploy.plan import read
from deploy.webctp import AppType, Converted, convert
from td_worker.config import TdConfig

# As webctp's README has it.
PLAIN = {
    "TdFrontAddress": "tcp://182.254.243.31:40001",
    "MdFrontAddress": "tcp://182.254.243.31:40011",
    "BrokerID": "9999",
    "AuthCode": "0000000000000000",
    "AppID": "simnow_client_test",
    "Port": 8081,
    "Host": "127.0.0.1",
    "LogLevel": "INFO",
}


def made(
    folder: Path,
    text: str | dict[str, Any],
    app_type: AppType = AppType.dev,
    environ: dict[str, str] | None = None,
) -> Converted:
    file = folder / "config_td.yaml"
    file.write_text(text if isinstance(text, str) else yaml.safe_dump(text), "utf-8")
    return convert(file, app_type, environ or {}, folder)


def edge(folder: Path, **keys: Any) -> dict[str, Any]:
    found: dict[str, Any] = made(folder, PLAIN | keys).document["ws_edge"]
    return found


def test_the_file_of_the_readme(tmp_path: Path) -> None:
    converted = made(tmp_path, PLAIN, AppType.td)
    assert converted.document == {
        "data": f"{tmp_path}/con_file/config_td.td",
        "log_level": "INFO",
        "calendar": "always",
        "td_worker": {
            "front": "tcp://182.254.243.31:40001",
            "broker_id": "9999",
            "app_id": "simnow_client_test",
            "auth_code": "0000000000000000",
        },
        "ws_edge": {"host": "127.0.0.1", "port": 8081, "paths": ["td"]},
    }
    assert converted.notes == []


@pytest.mark.parametrize(
    ("app_type", "workers", "paths"),
    [
        (AppType.td, {"td_worker"}, ["td"]),
        (AppType.md, {"md_worker"}, ["md"]),
        (AppType.dev, {"md_worker", "td_worker"}, ["md", "td"]),
    ],
)
def test_a_server_has_the_fronts_and_paths_of_its_type(
    tmp_path: Path, app_type: AppType, workers: set[str], paths: list[str]
) -> None:
    document = made(tmp_path, PLAIN, app_type).document
    assert {name for name in document if name.endswith("_worker")} == workers
    assert document["ws_edge"]["paths"] == paths


@pytest.mark.parametrize("app_type", AppType)
def test_what_comes_out_is_a_file_that_every_program_takes(
    tmp_path: Path, app_type: AppType
) -> None:
    everything = {
        "Host": "0.0.0.0",
        "Token": "t",
        "HeartbeatInterval": 30.0,
        "LogLevel": "WARN",
        "Redis": {"Enabled": True, "DB": 0},
        "Metrics": {},
        "Strategy": {},
        "SyncApi": {},
    }
    converted = made(tmp_path, PLAIN | everything, app_type)
    file = tmp_path / "group.yaml"
    file.write_text(yaml.safe_dump(converted.document), "utf-8")
    plan = read(file)
    assert len(plan.programs) == 1 + len(app_type.paths)
    assert plan.edge.insecure
    (token,) = plan.edge.tokens
    assert token.token.reveal() == "t"


def test_without_keys_the_defaults_are_those_of_webctp(tmp_path: Path) -> None:
    fronts = {key: PLAIN[key] for key in ("TdFrontAddress", "MdFrontAddress", "BrokerID")}
    converted = made(tmp_path, fronts)
    found = converted.document["ws_edge"]
    assert (found["host"], found["port"], found["insecure"]) == ("0.0.0.0", 8080, True)
    assert converted.document["log_level"] == "INFO"
    assert converted.folder == tmp_path / "con_file"
    assert "0.0.0.0 is not loopback" in converted.notes[0]
    assert "whoever reaches the port" in converted.notes[0]


@pytest.mark.parametrize("key", ["Host", "Port", "LogLevel", "ConFilePath", "Token"])
@pytest.mark.parametrize("nothing", ["", "~", "null"])
def test_a_key_without_a_value_is_no_key(tmp_path: Path, key: str, nothing: str) -> None:
    lines = [f"{name}: '{value}'" for name, value in PLAIN.items() if name != key]
    with_it = made(tmp_path, "\n".join([*lines, f"{key}: {nothing}"]))
    without = made(tmp_path, "\n".join(lines))
    of_homalos = ("heartbeat", "heartbeat_interval_s", "heartbeat_timeout_s")
    for name in of_homalos if key == "Token" else ():
        del with_it.document["ws_edge"][name]
    assert with_it == without


@pytest.mark.parametrize(
    ("level", "ours"),
    [
        *(("NOTSET", "DEBUG"), ("trace", "DEBUG"), ("debug", "DEBUG"), ("info", "INFO")),
        *(("WARN", "WARNING"), ("warning", "WARNING"), ("ERROR", "ERROR"), ("CRITICAL", "ERROR")),
    ],
)
def test_levels_of_the_log(tmp_path: Path, level: str, ours: str) -> None:
    assert made(tmp_path, PLAIN | {"LogLevel": level}).document["log_level"] == ours


def test_values_are_read_as_they_stand_there(tmp_path: Path) -> None:
    """Without quotes YAML makes numbers of these, the second of which is 0."""
    text = "\n".join(f"{key}: {value}" for key, value in PLAIN.items())
    worker = made(tmp_path, text, AppType.td).document["td_worker"]
    assert (worker["broker_id"], worker["auth_code"]) == ("9999", "0" * 16)


def test_a_file_may_be_put_together_of_parts(tmp_path: Path) -> None:
    shared = "".join(f"  {key}: {value}\n" for key, value in PLAIN.items() if key != "Port")
    text = f"common: &common\n{shared}<<: *common\nPort: 8089\n"
    converted = made(tmp_path, text)
    assert converted.document["td_worker"]["auth_code"] == "0" * 16
    assert converted.document["ws_edge"]["port"] == 8089
    assert converted.notes == ["common: not known, ignored"]


def test_comments_from_a_chinese_windows_and_a_mark_at_the_beginning(tmp_path: Path) -> None:
    text = "\n".join(f"{key}: {value} # 交易前置地址" for key, value in PLAIN.items())
    file = tmp_path / "config.yaml"
    for encoding in ("gbk", "utf-8-sig", "utf-8"):
        file.write_text(text, encoding)
        converted = convert(file, AppType.td, {}, tmp_path)
        assert converted.document["td_worker"]["broker_id"] == "9999"


def test_the_first_versions_of_webctp_had_another_name_for_the_port(tmp_path: Path) -> None:
    old = {key: value for key, value in PLAIN.items() if key != "Port"} | {"WebSocketPort": 8090}
    assert made(tmp_path, old).document["ws_edge"]["port"] == 8090
    assert made(tmp_path, old | {"Port": 8091}).document["ws_edge"]["port"] == 8091


def test_the_first_versions_of_webctp_had_json(tmp_path: Path) -> None:
    """Which is YAML, too."""
    assert made(tmp_path, json.dumps(PLAIN, indent=4)) == made(tmp_path, PLAIN)


@pytest.mark.parametrize("given", ["flow", "./flow", "flow/"])
def test_the_folder_of_the_api_s_files(tmp_path: Path, given: str) -> None:
    converted = made(tmp_path, PLAIN | {"ConFilePath": given}, AppType.md)
    assert converted.document["data"] == f"{tmp_path}/flow/config_td.md"
    away = made(tmp_path, PLAIN | {"ConFilePath": "/var/lib/webctp"})
    assert away.document["data"] == "/var/lib/webctp/config_td.dev"


def test_homalos_says_ping_to_everybody_and_closes_nobody(tmp_path: Path) -> None:
    assert "heartbeat" not in edge(tmp_path)
    found = edge(tmp_path, HeartbeatInterval=5.0, HeartbeatTimeout=10.0)
    assert (found["heartbeat"], found["heartbeat_interval_s"]) == (True, 5.0)
    assert found["heartbeat_timeout_s"] == 0
    # Any key that webctp does not have tells that it was homalos which ran with this file.
    assert edge(tmp_path, Redis={"Enabled": "false"})["heartbeat_interval_s"] == 30.0


VARIABLES = {
    "WEBCTP_TD_ADDRESS": "tcp://10.0.0.1:1",
    "WEBCTP_MD_ADDRESS": "tcp://10.0.0.1:2",
    "WEBCTP_BROKER_ID": "8000",
    "WEBCTP_AUTH_CODE": "code",
    "WEBCTP_APP_ID": "app",
    "WEBCTP_HOST": "::1",
    "WEBCTP_TOKEN": "secret",
    "WEBCTP_HEARTBEAT_INTERVAL": "7",
    "WEBCTP_HEARTBEAT_TIMEOUT": "14",
}


def test_the_environment_comes_first(tmp_path: Path) -> None:
    document = made(tmp_path, PLAIN | {"Token": "other"}, environ=VARIABLES).document
    assert document["td_worker"] == {
        "front": "tcp://10.0.0.1:1",
        "broker_id": "8000",
        "app_id": "app",
        "auth_code": "code",
    }
    assert document["md_worker"]["front"] == "tcp://10.0.0.1:2"
    found = document["ws_edge"]
    assert (found["host"], found["port"]) == ("::1", 8081)
    assert (found["tokens"], found["heartbeat_interval_s"]) == ([{"token": "secret"}], 7.0)
    assert found["gateway_login_s"] == 0


@pytest.mark.parametrize(
    "secret", ["plain", "env:HOME", "file:/etc/passwd", "text:x", "credential:x", "text:", "a: b"]
)
def test_a_secret_is_what_stands_there_and_no_place_of_one(tmp_path: Path, secret: str) -> None:
    converted = made(tmp_path, PLAIN | {"AuthCode": secret, "Token": secret})
    file = tmp_path / "group.yaml"
    file.write_text(yaml.safe_dump(converted.document), "utf-8")
    worker = load(str(file), "td_worker", TdConfig).own
    assert worker.auth_code.reveal() == secret
    (token,) = read(file).edge.tokens
    assert token.token.reveal() == secret


def test_the_times_of_strategies(tmp_path: Path) -> None:
    keys = {"SyncApi": {"QuoteTimeout": 2.5, "MaxStrategies": 3, "OrderTimeout": None}}
    environ = {"WEBCTP_SYNC_API_STOP_TIMEOUT": "9", "WEBCTP_SYNC_API_QUOTE_TIMEOUT": "4"}
    converted = made(tmp_path, PLAIN | keys, environ=environ)
    assert converted.document["sync_api"] == {
        "quote_timeout": 4.0,
        "stop_timeout": 9.0,
        "max_strategies": 3,
    }
    assert [note for note in converted.notes if "ignored" in note or "effect" in note] == []
    file = tmp_path / "group.yaml"
    file.write_text(yaml.safe_dump(converted.document), "utf-8")
    assert load(str(file), "sync_api", SyncApiConfig).own.stop_timeout == 9.0


def test_every_key_of_the_times_of_strategies_is_known() -> None:
    ours = {field.name for field in fields(SyncApiConfig)}
    assert set(webctp._SYNC_API.values()) == ours


def test_an_empty_token_in_the_environment_hides_that_of_the_file_and_is_told(
    tmp_path: Path,
) -> None:
    converted = made(tmp_path, PLAIN | {"Token": "t"}, environ={"WEBCTP_TOKEN": ""})
    assert "tokens" not in converted.document["ws_edge"]
    assert any("nobody is asked for a token" in note for note in converted.notes)


def test_what_has_no_effect_is_told(tmp_path: Path) -> None:
    keys = {"Redis": {"Enabled": True}, "Prot": 1, "LogLevel": "CRITICAL"}
    environ = {"WEBCTP_REDIS_PORT": "1", "WEBCTP_METRICS_ENABLED": "false", "WEBCTP_OTHER": "x"}
    assert made(tmp_path, PLAIN | keys, environ=environ).notes == [
        "LogLevel: ERROR is the highest here",
        "WEBCTP_OTHER: not known, ignored",
        "Redis, WEBCTP_METRICS_ENABLED, WEBCTP_REDIS_PORT: without effect, see docs/migration.md",
        "Prot: not known, ignored",
    ]


@pytest.mark.parametrize(
    ("keys", "environ", "told"),
    [
        ({"TdFrontAddress": ""}, {}, "TdFrontAddress: missing"),
        ({}, {"WEBCTP_TD_ADDRESS": ""}, "TdFrontAddress: WEBCTP_TD_ADDRESS is set and empty"),
        ({"BrokerID": ""}, {}, "BrokerID: missing"),
        ({"TdFrontAddress": "1.2.3.4:5"}, {}, "TdFrontAddress: expected tcp://…, ssl://…"),
        ({"MdFrontAddress": "http://x"}, {}, "MdFrontAddress: expected tcp://…, ssl://…"),
        ({"Port": "eighty"}, {}, "Port: expected 0 to 65535, not 'eighty'"),
        ({"Port": 70000}, {}, "Port: expected 0 to 65535, not '70000'"),
        ({"Port": -1}, {}, "Port: expected 0 to 65535, not '-1'"),
        ({"LogLevel": "loud"}, {}, "LogLevel: 'loud' is none of"),
        ({"HeartbeatInterval": "often"}, {}, "HeartbeatInterval: expected a number, not 'often'"),
        ({"HeartbeatTimeout": "nan"}, {}, "HeartbeatTimeout: expected 0.001 to 3600, not nan"),
        ({"Host": ["a", "b"]}, {}, "Host: expected one text"),
        ({"SyncApi": {"StopTimeout": "soon"}}, {}, "SyncApi.StopTimeout: expected a number"),
        ({"SyncApi": {"StopTimeout": [1]}}, {}, "SyncApi.StopTimeout: expected a number"),
        ({"SyncApi": {"StopTimeout": -1}}, {}, "SyncApi.StopTimeout: expected up to 1000, not -1"),
        ({"SyncApi": ["a"]}, {}, "SyncApi: expected keys and values"),
        ({"AuthCode": {"a": "secret"}}, {}, "AuthCode: expected one text"),
        (
            {"TdFrontAddress": "sim://a", "MdFrontAddress": "sim://b"},
            {},
            "MdFrontAddress: one server has one embedded exchange",
        ),
    ],
)
def test_what_is_wrong_is_one_line_with_the_key(
    tmp_path: Path, keys: dict[str, Any], environ: dict[str, str], told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        made(tmp_path, PLAIN | keys, environ=environ)
    assert str(caught.value).startswith(f"{tmp_path}/config_td.yaml: {told}")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected keys and values"),
        ("- a", "expected keys and values"),
        ("AuthCode: 'secret\n  b: }", "not valid YAML in line"),
        ("AuthCode: &a secret\n? [1, 2]\n: x", "expected keys and values|not valid YAML"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        made(tmp_path, text)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml: No such file"):
        convert(tmp_path / "gone.yaml", AppType.td, {}, tmp_path)


def test_an_embedded_exchange_is_started_with_the_server(tmp_path: Path) -> None:
    fronts = {"TdFrontAddress": "sim://s.sock", "MdFrontAddress": "sim://s.sock"}
    document = made(tmp_path, PLAIN | fronts).document
    assert document["sim"] == {"listen": f"{tmp_path}/s.sock"}
    assert document["md_worker"]["front"] == f"sim://{tmp_path}/s.sock"
    with_port = made(tmp_path, PLAIN | {"TdFrontAddress": "sim://localhost:5"}, AppType.td)
    assert with_port.document["sim"] == {"listen": "localhost:5"}
