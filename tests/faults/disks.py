"""A disk that takes nothing any more under a running node, and takes everything again.

The kernel refuses every write of the node's processes to a file, as a disk does that was pulled out or mounted read-only;
the files are as they were. The node keeps what it has open, and reads.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.faults.kills import post_records, verify
from tests.node import RunningNode

QUESTION = "What is the tightening torque of the casing bolts of P-101A?"
PROGRAMS = ("web", "worker")


@dataclass
class Outcome:
    """What became of the requests. `lost` and `wrong` are to be empty."""

    tries: int = 0
    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@contextmanager
def taking_nothing(node: RunningNode) -> Iterator[None]:
    """For so long, no file of the node can be written."""
    pids = [node.pids()[one] for one in PROGRAMS]
    before = [resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids]
    for pid, (_, hard) in zip(pids, before, strict=True):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        for pid, limits in zip(pids, before, strict=True):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def gone_and_back(node: RunningNode, times: int) -> Outcome:
    """Have the disk go and come back so often, with people asking all the while."""
    found = Outcome()
    with node.owner(timeout=60) as door:
        # One that is still bringing its record in order has to end: it is started again until the disk is there.
        node.wait_for(lambda: parts_of(door)["worker"] == "ok", "the worker", seconds=60)
        for number in range(times):
            ask(door, found)
            programs = [node.pids()[one] for one in PROGRAMS]
            with taking_nothing(node):
                found.tries += 1
                before = len(found.acknowledged)
                for _ in range(3):
                    ask(door, found)
                if len(found.acknowledged) > before:
                    found.wrong.append(f"{number}: something was done that could not be recorded")
                if not told(door, 503, "unavailable"):
                    found.wrong.append(f"{number}: its health says nothing of it: {door.get('/v1/health').text}")
            before = len(found.acknowledged)
            ask(door, found)
            if len(found.acknowledged) == before:
                found.wrong.append(f"{number}: it did not go on by itself: {found.refused[-1]}")
            if not told(door, 200, "ok"):
                found.wrong.append(f"{number}: its health does not say that it is well again")
            if [node.pids()[one] for one in PROGRAMS] != programs:
                found.wrong.append(f"{number}: a program ended")
        found.lost = missing(door, found)
    verdict = verify(node)
    if verdict.returncode:
        found.wrong.append(verdict.stdout + verdict.stderr)
    return found


def parts_of(door: httpx.Client) -> dict[str, str]:
    """The state of each part of the node."""
    return dict(door.get("/v1/health/startup").json()["components"])


def told(door: httpx.Client, status: int, record: str) -> bool:
    """Whether health says so soon: whom nobody knows is told what was seen up to a second ago."""
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        if (door.get("/v1/health").status_code, parts_of(door)["record"]) == (status, record):
            return True
        time.sleep(0.2)
    return False


def ask(door: httpx.Client, found: Outcome) -> None:
    answer = door.post("/v1/chat", json={"message": QUESTION})
    if answer.is_success:
        said = answer.json()
        found.acknowledged.append((said["conversation_id"], said["message_id"]))
    else:
        found.refused.append(answer.json())


def missing(door: httpx.Client, found: Outcome) -> list[str]:
    """What was acknowledged and is not there, or recorded other than once."""
    recorded = post_records(door)
    lost = [
        f"record of message {message}" for _, message in found.acknowledged if recorded["chat.response", message] != 1
    ]
    for conversation, message in found.acknowledged:
        known = {
            one["id"] for one in door.get(f"/v1/conversations/{conversation}").raise_for_status().json()["messages"]
        }
        lost += [] if message in known else [f"message {message}"]
    return lost
