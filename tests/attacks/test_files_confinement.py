"""A parser that was taken over: what the code of an attacker can still do inside the child."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.tally import tried

ROOT = Path(__file__).parents[2]

PROLOGUE = """
import json, os, socket, sys
from pathlib import Path
from appliance.documents.zygote import confinement
secret = Path(sys.argv[1])
confinement.forbid_new_privileges()
done = {"network": confinement.leave_network(), "files": confinement.leave_files(confinement.interpreter_folders())}
done["calls"] = confinement.forbid_calls()
confinement.limit_resources(memory=512 * 2**20, cpu_seconds=5)

def attempt(work):
    try:
        work()
    except (OSError, MemoryError) as error:
        return type(error).__name__
    return "done"
"""


def attempts(tmp_path: Path, *works: str) -> tuple[dict[str, str], list[str]]:
    """Run each expression inside a fully confined process; what each led to."""
    secret = tmp_path / "master.key"
    secret.write_text("secret")
    listed = ", ".join(f"lambda: {work}" for work in works)
    script = f"{PROLOGUE}\nprint(json.dumps([done, [attempt(work) for work in [{listed}]]]))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", script, str(secret)], capture_output=True, text=True, check=True, env=environment
    )
    done, led_to = json.loads(ran.stdout)
    tried(len(works))
    return done, led_to


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return attempts(tmp_path_factory.mktemp("held"))[0]


def test_this_machine_confines_in_every_way(held: dict[str, str]) -> None:
    assert held["network"] == "namespace"
    assert held["files"].startswith("landlock")
    assert held["calls"] == "seccomp"


def test_keys_cannot_be_read_and_nothing_can_be_written(tmp_path: Path) -> None:
    _, led_to = attempts(
        tmp_path,
        "secret.read_text()",
        "secret.write_text('x')",
        "Path('/etc/passwd').read_text()",
        "os.listdir('/')",
        "Path('/tmp/outpost-escape').write_text('x')",
        "Path('/dev/shm/outpost-escape').write_text('x')",
        "os.rename(secret, str(secret) + 'x')",
        "secret.unlink()",
        "Path('/proc/self/environ').read_text()",
    )

    assert set(led_to) <= {"PermissionError", "FileNotFoundError"}
    assert (tmp_path / "master.key").read_text() == "secret"


def test_nobody_can_be_called_and_nothing_can_be_started(tmp_path: Path) -> None:
    _, led_to = attempts(
        tmp_path,
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "os.fork()",
        "os.execv('/bin/sh', ['sh'])",
        "os.posix_spawn('/bin/sh', ['sh'], {})",
    )

    assert led_to == ["PermissionError"] * 6


def test_memory_and_open_files_have_an_end(tmp_path: Path) -> None:
    _, led_to = attempts(tmp_path, "bytearray(2**30)", "[os.pipe() for _ in range(64)]")

    assert led_to == ["MemoryError", "OSError"]
