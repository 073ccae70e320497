r"""One inference thread with two lanes: people first, bulk work between them.

    urgent  [c][b][a] --\
                         >-- thread: one slice at a time; bulk only while urgent is empty
    bulk    [B][A] -----/

Work is a generator that yields between slices (`engines.onnx.Sliced`), so an urgent request waits for at most one slice
of bulk work. Both lanes are bounded; a full one refuses at once rather than let callers queue for minutes.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from models.engines.onnx import Sliced

T = TypeVar("T")
Lane = Literal["urgent", "bulk"]
LANES: tuple[Lane, ...] = ("urgent", "bulk")


class LaneFull(Exception):
    """As much work waits as the lane may hold."""


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """`work` is made on the inference thread, so that tokenising never blocks the event loop."""

    begin: Callable[[], Sliced[Any]]
    done: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop


class Lanes:
    """`urgent` and `bulk` bound the jobs of a lane; `when_idle` is called on the inference thread when both run empty."""

    def __init__(self, *, urgent: int = 64, bulk: int = 16, when_idle: Callable[[], None] = lambda: None) -> None:
        self._when_idle = when_idle
        self._limits: dict[Lane, int] = {"urgent": urgent, "bulk": bulk}
        self._waiting: dict[Lane, deque[_Job]] = {lane: deque() for lane in LANES}
        self._running: dict[_Job, Sliced[Any]] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="inference", daemon=True)
        self._thread.start()

    def depth(self, lane: Lane) -> int:
        """Jobs waiting or under way."""
        return len(self._waiting[lane])

    async def run(self, begin: Callable[[], Sliced[T]], *, lane: Lane) -> T:
        """The result of the work. Cancelling the caller drops what is left of it after the slice under way.

        Raises:
            LaneFull: nothing was queued.
        """
        loop = asyncio.get_running_loop()
        job = _Job(begin, loop.create_future(), loop)
        with self._changed:
            if self._closed or len(self._waiting[lane]) >= self._limits[lane]:
                raise LaneFull(lane)
            self._waiting[lane].append(job)
            self._changed.notify()
        result: T = await job.done
        return result

    def close(self) -> None:
        """Stop after the slice under way; callers still waiting are cancelled."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        for lane in LANES:
            for job in self._waiting[lane]:
                job.loop.call_soon_threadsafe(job.done.cancel)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._closed and not any(self._waiting.values()):
                    self._changed.wait()
                if self._closed:
                    return
                lane: Lane = "urgent" if self._waiting["urgent"] else "bulk"
                job = self._waiting[lane][0]
            if self._advance(job):
                with self._changed:
                    self._waiting[lane].remove(job)
                    self._running.pop(job, None)
                    idle = not any(self._waiting.values())
                if idle:
                    self._when_idle()

    def _advance(self, job: _Job) -> bool:
        """Run one slice; True when the job is over."""
        if job.done.cancelled():
            return True
        try:
            if job not in self._running:
                self._running[job] = job.begin()
            next(self._running[job])
        except StopIteration as end:
            job.loop.call_soon_threadsafe(_settle, job.done, end.value, None)
            return True
        except Exception as problem:  # the request fails with it; the thread must serve the next one
            job.loop.call_soon_threadsafe(_settle, job.done, None, problem)
            return True
        return False


def _settle(done: "asyncio.Future[Any]", value: object, problem: Exception | None) -> None:
    if done.done():
        return
    if problem is None:
        done.set_result(value)
    else:
        done.set_exception(problem)
