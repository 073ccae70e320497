"""A support bundle tells how a node is, and nothing of whom or what it holds."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from appliance.commands.supporting import SHOWN, WITHHELD, cleaned, logs, settings_told, sizes
from appliance.logs import KEPT_BYTES
from appliance.settings import SETTINGS, load
from appliance.store import Store, Tenant
from tests.api.plant import Plant
from tests.cli.shell import outpost

TOKEN = "planted-token-of-the-monitor"
URL = "postgresql://outpost:{}@127.0.0.1/outpost".format("planted-word")
REQUEST = "0b7c8c9e-6f6a-4c2f-9d0f-0f9d9b3c1a77"
MAIL = "erika.planted@plant.example"


def read(bundle: Path) -> dict[str, str]:
    with zipfile.ZipFile(bundle) as found:
        assert found.testzip() is None
        return {name: found.read(name).decode() for name in found.namelist()}


def test_a_bundle_of_a_running_node_has_every_part_and_metrics_that_parse(plant: Plant, tmp_path: Path) -> None:
    out = tmp_path / "bundle.zip"
    ended = outpost("support", "--data", plant.node.data, "--out", out, "--json")
    assert ended.code == 0, ended.err
    parts = read(out)
    assert ended.json["parts"] == sorted(parts)
    told: dict[str, Any] = {name: json.loads(text) for name, text in parts.items() if name.endswith(".json")}

    assert {one["name"] for one in told["health.json"]["components"]} >= {"database", "record", "policy", "disk"}
    assert told["schema.json"]["here"]["control"] == told["schema.json"]["release"]["control"]
    assert told["sizes.json"]["control.db"]["bytes"] > 0
    families = {family.name for family in text_string_to_metric_families(parts["metrics.txt"])}
    assert {"outpost_http_requests", "outpost_jobs", "outpost_component_up"} <= families
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert str(plant.node.data) not in "".join(parts.values())


def test_a_node_that_is_down_can_be_told_of_without_its_secrets(
    node_store: Store, tenant: Tenant, tmp_path: Path
) -> None:
    (node_store.data / f"letter of {MAIL}.txt").write_text(MAIL)
    planted_log(node_store.data)
    out = tmp_path / "bundle.zip"
    planted = {"OUTPOST_METRICS_TOKEN": TOKEN, "OUTPOST_IDENTITY_HOSTS": "planted.plant:443"}
    ended = outpost("support", "--data", node_store.data, "--out", out, environment=planted)
    assert ended.code == 0, ended.err
    parts = read(out)
    assert "metrics.txt" not in parts
    assert json.loads(parts["health.json"])["status"] == "unavailable"
    assert f"tenant {tenant.slug}" in json.loads(parts["schema.json"])["here"]
    assert json.loads(parts["settings.json"])["metrics_token"] == "set"
    lines = [json.loads(line) for line in parts["logs.jsonl"].splitlines()]
    assert [one["event"] for one in lines] == ["it began", "a request failed", "mail was not sent"]
    assert [one["timestamp"] for one in lines] == [f"2027-03-01T08:00:0{second}.123456Z" for second in range(3)]
    assert lines[1]["request"] == REQUEST
    everything = "".join(parts.values())
    assert not [one for one in (TOKEN, "planted", MAIL, str(node_store.data)) if one in everything]


def planted_log(data: Path) -> None:
    """What a careless line could hold, over the files of two processes, with a torn line and one of nobody's."""
    (data / "logs").mkdir()
    at = "2027-03-01T08:00:0{}.123456Z"
    began = {"timestamp": at.format(0), "event": "it began", "process": "web"}
    failed = {
        "timestamp": at.format(1), "event": "a request failed", "process": "web", "request": REQUEST,
        "url": f"https://planted.plant:443/?token={TOKEN}", "headers": {"authorization": [f"Bearer {TOKEN}"]},
        "file": f"{data}/tenants", "trace": [f"ValueError for {MAIL}"],
    }  # fmt: skip
    unsent = {"timestamp": at.format(2), "event": "mail was not sent", "process": "worker", "to": MAIL}
    (data / "logs" / "web.jsonl.1").write_text(json.dumps(began) + "\n")
    (data / "logs" / "web.jsonl").write_text(json.dumps(failed) + "\n" + json.dumps(failed)[:50])
    (data / "logs" / "worker.jsonl").write_text(json.dumps(unsent) + "\n[1]\nplain\n" + json.dumps({"a": TOKEN}) + "\n")


def test_the_log_of_a_bundle_is_bounded_and_keeps_the_newest(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for process in ("web", "worker"):
        lines = [
            json.dumps({"timestamp": f"2027-03-01T08:00:{n:02}.{n:06}Z", "event": "x" * 2000, "process": process})
            for n in range(60)
        ]
        (tmp_path / "logs" / f"{process}.jsonl").write_text("\n".join(lines) + "\n")
    found = logs(load({}, data=str(tmp_path)))

    assert len(found.encode()) <= KEPT_BYTES
    told = [json.loads(line)["timestamp"] for line in found.splitlines()]
    assert told == sorted(told)
    assert told[-1] == "2027-03-01T08:00:59.000059Z"
    assert len(told) > 100
    assert logs(load({}, data=str(tmp_path / "nowhere"))) == ""


def test_a_bundle_is_written_where_nothing_is_and_never_over_a_file(tmp_path: Path) -> None:
    out = tmp_path / "bundle.zip"
    out.write_bytes(b"mine")
    ended = outpost("support", "--data", tmp_path / "none", "--out", out, "--json")
    assert (ended.code, ended.json["code"]) == (outpost("audit", "export", out, "--data", tmp_path).code, "file-exists")
    assert out.read_bytes() == b"mine"


def test_of_a_setting_that_is_not_listed_as_shown_no_value_is_told() -> None:
    told = settings_told(load({}, role="hub", database_url=URL, metrics_token=TOKEN, model_hosts="planted.plant:1"))
    assert told.keys() == {name for name, _, _ in SETTINGS}
    assert {value for name, value in told.items() if name not in SHOWN} <= {"default", "set"}
    assert not SHOWN & set(WITHHELD)
    assert told["database_url"] == told["metrics_token"] == told["model_hosts"] == "set"


def test_secrets_paths_and_personal_data_are_taken_out_wherever_they_stand() -> None:
    settings = load({}, role="hub", database_url=URL, metrics_token=TOKEN, data="/home/erika/node")
    part = {MAIL: [f"refused by {URL}", {"fact": f"{TOKEN} of {MAIL} in /home/erika/node/keys"}], "count": 7}
    left = cleaned(part, settings)
    assert left["count"] == 7
    assert not [one for one in (TOKEN, "planted", MAIL, "erika") if one in json.dumps(left)]


def test_what_does_not_belong_in_the_data_directory_is_counted_without_its_name(tmp_path: Path) -> None:
    (tmp_path / "control.db").write_bytes(b"1234")
    (tmp_path / "erika.txt").write_bytes(b"12")
    (tmp_path / "link").symlink_to("/nowhere")
    found = sizes(tmp_path)
    assert found["control.db"] == {"files": 1, "bytes": 4}
    assert found.keys() == {"control.db", "other"}
    assert found["other"]["files"] == 2
