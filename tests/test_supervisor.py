"""The supervisor keeps real programs running, and leaves none behind, whatever ends it."""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from appliance.errors import Damaged
from appliance.supervisor import AlreadyRunning, Program, Supervisor
from appliance.waiting import AddressTaken, NotRunning, ask_readiness, wait_until_free, wait_until_ready

PATIENCE = 20.0

LONG_LIVED = "import time; time.sleep(600)"
STUBBORN = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""
NOTES_ITS_STARTS = """
import os, pathlib, sys, time
with pathlib.Path(sys.argv[1]).open("a") as notes:
    notes.write(f"{os.getpid()} {time.monotonic()}\\n")
"""
SUPERVISES = """
import asyncio, pathlib, sys
from appliance.supervisor import Program, Supervisor
program = [sys.executable, "-c", "import time; time.sleep(600)"]
asyncio.run(Supervisor([Program("a", program), Program("b", program)], run=pathlib.Path(sys.argv[1]), environment={}).run())
"""


def program(name: str, source: str, *words: str) -> Program:
    return Program(name, [sys.executable, "-c", source, *words])


@asynccontextmanager
async def running(
    run: Path, *programs: Program, environment: dict[str, str] | None = None, patience: float = 10
) -> AsyncIterator[Supervisor]:
    """A supervisor at work in this process; stopped at the end."""
    supervisor = Supervisor(programs, run=run, environment=environment or {}, patience=patience)
    working = asyncio.create_task(supervisor.run())
    try:
        yield supervisor
    finally:
        supervisor.stop()
        await asyncio.wait_for(working, PATIENCE)


async def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.01)


def pids(run: Path) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads((run / "pids.json").read_text())
    except FileNotFoundError:
        return {}
    return found


def starts(notes: Path) -> list[tuple[int, float]]:
    lines = notes.read_text().splitlines() if notes.exists() else []
    return [(int(pid), float(at)) for pid, at in (line.split() for line in lines)]


def gone(run: Path, pid: int) -> bool:
    return pid not in pids(run).values()


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def test_a_child_that_ends_is_started_again_after_a_pause_that_grows(tmp_path: Path) -> None:
    notes = tmp_path / "notes"

    async with running(tmp_path / "run", program("brief", NOTES_ITS_STARTS, str(notes))):
        await until(lambda: len(starts(notes)) >= 4, "four starts")

    moments = [at for _, at in starts(notes)]
    first, second, third = (after - before for before, after in itertools.pairwise(moments[:4]))
    assert first > 0.2
    assert second > 0.4
    assert third > 0.8


async def test_a_vital_child_that_finds_its_data_damaged_ends_the_node(tmp_path: Path) -> None:
    damaged = replace(program("damaged", f"raise SystemExit({Damaged.exit_code})"), vital=True)
    supervisor = Supervisor([program("neighbour", LONG_LIVED), damaged], run=tmp_path / "run", environment={})

    assert await asyncio.wait_for(supervisor.run(), PATIENCE) == Damaged.exit_code


async def test_a_killed_child_comes_back_as_another_process_and_its_neighbour_is_left_alone(tmp_path: Path) -> None:
    run = tmp_path / "run"

    async with running(run, program("a", LONG_LIVED), program("b", LONG_LIVED)):
        await until(lambda: {"a", "b"} <= pids(run).keys(), "both children")
        before = pids(run)
        os.kill(before["a"], signal.SIGKILL)
        await until(lambda: pids(run).get("a") not in {None, before["a"]}, "the killed child to be back")

        assert pids(run)["b"] == before["b"]
        assert alive(pids(run)["a"])


async def test_the_file_of_pids_names_only_processes_that_run(tmp_path: Path) -> None:
    run = tmp_path / "run"

    async with running(run, program("steady", LONG_LIVED), program("broken", "raise SystemExit(3)")):
        await until(lambda: "steady" in pids(run), "the child")
        for _ in range(30):
            named = pids(run)
            assert named["supervisor"] == os.getpid()
            assert alive(named["steady"])
            if "broken" in named and not alive(named["broken"]):
                # It ended while we looked, and has left the file, or is about to.
                await until(functools.partial(gone, run, named["broken"]), "the ended child to be gone")
            await asyncio.sleep(0.01)

    assert not (run / "pids.json").exists()


