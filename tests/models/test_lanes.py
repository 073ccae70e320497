"""Two lanes, one thread: people go first."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from models.engines.onnx import Sliced
from models.lanes import LaneFull, Lanes


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    made = Lanes(urgent=2, bulk=2)
    yield made
    made.close()


class Counting:
    """Work of three slices that notes each; the first one waits until the test opens the gate."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log, self.gate, self.begun = name, log, threading.Event(), threading.Event()

    def __call__(self) -> Sliced[str]:
        self.begun.set()
        self.gate.wait(20)
        for number in range(3):
            self.log.append(f"{self.name}{number}")
            yield
        return self.name


async def begun(work: Counting) -> None:
    assert await asyncio.to_thread(work.begun.wait, 20)


async def test_urgent_work_goes_between_the_slices_of_bulk_work(lanes: Lanes) -> None:
    log: list[str] = []
    bulk, urgent = Counting("bulk", log), Counting("urgent", log)
    urgent.gate.set()
    first = asyncio.create_task(lanes.run(bulk, lane="bulk"))
    await begun(bulk)
    second = asyncio.create_task(lanes.run(urgent, lane="urgent"))
    await asyncio.sleep(0)
    bulk.gate.set()

    assert list(await asyncio.gather(first, second)) == ["bulk", "urgent"]
    assert log == ["bulk0", "urgent0", "urgent1", "urgent2", "bulk1", "bulk2"]


async def test_a_full_lane_refuses_at_once(lanes: Lanes) -> None:
    blocker = Counting("a", [])
    waiting = [asyncio.create_task(lanes.run(blocker, lane="bulk")) for _ in range(2)]
    await begun(blocker)

    with pytest.raises(LaneFull):
        await lanes.run(blocker, lane="bulk")

    blocker.gate.set()
    await asyncio.gather(*waiting)


async def test_cancelling_the_caller_drops_the_slices_that_are_left(lanes: Lanes) -> None:
    log: list[str] = []
    work = Counting("a", log)
    task = asyncio.create_task(lanes.run(work, lane="bulk"))
    await begun(work)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    work.gate.set()
    after = Counting("b", log)
    after.gate.set()

    assert await lanes.run(after, lane="bulk") == "b"
    assert log == ["a0", "b0", "b1", "b2"]


async def test_work_that_fails_fails_alone(lanes: Lanes) -> None:
    def broken() -> Sliced[None]:
        yield
        raise ZeroDivisionError

    good = Counting("good", [])
    good.gate.set()

    with pytest.raises(ZeroDivisionError):
        await lanes.run(broken, lane="urgent")
    assert await lanes.run(good, lane="urgent") == "good"


async def test_closing_cancels_those_who_still_wait() -> None:
    lanes, started = Lanes(), threading.Event()

    def endless() -> Sliced[None]:
        while True:
            started.set()
            yield

    task = asyncio.create_task(lanes.run(endless, lane="urgent"))
    assert await asyncio.to_thread(started.wait, 20)

    await asyncio.to_thread(lanes.close)

    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(LaneFull):
        await lanes.run(endless, lane="urgent")


async def test_idleness_is_told_once_the_lanes_are_empty() -> None:
    idle = threading.Event()
    lanes = Lanes(when_idle=idle.set)
    work = Counting("a", [])
    work.gate.set()

    await lanes.run(work, lane="urgent")

    assert await asyncio.to_thread(idle.wait, 20)
    lanes.close()
