"""A node can be stopped at any moment, by Ctrl-C or SIGTERM, and leaves no process and no half-made directory."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from appliance.processes import CREDENTIALS
from tests.api.plant import TENANT
from tests.cli.shell import OUTPOST, outpost
from tests.node import ROOT, RunningNode, free_port

PATIENCE = 60
HALF = (
    b"POST /v1/auth/login HTTP/1.1\r\nhost: node\r\nexpect: 100-continue\r\n"
    b"content-type: application/json\r\ncontent-length: 100\r\n\r\n"
)
"""A request whose body never comes; the server asks for it when the node has begun to read it."""


def family_of(pid: int) -> list[psutil.Process]:
    """A process and everything it has started."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def started(data: Path) -> subprocess.Popen[bytes]:
    command = [*OUTPOST, "run", "--data", str(data), "--listen", f"127.0.0.1:{free_port()}"]
    with data.with_name("log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, "it ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE)
    return alive == []


def test_a_node_that_was_killed_leaves_nobody_behind_and_one_that_is_told_to_stop_ends_cleanly(tmp_path: Path) -> None:
    node = RunningNode(tmp_path / "data", demo=False)
    with node:
        node.wait_for(lambda: "worker" in node.pids(), "the last process to start", seconds=PATIENCE)
        assert node.process is not None
        everybody = family_of(node.process.pid)
        assert len(everybody) >= 4
        node.process.kill()
        node.process.wait()
        assert gone(everybody[1:])

        assert node.start().process is not None
        everybody = family_of(node.process.pid)
        with contextlib.ExitStack() as visitors:
            # Visitors who say nothing, or half a sentence, or stay on the line, do not hold a node back.
            for said in (
                b"",
                b"POST /v1/chat HTTP/1.1\r\nhost: no",
                b"GET /health/live HTTP/1.1\r\nhost: node\r\n\r\n",
            ):
                line = visitors.enter_context(socket.create_connection(("127.0.0.1", node.port)))
                line.sendall(said)
            assert line.recv(4096).startswith(b"HTTP/1.1 200")
            half = visitors.enter_context(socket.create_connection(("127.0.0.1", node.port), PATIENCE))
            half.sendall(HALF)
            assert half.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
            node.process.send_signal(signal.SIGINT)
            # The only one that was being worked on is told so before the node ends.
            assert half.recv(4096).startswith(b"HTTP/1.1 408")
            assert node.process.wait(PATIENCE) == 0
        node.process = None

    assert gone(everybody)
    # What became of the processes is told after a restart too.
    left = {path.name for path in (node.data / "run").iterdir() if path.suffix in {".sock", ".json"}}
    assert left <= {"lifecycle.json"}
    assert "Traceback" not in node.log_tail()
    assert outpost("audit", "verify", "--data", node.data).code == 0


@pytest.mark.parametrize(
    ("moment", "number"),
    [("keys", signal.SIGTERM), ("credentials.json", signal.SIGINT), ("run/pids.json", signal.SIGTERM)],
    ids=["while it makes its keys", "when its people are made", "while its processes start"],
)
def test_a_node_that_is_stopped_while_it_starts_ends_cleanly(
    tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    data = tmp_path / "data"
    process = started(data)
    wait_for((data / moment).exists, process)
    everybody = family_of(process.pid)

    process.send_signal(number)

    assert process.wait(PATIENCE) == 0
    assert gone(everybody)
    assert "Traceback" not in (tmp_path / "log").read_text()
    if moment == "keys":
        with RunningNode(data, demo=False, log=tmp_path / "log") as node, node.sign_in("admin", TENANT) as admin:
            assert admin.get("/v1/auth/me").json()["role"] == "admin"


def test_a_node_that_was_killed_before_its_people_were_committed_makes_them_when_it_starts_again(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    in_vain = {"tenant": TENANT, "username": "admin", "password": "kept in vain", "role": "admin"}
    (data / CREDENTIALS).write_text(json.dumps([in_vain]))

    with RunningNode(data, demo=False, log=tmp_path / "log") as node:
        assert [one["username"] for one in node.credentials()] == ["admin", "operator", "viewer"]
        for role in ("admin", "operator", "viewer"):
            with node.sign_in(role, TENANT) as person:
                assert person.get("/v1/auth/me").json()["role"] == role


def test_a_node_killed_while_its_people_are_made_lets_everybody_in_its_file_sign_in(tmp_path: Path) -> None:
    data = tmp_path / "data"
    process = started(data)
    wait_for((data / CREDENTIALS).exists, process)
    everybody = family_of(process.pid)
    for one in reversed(everybody):
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait(PATIENCE)
    assert gone(everybody)

    with RunningNode(data, demo=False, log=tmp_path / "log") as node:
        assert len(node.credentials()) == 3
        for role in ("admin", "operator", "viewer"):
            with node.sign_in(role, TENANT) as person:
                assert person.get("/v1/auth/me").json()["role"] == role


def test_people_whose_first_start_was_killed_when_they_were_committed_are_in_the_record(tmp_path: Path) -> None:
    data = tmp_path / "data"
    killed = subprocess.run([sys.executable, "-m", "tests.cli.seeding", str(data)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL

    with RunningNode(data, demo=False, log=tmp_path / "log") as node, node.owner() as owner:
        found = owner.get("/v1/audit", params={"event_type": "admin.user_created"}).raise_for_status().json()

    assert sorted(one["record"]["metadata"]["role"] for one in found["items"]) == ["admin", "operator", "viewer"]
    assert outpost("audit", "verify", "--data", data).code == 0
