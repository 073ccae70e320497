"""Seeded `kill -9` of single processes and of all, under load, and what must hold afterwards."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

from tests.faults.load import Ledger, Person
from tests.node import ROOT, RunningNode, listed

TARGETS = ("web", "web", "worker", "models", "supervisor", "all")


def kill_again_and_again(
    node: RunningNode, *, kills: int, seed: int, people: int = 3, say: Callable[[str], None] = print
) -> Ledger:
    """Kill `kills` times while `people` work; the node is ready again after each. Returns what was acknowledged."""
    chance = random.Random(seed)
    ledger, stop = Ledger(), threading.Event()
    crowd = [Person(node, ledger, seed * 100 + number, stop) for number in range(people)]
    for person in crowd:
        person.start()
    struck: Counter[str] = Counter()
    try:
        for number in range(kills):
            stop.wait(chance.uniform(0.05, 1.2))
            target = chance.choice(TARGETS)
            strike(node, target)
            struck[target] += 1
            if (number + 1) % 10 == 0:
                say(f"{number + 1} kills {dict(struck)}: {len(ledger)} acknowledged, {ledger.refused} cut off")
        stop.wait(1.0)
    finally:
        stop.set()
        for person in crowd:
            person.join(90)
    return ledger


def strike(node: RunningNode, target: str) -> None:
    """SIGKILL `target` and see to it that the node is ready again."""
    if target == "all":
        node.kill_all()
        node.start()
        return
    # A node answers before its worker is there: that one waits until questions can be asked.
    node.wait_for(lambda: target in node.pids(), f"a {target}", seconds=30)
    pid = node.pids()[target]
    os.kill(pid, signal.SIGKILL)
    if target == "supervisor":
        assert node.process is not None
        node.process.wait()
        node.process = None
        wait_for_the_orphans(node)
        node.start()
    else:
        node.wait_for(lambda: node.pids().get(target) != pid, f"a new {target}", seconds=30)
        node.wait_until_ready()


def wait_for_the_orphans(node: RunningNode) -> None:
    """The kernel ends the children of a dead supervisor; give them their moment."""
    pids = [pid for name, pid in node.pids().items() if name != "supervisor"]
    deadline = time.monotonic() + 30
    while any(_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            raise AssertionError(f"children outlive their supervisor: {pids}")
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def missing(node: RunningNode, ledger: Ledger) -> list[str]:
    """Every acknowledged thing that the node no longer knows, and every one that was recorded other than once."""
    lost: list[str] = []
    with node.sign_in("operator") as client:
        for conversation in sorted({conversation for conversation, _ in ledger.messages}):
            response = client.get(f"/v1/conversations/{conversation}")
            known = {m["id"] for m in response.json()["messages"]} if response.is_success else set()
            lost += [f"message {m}" for c, m in ledger.messages if c == conversation and m not in known]
        documents = {item["document_id"] for item in listed(client)}
        lost += [f"document {one}" for one in ledger.documents if one not in documents]
    with node.sign_in("admin") as client:
        recorded = post_records(client)
    lost += [f"record of message {m}" for _, m in ledger.messages if recorded["chat.response", m] != 1]
    lost += [f"record of document {one}" for one in ledger.documents if recorded["doc.upload", one] != 1]
    return lost


def post_records(client: object) -> Counter[tuple[str, str]]:
    """How often each thing has a post-record of success."""
    import httpx

    assert isinstance(client, httpx.Client)
    found: Counter[tuple[str, str]] = Counter()
    token: str | None = None
    while True:
        parameters = {"limit": "100"} | ({"page_token": token} if token else {})
        page = client.get("/v1/audit", params=parameters).raise_for_status().json()
        for item in page["items"]:
            record = item["record"]
            if record.get("phase") == "post" and record.get("result_status") == "success":
                found[record["event_type"], str(record.get("resource_id"))] += 1
        token = page["next_page_token"]
        if not token:
            return found


def verify(node: RunningNode) -> subprocess.CompletedProcess[str]:
    """`outpost audit verify` on the node's data."""
    command = [sys.executable, "-m", "appliance.cli", "audit", "verify", "--data", str(node.data)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
