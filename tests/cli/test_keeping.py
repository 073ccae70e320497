"""`outpost keys`: moving, changing and bringing back the master key of a node that has data, and starting it after each."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

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
        who = next(one for one in node.credentials() if one["role"] == "admin")
        body = {name: who[name] for name in ("tenant", "username", "password")}
        tokens = httpx.post(f"{node.url}/v1/auth/login", json=body).raise_for_status().json()
    code = moved(data, "--to", "passphrase", typed=f"{PASSPHRASE}\n")

    shown = outpost("keys", "show", "--data", data, "--json").json
    assert (shown["mode"], shown["recovery"]) == ("passphrase", True)
    words = ("run", "--data", data, "--listen", f"127.0.0.1:{free_port()}")
    assert outpost(*words).code == NOT_RUNNING
    ended = outpost(*words, "--passphrase-fd", "0", typed="nine blue doors at noon\n")
    assert (ended.code, "does not fit" in ended.err or "does not open" in ended.err) == (2, True)

    with started(data, PASSPHRASE) as port:
        # Signed in before the master key, and the key that signs, were changed.
        headers = {"authorization": f"Bearer {tokens['access_token']}"}
        assert httpx.get(f"http://127.0.0.1:{port}/v1/auth/me", headers=headers).status_code == 200
        # Neither the command line nor the environment of any process holds it.
        for pid in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                try:
                    assert PASSPHRASE.encode() not in (pid / name).read_bytes()
                except OSError:
                    continue
    assert outpost("keys", "recover", "--data", data, "--json", typed=f"{code}\n").json["mode"] == "file"
    with RunningNode(data, demo=False):
        pass


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

    def __enter__(self) -> int:
        self._node.wait_until_ready()
        return self._node.port

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
