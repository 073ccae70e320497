"""`outpost keys`: moving, changing and bringing back the master key of a node that has data, and starting it after each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from sqlalchemy import select

from appliance.audit.tables import LeafRow
from appliance.audit.verify import verify
from appliance.store import AUDIT, Purpose, open_store
from tests.cli.shell import OUTPOST, outpost
from tests.node import ROOT, RunningNode, free_port
from tests.store.tpm import software_tpm

PASSPHRASE, ANOTHER = "seven green valves at night", "eight red pumps by day"
NOT_RUNNING, CONFLICT = 18, 13


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a node that has run once and is stopped; every test leaves its key in a file."""
    data = tmp_path_factory.mktemp("keys") / "data"
    with RunningNode(data, demo=False):
        ended = outpost("keys", "rotate", "--data", data, "--json")
        assert (ended.code, ended.json["code"]) == (CONFLICT, "keys-in-use")
    return data


@pytest.fixture
def stick() -> Iterator[Path]:
    with TemporaryDirectory(dir="/dev/shm", prefix="outpost-stick-") as folder:
        yield Path(folder)


def moved(data: Path, *words: str | Path, typed: str = "") -> str:
    """Move, and return the new recovery key."""
    ended = outpost("keys", "move", *words, "--data", data, "--json", typed=typed)
    assert ended.code == 0, ended
    code: str = ended.json["recovery_key"]
    return code


def test_a_node_under_a_passphrase_starts_with_it_and_with_nothing_else(data: Path) -> None:
    with RunningNode(data, demo=False) as node:
        body = node.own("admin", "plant")
        tokens = httpx.post(f"{node.url}/v1/auth/login", json=body).raise_for_status().json()
    code = moved(data, "--to", "passphrase", typed=f"{PASSPHRASE}\n")

    shown = outpost("keys", "show", "--data", data, "--json").json
    assert (shown["mode"], shown["recovery"]) == ("passphrase", True)
    words = ("run", "--data", data, "--listen", f"127.0.0.1:{free_port()}")
    assert outpost(*words).code == NOT_RUNNING
    ended = outpost(*words, "--passphrase-fd", "0", typed="nine blue doors at noon\n")
    assert (ended.code, "does not fit" in ended.err or "does not open" in ended.err) == (2, True)

    with started(data, PASSPHRASE) as node:
        # Signed in before the master key, and the key that signs, were changed.
        headers = {"authorization": f"Bearer {tokens['access_token']}"}
        assert httpx.get(f"{node.url}/v1/auth/me", headers=headers).status_code == 200
        # Neither the command line nor the environment of any process holds it.
        for pid in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                try:
                    assert PASSPHRASE.encode() not in (pid / name).read_bytes()
                except OSError:
                    continue
        # The parent keeps the master key for those that it may have to start again; they have closed it, others never had it.
        node.wait_for(lambda: who_has_the_key_open(node) == {"supervisor"}, "the others to have closed it", seconds=30)
    assert outpost("keys", "recover", "--data", data, "--json", typed=f"{code}\n").json["mode"] == "file"
    with RunningNode(data, demo=False):
        pass


def who_has_the_key_open(node: RunningNode) -> set[str]:
    def has(pid: int) -> bool:
        return any("outpost-key" in os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir())

    return {name for name, pid in node.pids().items() if has(pid)}


class started:  # noqa: N801 - reads as a sentence
    """`outpost run --passphrase-fd`, until it is ready."""

    def __init__(self, data: Path, passphrase: str) -> None:
        self._node = RunningNode(data, demo=False)
        read, write = os.pipe()
        os.write(write, passphrase.encode() + b"\n")
        os.close(write)
        command = [*OUTPOST, "run", "--data", str(data), "--listen", f"127.0.0.1:{self._node.port}"]
        self._node.process = subprocess.Popen(
            [*command, "--passphrase-fd", str(read)], cwd=ROOT, pass_fds=(read,), start_new_session=True
        )
        os.close(read)

    def __enter__(self) -> RunningNode:
        self._node.wait_until_ready()
        return self._node

    def __exit__(self, *_: object) -> None:
        self._node.stop()


def test_a_node_whose_stick_is_away_waits_for_it_and_says_so(data: Path, stick: Path) -> None:
    moved(data, "--to", "usb-key", "--at", stick)
    (key,) = stick.iterdir()
    away = key.rename(stick / "away")
    log = data.with_name("waiting.log")

    node = RunningNode(data, demo=False, log=log)
    with log.open("ab") as out:
        command = [*OUTPOST, "run", "--data", str(data), "--listen", f"127.0.0.1:{node.port}"]
        node.process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, start_new_session=True)
    try:
        node.wait_for(lambda: str(key) in node.log_tail(), "the node to say what it waits for", seconds=30)
        time.sleep(0.5)
        assert node.process.poll() is None
        away.rename(key)
        node.wait_until_ready()
        # Once it runs the stick can lie in a safe, also when a process of the node has to be started again.
        key.rename(away)
        os.kill(node.pids()["web"], 9)
        node.wait_for(lambda: not node._ready(), "the web process to be gone", seconds=20)
        node.wait_until_ready()
    finally:
        node.stop()
    away.rename(key)
    moved(data, "--to", "file")