async def test_a_disk_without_room_for_the_file_of_pids_ends_no_program(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "notes"
    run = tmp_path / "run"
    run.mkdir()
    (run / "pids.json.new").symlink_to("/dev/full")

    async with running(run, program("brief", NOTES_ITS_STARTS, str(notes))):
        await until(lambda: len(starts(notes)) >= 2, "two starts")

    assert pids(run) == {}
    assert "No space left on device" in capfd.readouterr().err


async def test_what_a_program_logs_is_passed_on_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "told"
    speaks = (
        "import pathlib, sys; print('serving'); print('a fact', file=sys.stderr); pathlib.Path(sys.argv[1]).touch()"
    )

    async with running(tmp_path / "run", program("speaks", speaks, str(told))):
        await until(told.exists, "the program's words")

    out, err = capfd.readouterr()
    assert out == ""
    assert "a fact" in err


async def test_a_program_that_waits_for_a_file_starts_when_it_is_there_and_not_before(tmp_path: Path) -> None:
    run, sign = tmp_path / "run", tmp_path / "sign"
    patient = Program("patient", [sys.executable, "-c", LONG_LIVED], after=sign)

    async with running(run, program("a", LONG_LIVED), patient):
        await until(lambda: "a" in pids(run), "the child that does not wait")
        assert "patient" not in pids(run)
        sign.touch()
        await until(lambda: "patient" in pids(run), "the child that waited")

    sign.unlink()
    async with running(run, patient):
        pass


async def test_stopping_ends_every_child_and_starts_none_again(tmp_path: Path) -> None:
    run = tmp_path / "run"

    async with running(run, program("a", LONG_LIVED), program("b", LONG_LIVED), program("c", "raise SystemExit(1)")):
        await until(lambda: {"a", "b"} <= pids(run).keys(), "the children")
        children = pids(run)

    assert not any(alive(pid) for name, pid in children.items() if name != "supervisor")


async def test_a_child_that_does_not_listen_is_killed_in_the_end(tmp_path: Path) -> None:
    run, deaf = tmp_path / "run", tmp_path / "deaf"

    async with running(run, program("stubborn", STUBBORN, str(deaf)), patience=0.3):
        await until(deaf.exists, "the child to stop listening")
        pid = pids(run)["stubborn"]

    assert not alive(pid)


async def test_when_one_program_cannot_be_started_the_others_are_ended(tmp_path: Path) -> None:
    run = tmp_path / "run"
    supervisor = Supervisor([program("a", LONG_LIVED), Program("b", ["/nowhere/at/all"])], run=run, environment={})
    before = set(psutil.Process().children())

    with pytest.raises(ExceptionGroup) as caught:
        await supervisor.run()

    assert caught.group_contains(FileNotFoundError)
    assert set(psutil.Process().children()) <= before


async def test_children_are_given_the_settings_and_a_session_of_their_own(tmp_path: Path) -> None:
    told = tmp_path / "told"
    source = "import os, pathlib, sys; pathlib.Path(sys.argv[1]).write_text(f'{os.environ[\"A\"]} {os.getsid(0) == os.getpid()}')"

    async with running(tmp_path / "run", program("a", source, str(told)), environment={"A": "b"}):
        await until(lambda: told.exists() and told.read_text() != "", "the child")

    assert told.read_text() == "b True"


async def test_a_second_supervisor_of_the_same_directory_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"

    async with running(run):
        with pytest.raises(AlreadyRunning):
            Supervisor([], run=run, environment={})

    async with running(run):
        pass


async def test_children_die_with_a_supervisor_that_is_killed_and_the_next_one_may_start(tmp_path: Path) -> None:
    run = tmp_path / "run"
    supervisor = await asyncio.create_subprocess_exec(sys.executable, "-c", SUPERVISES, str(run))
    await until(lambda: {"a", "b"} <= pids(run).keys(), "the children")
    children = pids(run)

    supervisor.kill()
    await supervisor.wait()

    await until(lambda: not any(map(alive, children.values())), "the children to die")
    async with running(run):
        pass


async def test_a_child_of_a_killed_supervisor_does_not_hold_its_lock(tmp_path: Path) -> None:
    run = tmp_path / "run"
    async with running(run, program("a", LONG_LIVED)):
        await until(lambda: "a" in pids(run), "the child")
        opened = {file.path for file in psutil.Process(pids(run)["a"]).open_files()}

    assert str(run / "supervisor.lock") not in opened


async def test_an_address_that_is_taken_is_refused_and_one_that_becomes_free_is_not() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        host, port = other.getsockname()
        with pytest.raises(AddressTaken):
            await wait_until_free(host, port, seconds=0.1)
        waiting = asyncio.create_task(wait_until_free(host, port, seconds=PATIENCE))
        await asyncio.sleep(0)

    await waiting


async def test_nobody_at_the_door_is_told_as_not_running(tmp_path: Path) -> None:
    assert ask_readiness(tmp_path / "nowhere.sock") is None
    with pytest.raises(NotRunning):
        await wait_until_ready(tmp_path / "nowhere.sock", seconds=0.1)


async def test_a_socket_that_speaks_no_http_is_not_a_ready_node(tmp_path: Path) -> None:
    path = tmp_path / "other.sock"

    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        writer.close()

    async with await asyncio.start_unix_server(babble, path):
        assert await asyncio.to_thread(ask_readiness, path) is None
