"""What really goes wrong on a node is heard of: a part that does not answer, a backup that fails, a file that cannot be read."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import httpx

from tests.node import RunningNode

TENANT = "plant"


def heard(client: httpx.Client, kind: str) -> list[dict[str, Any]]:
    items = client.get("/v1/notifications").raise_for_status().json()["items"]
    return [one["params"] for one in items if one["kind"] == kind]


def done(node: RunningNode, door: httpx.Client, path: str, kind: str) -> str:
    """Have a job done; how it ended."""
    job_id = door.post(path, json={"type": kind}).raise_for_status().json()["job_id"]

    def state() -> str:
        found: str = door.get(f"{path}/{job_id}").raise_for_status().json()["state"]
        return found

    node.wait_for(lambda: state() in {"finished", "failed"}, f"the end of {kind}", seconds=120)
    return state()


def test_what_goes_wrong_on_a_node_is_heard_of(tmp_path: Path) -> None:
    in_the_way = tmp_path / "backups"
    in_the_way.write_text("no directory")
    with (
        RunningNode(tmp_path / "node", demo=False, environment={"OUTPOST_BACKUPS": str(in_the_way)}) as node,
        node.sign_in("admin", TENANT) as admin,
        node.sign_in("operator", TENANT) as operator,
        node.owner(TENANT, timeout=120) as door,
    ):
        assert done(node, door, "/v1/internal/db/jobs", "backup") == "failed"
        assert heard(admin, "upkeep.failed") == [{"type": "backup"}]
        assert heard(operator, "upkeep.failed") == []

        models = node.pids()["models"]
        os.kill(models, signal.SIGSTOP)
        try:
            assert done(node, door, "/v1/jobs", "health.check") == "finished"
        finally:
            os.kill(models, signal.SIGCONT)
        assert {"part": "models"} in heard(admin, "part.down")

        broken = {"file": ("broken.pdf", b"%PDF-1.7\nnothing of a page\n%%EOF", "application/pdf")}
        document = operator.post("/v1/documents/upload", files=broken).raise_for_status().json()["document_id"]
        node.wait_for(lambda: heard(operator, "document.failed"), "news of the file", seconds=120)
        assert heard(operator, "document.failed") == [{"document": document}]
        assert heard(admin, "document.failed") == []
