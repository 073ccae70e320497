"""`python -m tests.faults.chat_kills --kills 50`: kill -9 of the chat server of a node, again and again, while people ask.

Prints one JSON document: how many quotes and wordings were asked for, how each ended, the longest of each, and what the
history says of the breaker. Ends with 1 if a quote failed, a request outlasted its deadline, or the node did not serve in
words again at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from models.chat.random_gguf import Shape, write
from tests.node import RunningNode

DEADLINE = 30.0
"""Seconds; a wording has 20 of its own, and what stands around it the rest."""
ASKERS = 3
MANUAL = (
    "# Feed pump P-101A\n\n## Casing\n\nThe casing bolts M12 of pump P-101A are tightened to 47 Nm.\n\n"
    "## Seal\n\nThe mechanical seal is replaced every 8,000 operating hours.\n"
)
QUESTION = "What torque do the casing bolts of P-101A get?"


@dataclass
class Counted:
    """What came of the requests. `longest` is in seconds."""

    kills: int = 0
    quotes: Counter[str] = field(default_factory=Counter)
    wordings: Counter[str] = field(default_factory=Counter)
    longest_quote: float = 0.0
    longest_wording: float = 0.0
    breaker: Counter[str] = field(default_factory=Counter)
    serves_again: bool = False

    @property
    def good(self) -> bool:
        late = max(self.longest_quote, self.longest_wording) > DEADLINE
        return self.serves_again and not late and set(self.quotes) == {"quoted"} and "hung" not in self.wordings


def run(folder: Path, kills: int, seed: int) -> Counted:
    """Start a node in `folder`, ask from several threads, and kill its chat server `kills` times."""
    counted, lock, over = Counted(), threading.Lock(), threading.Event()
    with RunningNode(folder / "node", demo=False) as node:
        _prepare(node, folder)
        askers = [threading.Thread(target=_ask, args=(node, counted, lock, over)) for _ in range(ASKERS)]
        for asker in askers:
            asker.start()
        chance = random.Random(seed)
        before: int | None = None
        for _ in range(kills):
            node.wait_for(lambda known=before: node.chat_pid() not in (None, known), "a chat server", seconds=60)
            time.sleep(chance.uniform(0, 1.5))
            before = node.chat_pid()
            if before is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(before, signal.SIGKILL)
                counted.kills += 1
        node.wait_for(lambda: _word(node)[0] == "worded", "words again", seconds=90)
        counted.serves_again = True
        over.set()
        for asker in askers:
            asker.join(DEADLINE * 2)
        with node.owner() as door:
            history = door.get("/v1/admin/models/manifests/builtins/history").json()["items"]
        counted.breaker = Counter(one["what"] for one in history if one["what"].startswith("breaker"))
    return counted


def _prepare(node: RunningNode, folder: Path) -> None:
    model = folder / "model.gguf"
    write(model, Shape(layers=2, kind="q4_0"))
    with node.owner(timeout=120) as door:
        files = {"file": ("manual.md", MANUAL.encode(), "text/markdown")}
        door.post("/v1/documents/upload", files=files, data={"metadata": '{"assets": ["P-101A"]}'}).raise_for_status()
        door.post("/v1/models/instances", json={"file": str(model), "name": "m"}).raise_for_status()
        door.post("/v1/admin/models/manifests/builtins/activations", json={"model": "m"}).raise_for_status()
        node.wait_for(lambda: _quote(door) == "quoted", "a quote", seconds=60)
    node.wait_for(lambda: _word(node)[0] == "worded", "words", seconds=60)


def _ask(node: RunningNode, counted: Counted, lock: threading.Lock, over: threading.Event) -> None:
    while not over.is_set():
        began = time.monotonic()
        with node.owner(timeout=DEADLINE) as door:
            quote = _quote(door)
        middle = time.monotonic()
        word, _ = _word(node)
        end = time.monotonic()
        with lock:
            counted.quotes[quote] += 1
            counted.wordings[word] += 1
            counted.longest_quote = max(counted.longest_quote, middle - began)
            counted.longest_wording = max(counted.longest_wording, end - middle)


def _quote(door: httpx.Client) -> str:
    try:
        answer = door.post("/v1/chat", json={"message": QUESTION})
    except httpx.HTTPError as problem:
        return type(problem).__name__
    kind: str = answer.json()["kind"] if answer.status_code == 200 else f"status {answer.status_code}"
    return kind


def _word(node: RunningNode) -> tuple[str, Any]:
    """How a wording ended: `worded`, the code of the refusal, or `hung`."""
    try:
        with node.owner(timeout=DEADLINE) as door:
            response = door.post("/v1/chat/words", json={"message": QUESTION})
    except httpx.TimeoutException:
        return "hung", None
    except httpx.HTTPError as problem:
        return type(problem).__name__, None
    if response.status_code != 200:
        return str(response.json().get("code")), None
    events = [frame.removeprefix("retry: 3000\n").split("\n") for frame in response.text.strip().split("\n\n")]
    told = {lines[0].removeprefix("event: "): lines[1].removeprefix("data: ") for lines in events}
    if "error" in told:
        return str(json.loads(told["error"])["code"]), None
    return ("worded", told["worded"]) if "worded" in told else ("cut", None)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.chat_kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="op-") as folder:
        counted = run(Path(folder), options.kills, options.seed)
    print(json.dumps(vars(counted), indent=1))
    return 0 if counted.good else 1


if __name__ == "__main__":
    sys.exit(main())
