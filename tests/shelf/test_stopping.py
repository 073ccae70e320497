"""Only a model server which this node's supervisor started is ever ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from appliance.shelf.stopping import NoSuchModelServer, stop

LONG_LIVED = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(LONG_LIVED) as started:
        yield started
        started.kill()


@pytest.mark.parametrize("name", ["models", "chat qwen"])
def test_a_model_server_of_ours_is_ended(child: subprocess.Popen[bytes], name: str) -> None:
    assert stop(child.pid, lambda: {"supervisor": os.getpid(), name: child.pid}) == name
    assert child.wait(10) != 0


@pytest.mark.parametrize("name", ["web", "worker", "supervisor"])
def test_a_process_that_serves_no_model_goes_on(child: subprocess.Popen[bytes], name: str) -> None:
    with pytest.raises(NoSuchModelServer):
        stop(child.pid, lambda: {"supervisor": os.getpid()} | {name: child.pid})
    assert child.poll() is None


def test_an_id_of_the_list_that_a_stranger_has_taken_over_goes_on(child: subprocess.Popen[bytes]) -> None:
    with pytest.raises(NoSuchModelServer):
        stop(child.pid, lambda: {"supervisor": os.getppid(), "chat qwen": child.pid})
    assert child.poll() is None


def test_where_nothing_is_listed_nothing_is_ended(child: subprocess.Popen[bytes]) -> None:
    with pytest.raises(NoSuchModelServer):
        stop(child.pid, dict)
    assert child.poll() is None


@pytest.mark.parametrize("pid", [0, -1, 2**31 - 1, 2**70])
def test_a_number_that_is_no_process_is_refused(pid: int) -> None:
    with pytest.raises(NoSuchModelServer):
        stop(pid, lambda: {"supervisor": os.getpid(), "chat": pid})
