"""The shelf of a running node: through the command line and over HTTP, with the real chat server behind it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from models.chat.random_gguf import Shape, write
from tests.node import ROOT, RunningNode

INSTANCES = "/v1/models/instances"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    data = tmp_path_factory.mktemp("shelf") / "node"
    with RunningNode(data, demo=False) as running:
        write(data / "import" / "one.gguf", Shape(layers=1, kind="q4_0"))
        write(data / "import" / "two.gguf", Shape(layers=1, kind="q4_0"), seed=3)
        yield running


def outpost(node: RunningNode, *words: str) -> tuple[int, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli", "model", *words, "--data", str(node.data), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def cards(node: RunningNode, *words: str) -> Any:
    command = [sys.executable, "-m", "appliance.cli", "cards", *words, "--data", str(node.data), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout)


def answers(node: RunningNode, name: str) -> bool:
    with node.owner() as door:
        return door.post(f"{INSTANCES}/{name}/tests").status_code == 200


def test_a_model_comes_in_serves_survives_a_kill_and_gives_way(node: RunningNode) -> None:
    assert node.chat_pid() is None
    code, taken = outpost(node, "import", str(node.data / "import" / "one.gguf"), "--as", "one", "--tier", "fast")
    assert (code, taken["state"], taken["tiers"]) == (0, "verified", ["light"])

    code, active = outpost(node, "activate", "one")
    assert (code, active["state"]) == (0, "active")
    assert active["measured"]["decode_tokens_per_s"] > 0
    node.wait_for(lambda: answers(node, "one"), "the model to answer", seconds=20)

    first = node.chat_pid()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    node.wait_for(lambda: node.chat_pid() not in (None, first), "the chat server to be started again", seconds=20)
    node.wait_for(lambda: answers(node, "one"), "it to answer again", seconds=20)

    outpost(node, "import", str(node.data / "import" / "two.gguf"), "--as", "two")
    assert outpost(node, "activate")[1]["name"] == "two"
    node.wait_for(lambda: answers(node, "two"), "the second model to answer", seconds=20)
    assert outpost(node, "rollback")[1]["name"] == "one"
    node.wait_for(lambda: answers(node, "one"), "the first one to answer", seconds=20)

    code, listed = outpost(node, "list")
    assert {one["name"]: one["state"] for one in listed["items"]} == {"one": "active", "two": "retired"}
    assert {one["kind"] for one in listed["built_in"]} >= {"embed", "read"}

    # The worker asks the model of this node; there is no document that it could say anything of.
    made = cards(node, "build", "--wait")
    assert (made["state"], made["result"]) == ("finished", {"cards": 0})
    assert cards(node, "list") == {"items": []}

    assert outpost(node, "deactivate")[0] == 0
    node.wait_for(lambda: node.chat_pid() is None, "the chat server to end", seconds=20)
    with node.owner() as door:
        chat = door.get("/v1/health/components/chat").json()
    assert chat["state"] == "ok"
    code, history = outpost(node, "history")
    assert [one["what"] for one in history["items"]] == [
        "deactivated", "rolled-back", "activated", "imported", "activated", "imported",
    ]  # fmt: skip


def test_the_chat_server_never_serves_a_file_that_was_swapped_under_it(node: RunningNode) -> None:
    outpost(node, "import", str(node.data / "import" / "one.gguf"), "--as", "swapped")
    _, active = outpost(node, "activate", "swapped")
    node.wait_for(lambda: answers(node, "swapped"), "the model to answer", seconds=20)
    shutil.copy(node.data / "import" / "two.gguf", node.data / "models" / active["id"] / "model.gguf")

    pid = node.chat_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    for _ in range(5):
        time.sleep(0.3)
        assert not answers(node, "swapped")

    code, problem = outpost(node, "verify", "swapped")
    assert (code, problem["code"]) == (16, "model-refused")
    with node.owner() as door:
        assert door.get("/health/ready").status_code == 200


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("import", "none.gguf", "--as", "x"), 2, "bad-model-name"),
        (("import", __file__, "--as", "x"), 16, "model-refused"),
        (("activate", "nobody"), 12, "no-such-model"),
        (("test", "nobody"), 12, "no-such-model"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(
    node: RunningNode, words: tuple[str, ...], code: int, said: str
) -> None:
    ended, problem = outpost(node, *words)

    assert (ended, problem["code"]) == (code, said)
    assert problem["hint"]


def test_a_model_server_is_stopped_by_its_id_started_afresh_and_both_stand_in_the_history(node: RunningNode) -> None:
    pid = node.pids()["models"]
    with node.owner() as door:
        stopped = door.delete(f"/v1/admin/processes/{pid}")
        assert (stopped.status_code, stopped.json()) == (202, {"process": "models", "pid": pid})
        node.wait_for(lambda: node.pids().get("models") not in (None, pid), "the model server's successor", seconds=20)
        happened = door.get("/v1/admin/processes/history/processes").json()["items"]

    of_models = [(one["event"], one["pid"]) for one in happened if one["process"] == "models"]
    assert of_models[:2] == [("started", node.pids()["models"]), ("ended", pid)]
    with node.owner() as door:
        again = door.delete(f"/v1/admin/processes/{pid}")
    assert (again.status_code, again.json()["code"]) == (404, "no-such-model-server")


@pytest.mark.parametrize("name", ["web", "worker", "supervisor"])
def test_no_other_process_of_the_node_can_be_stopped(node: RunningNode, name: str) -> None:
    pid = node.pids()[name]
    with node.owner() as door:
        refused = door.delete(f"/v1/admin/processes/{pid}")
    assert (refused.status_code, refused.json()["code"]) == (404, "no-such-model-server")
    assert node.pids()[name] == pid


def test_one_bad_item_of_several_is_refused_alone(node: RunningNode) -> None:
    new = [{"file": str(node.data / "import" / file), "name": name} for file, name in
           (("one.gguf", "first"), ("none.gguf", "missing"), ("two.gguf", "second"))]  # fmt: skip
    with node.owner() as door:
        made = door.post("/v1/batch/models/bulk-create", json={"items": new}).json()
        assert [(one["item"], one["status"], one["code"]) for one in made["items"]] == [
            ("first", "done", None), ("missing", "refused", "bad-model-name"), ("second", "done", None),
        ]  # fmt: skip
        waiting = door.get("/v1/admin/ops/preview-staged").json()["items"]
        assert {"first", "second"} <= {one["model"]["name"] for one in waiting if one["fits"]}

        gone = door.request("DELETE", "/v1/batch/models/bulk-delete", json={"models": ["first", "nobody", "second"]})
        assert [(one["item"], one["code"]) for one in gone.json()["items"]] == [
            ("first", None), ("nobody", "no-such-model"), ("second", None),
        ]  # fmt: skip
        left = {one["name"] for one in door.get(INSTANCES).json()["items"]}
    assert not {"first", "second"} & left


def test_all_of_several_or_none(node: RunningNode) -> None:
    new = [{"file": str(node.data / "import" / file), "name": name} for file, name in
           (("one.gguf", "third"), ("none.gguf", "missing"), ("two.gguf", "fourth"))]  # fmt: skip
    with node.owner() as door:
        before = {one["id"] for one in door.get(INSTANCES).json()["items"]}
        body = {"items": new, "all_or_nothing": True}
        made = door.post("/v1/batch/models/bulk-create", json=body).json()
        assert [one["status"] for one in made["items"]] == ["undone", "refused", "undone"]
        assert {one["id"] for one in door.get(INSTANCES).json()["items"]} == before

        taken = [door.post(INSTANCES, json=one).json()["name"] for one in (new[0], new[2])]
        wanted = {"models": [taken[0], "nobody", taken[1]], "all_or_nothing": True}
        gone = door.request("DELETE", "/v1/batch/models/bulk-delete", json=wanted).json()
        assert [one["status"] for one in gone["items"]] == ["undone", "refused", "undone"]
        wanted["models"] = taken
        gone = door.request("DELETE", "/v1/batch/models/bulk-delete", json=wanted).json()
        assert (gone["done"], gone["refused"]) == (2, 0)
        assert {one["id"] for one in door.get(INSTANCES).json()["items"]} == before
