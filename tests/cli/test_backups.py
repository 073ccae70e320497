"""`outpost backup` and `outpost restore` on a node that runs, and the node that comes of it."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.cli.shell import outpost
from tests.node import RunningNode

WRONG_USE, CONFLICT, DAMAGED = 2, 13, 19


def signed_in(node: RunningNode, who: dict[str, str]) -> int:
    body = {name: who[name] for name in ("tenant", "username", "password")}
    return httpx.post(f"{node.url}/v1/auth/login", json=body).status_code


def test_a_backup_of_a_running_node_becomes_a_node(tmp_path: Path) -> None:
    data, stick, again = tmp_path / "data", tmp_path / "stick", tmp_path / "again"
    with RunningNode(data, demo=False) as node:
        who = next(one for one in node.credentials() if one["role"] == "admin")
        assert outpost("backup", "list", "--data", data, "--json").json["items"] == []
        made = outpost("backup", "make", "--to", stick, "--data", data, "--json")
        assert made.code == 0, made
        assert outpost("schedule", "run", "backup", "--wait", "--data", data).code == 0
        (by_itself,) = outpost("backup", "list", "--data", data, "--json").json["items"]
        assert by_itself["findings"] == by_itself["damaged"] == []
    code = outpost("keys", "recovery", "--data", data, "--json").json["recovery_key"]
    backup = stick / made.json["name"]
    assert outpost("backup", "check", backup, "--json").json["ok"]
    assert outpost("restore", backup, "--data", data, "--json").json["code"] == "node-is-here"
    # A new recovery key opens the keys of the next backup; the paper of the day of this one is gone with the day.
    made = outpost("backup", "make", "--to", stick, "--data", data, "--json")
    backup = stick / made.json["name"]
    wrong = outpost("restore", backup, "--data", again, "--json", typed="0000-0000\n")
    assert (wrong.code, wrong.json["code"]) == (WRONG_USE, "wrong-recovery-code")

    restored = outpost("restore", backup, "--data", again, "--json", typed=f"{code}\n")

    assert (restored.code, restored.json["epoch"], restored.json["ok"]) == (0, 2, True), restored
    with RunningNode(again, demo=False) as node:
        assert signed_in(node, who) == 200
    assert outpost("audit", "verify", "--data", again).code == 0
    exported = outpost("audit", "export", tmp_path / "out.jsonl", "--data", again, "--json")
    assert exported.json["log"].endswith("/2")


def test_a_backup_that_was_altered_is_refused(tmp_path: Path) -> None:
    nowhere = outpost("backup", "check", tmp_path, "--json")
    assert (nowhere.code, nowhere.json["code"]) == (DAMAGED, "backup-unsound")
