"""Two models of a running node and a server of the plant: who answers what, and who does when one falls."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.bench_stranger import stranger
from models.chat.random_gguf import Shape, write
from tests.faults.chat_kills import MANUAL, QUESTION
from tests.node import ROOT, RunningNode

PROVIDERS = "/v1/admin/models/providers"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for number, name in enumerate(("quick", "good", "theirs")):
        write(folder / f"{name}.gguf", Shape(layers=1, kind="q4_0"), seed=number)
    return folder


@pytest.fixture(scope="module")
def hall(files: Path) -> Iterator[str]:
    """The address of `llama_cpp.server`, a stranger's, somewhere in the plant."""
    with stranger(files / "theirs.gguf", 1, named="theirs") as address:
        yield address


@pytest.fixture(scope="module")
def node(files: Path, hall: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """With `quick` in force for plain questions and `good` for hard ones."""
    listed = {"OUTPOST_MODEL_HOSTS": hall.removeprefix("http://")}
    with RunningNode(tmp_path_factory.mktemp("routing") / "node", demo=False, environment=listed) as running:
        with running.owner(timeout=120) as door:
            manual = {"file": ("manual.md", MANUAL.encode(), "text/markdown")}
            metadata = {"metadata": '{"assets": ["P-101A"]}'}
            door.post("/v1/documents/upload", files=manual, data=metadata).raise_for_status()
            for name, tier in (("quick", "fast"), ("good", "heavy")):
                file = str(files / f"{name}.gguf")
                assert outpost(running, "model", "import", file, "--as", name, "--tier", tier)[0] == 0
                assert outpost(running, "model", "activate", name)[0] == 0
            for name in ("quick", "good"):
                running.wait_for(
                    lambda name=name: door.post(f"/v1/models/instances/{name}/tests").status_code == 200,
                    name,
                    seconds=30,
                )
            running.wait_for(
                lambda: door.post("/v1/chat", json={"message": QUESTION}).json()["kind"] == "quoted",
                "a quote",
                seconds=60,
            )
        yield running


@pytest.fixture(autouse=True)
def settled(node: RunningNode) -> None:
    """Both models of the node answer, and nobody is kept from them: the test before may have ended either."""

    def both() -> bool:
        with node.owner() as door:
            if any(door.post(f"/v1/models/instances/{name}/tests").status_code != 200 for name in ("quick", "good")):
                return False
            routes = door.get(f"{PROVIDERS}/local").json()["routes"]
        return len(routes) == 2 and all(one["breaker"] != "open" for one in routes)

    node.wait_for(both, "both models to answer", seconds=60)


def outpost(node: RunningNode, *words: str) -> tuple[int, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli", *words, "--data", str(node.data), "--json"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


def worded(node: RunningNode, served_by: str = "") -> dict[str, Any]:
    """How an answer in words ended, or the problem that it was."""
    with node.owner() as door:
        answer = door.post("/v1/chat/words", json={"message": QUESTION, "served_by": served_by})
    if answer.status_code != 200:
        problem: dict[str, Any] = answer.json()
        return problem
    events = [frame.removeprefix("retry: 3000\n").split("\n") for frame in answer.text.strip().split("\n\n")]
    told: dict[str, Any] = next(
        json.loads(two[1].removeprefix("data: ")) for two in events if two[0] == "event: worded"
    )
    return told


def test_each_tier_has_its_own_server_and_who_is_asked_for_answers(node: RunningNode) -> None:
    assert {name for name in node.pids() if name.startswith("chat")} == {"chat quick", "chat good"}

    assert worded(node, "light")["served_by"] == "quick"
    assert worded(node, "heavy")["served_by"] == "good"
    assert worded(node, "good")["served_by"] == "good"
    assert worded(node, "gpt-4")["code"] == "no-such-route"


def test_where_the_quick_model_says_nothing_that_is_so_the_best_is_asked_once(node: RunningNode) -> None:
    told = worded(node)

    # Both are of random weights: nothing that they say is in the manual, and nothing of it is shown.
    assert (told["served_by"], told["text"]) == ("good", "")
    with node.owner() as door:
        assert 'outpost_escalated_total{why="nothing released"}' in door.get("/metrics").text


def test_when_a_server_falls_the_other_answers_in_its_place(node: RunningNode) -> None:
    for _ in range(3):
        pid = node.chat_pid("quick")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert worded(node, "light")["served_by"] in ("quick", "good")
        node.wait_for(lambda pid=pid: node.chat_pid("quick") not in (None, pid), "its successor", seconds=20)


def test_what_is_held_does_not_run_and_what_is_released_does(node: RunningNode) -> None:
    assert outpost(node, "model", "hold", "heavy")[1]["held"] is True
    node.wait_for(lambda: node.chat_pid("good") is None, "it to end", seconds=20)
    assert worded(node, "heavy")["served_by"] == "quick"

    assert outpost(node, "model", "hold", "heavy", "--release")[1]["held"] is False
    node.wait_for(lambda: node.chat_pid("good") is not None, "it to start", seconds=20)
    who = json.loads((node.data / "credentials.json").read_text())[0]
    with node.sign_in("admin", who["tenant"]) as admin:
        refused = admin.post("/v1/internal/ops/auto-start-override", json={"tier": "heavy", "auto_start": False})
    assert (refused.status_code, node.chat_pid("good") is not None) == (403, True)


def test_a_server_of_the_plant_is_taken_measured_asked_paid_for_and_left(node: RunningNode, hall: str) -> None:
    code, made = outpost(node, "provider", "add", "hall", hall, "theirs=standard,heavy", "--priority", "10")
    assert (code, made["models"][0]["tiers"]) == (0, ["standard", "heavy"])
    assert made["models"][0]["decode_tokens_per_s"] > 0

    assert worded(node, "heavy")["served_by"] == "hall/theirs"
    _, listed = outpost(node, "provider", "list")
    assert [one["name"] for one in listed["items"]] == ["local", "hall"]
    _, used = outpost(node, "usage")
    assert "hall/theirs" in {one["model"] for one in used["items"]}

    # Its budget is used up: the node's own answers, and nobody is told to wait.
    assert outpost(node, "budget", "set", "1", "--of", "hall")[1]["scope"] == "provider"
    assert worded(node, "heavy")["served_by"] == "good"

    assert outpost(node, "model", "default", "heavy", "--scope", "global")[1]["default"]["choice"] == "heavy"
    assert outpost(node, "model", "default", "--scope", "global", "--forget")[1]["default"]["choice"] == "auto"
    assert outpost(node, "provider", "set", "hall", "--main")[0] == 0
    with node.owner() as door:
        assert door.get(f"{PROVIDERS}/main").json()["name"] == "hall"
        assert door.get("/v1/health/components/chat").json()["state"] == "ok"
    assert outpost(node, "provider", "set", "hall", "--off")[1]["enabled"] is False
    assert outpost(node, "provider", "remove", "hall")[1] == {"removed": "hall"}


def test_what_is_not_listed_or_does_not_answer_is_refused_with_its_reason(node: RunningNode) -> None:
    elsewhere = outpost(node, "provider", "add", "cloud", "https://api.openai.com", "gpt-4=heavy")
    assert (elsewhere[0], elsewhere[1]["code"]) == (16, "address-refused")
    assert "OUTPOST_MODEL_HOSTS" in elsewhere[1]["hint"]
    assert outpost(node, "provider", "add", "hall", "http://127.0.0.1:1", "x")[1]["code"] == "bad-provider"
    assert outpost(node, "provider", "test", "nobody")[1]["code"] == "no-such-provider"
    assert outpost(node, "provider", "remove", "local")[1]["code"] == "bad-provider"