def test_a_node_keeps_its_key_in_a_tpm(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with software_tpm(tmp_path / "chip") as environment:
        monkeypatch.setenv("TPM2TOOLS_TCTI", environment["TPM2TOOLS_TCTI"])
        moved(data, "--to", "tpm")
        with RunningNode(data, demo=False):
            pass
        findings = {one["subject"]: one for one in outpost("doctor", "--data", data, "--json").json}
        assert findings["master key"]["state"] == "ok"
        assert "TPM" in findings["master key"]["fact"]
        code = outpost("keys", "rotate", "--data", data, "--json").json["recovery_key"]
    assert outpost("run", "--data", data, "--listen", f"127.0.0.1:{free_port()}").code == NOT_RUNNING
    assert outpost("keys", "recover-nothing", "--data", data).code == 2
    assert outpost("keys", "recover", "--data", data, typed=f"{code}\n").code == 0


def test_a_passphrase_can_be_changed_and_a_short_one_is_refused(data: Path) -> None:
    moved(data, "--to", "passphrase", typed=f"{PASSPHRASE}\n")
    refused = outpost("keys", "move", "--to", "passphrase", "--data", data, "--json", typed=f"{PASSPHRASE}\nshort\n")
    assert refused.json["code"] == "weak-passphrase"
    moved(data, "--to", "passphrase", typed=f"{PASSPHRASE}\n{ANOTHER}\n")
    assert outpost("keys", "rotate", "--data", data, typed=f"{PASSPHRASE}\n").code == 2
    renewed = outpost("keys", "recovery", "--data", data, "--json", typed=f"{ANOTHER}\n").json["recovery_key"]
    moved(data, "--to", "file", typed=f"{ANOTHER}\n")
    assert (
        outpost("keys", "recover", "--data", data, "--json", typed=f"{renewed}\n").json["code"] == "wrong-recovery-code"
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--to", "magic"], "unknown-key-mode"),
        (["--to", "usb-key"], "unknown-key-mode"),
        (["--to", "usb-key", "--at", "/nowhere"], "key-volume-unfit"),
    ],
)
def test_a_way_that_does_not_exist_is_refused_and_nothing_is_changed(data: Path, words: list[str], code: str) -> None:
    before = (data / "keys" / "master.key").read_bytes()

    assert outpost("keys", "move", *words, "--data", data, "--json").json["code"] == code
    assert (data / "keys" / "master.key").read_bytes() == before


AT_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_who_is_asked_for_a_passphrase_at_a_terminal_can_go_away(data: Path) -> None:
    """And what is typed is not shown."""
    moved(data, "--to", "passphrase", typed=f"{PASSPHRASE}\n")
    words = ["run", "--data", str(data), "--listen", f"127.0.0.1:{free_port()}"]
    for typed, code in ((b"\x03", 130), (b"nine blue doors at noon\n", 2)):
        controller, terminal = os.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", AT_A_TERMINAL, *OUTPOST, *words],
            cwd=ROOT,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )
        os.close(terminal)
        seen = b""
        while b"passphrase: " not in seen:
            seen += os.read(controller, 1000)
        os.write(controller, typed)
        assert process.wait(30) == code
        with suppress(OSError):  # how Linux says that nobody is left at the other end
            while more := os.read(controller, 1000):
                seen += more
        assert b"nine blue" not in seen
        os.close(controller)
    moved(data, "--to", "file", typed=f"{PASSPHRASE}\n")


async def test_what_was_done_to_the_keys_stands_in_a_record_that_verifies(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with RunningNode(data, demo=False):
        assert outpost("keys", "rotate", "--data", data).code == CONFLICT
    code = moved(data, "--to", "passphrase", typed=f"{PASSPHRASE}\n")
    assert outpost("keys", "recover", "--data", data, typed=f"{code}\n").code == 0
    assert outpost("tls", "init", "node.plant.example", "--data", data).code == 0
    assert outpost("tls", "init", "node.elsewhere.example", "--data", data).code != 0

    store = await open_store(data)
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        rows = (await session.scalars(select(LeafRow.record).where(LeafRow.event_type.like("%.%")))).all()
    report = await verify(store)
    await store.close()
    found = [json.loads(row) for row in rows]
    ours = [one for one in found if str(one["event_type"]).startswith(("keys.", "tls."))]
    assert [(one["event_type"], one["phase"], one["result_status"]) for one in ours] == [
        ("keys.rotate", "pre", None), ("keys.rotate", "post", "error"),
        ("keys.move", "pre", None), ("keys.move", "post", "success"),
        ("keys.recover", "single", "success"),
        ("tls.init", "pre", None), ("tls.init", "post", "success"),
        ("tls.init", "pre", None), ("tls.init", "post", "error"),
    ]  # fmt: skip
    assert report.ok
    assert all(secret not in str(ours) for secret in (PASSPHRASE, code))
