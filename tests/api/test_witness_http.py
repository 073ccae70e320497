"""Two nodes that run: one asks over HTTP with a key that may do nothing else, the other vouches for it while both work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from appliance.cli import app
from tests.api.plant import TENANT, Plant, running_plant
from tests.audit.test_export import checked


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with running_plant(tmp_path_factory.mktemp("witness")) as plant:
        yield plant


async def test_a_node_that_runs_is_witnessed_over_http_by_one_that_runs(
    plant: Plant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The node asks itself: the two parts share nothing but what travels."""
    stick = tmp_path / "stick"
    stick.mkdir()

    async def outpost(*words: str) -> str:
        code = await asyncio.to_thread(
            app, ["audit", *words, "--data", str(plant.node.data), "--json"], exit_on_error=False
        )
        assert code == 0
        return capsys.readouterr().out

    keys = json.loads(await outpost("witness", "show"))
    await outpost("witness", "watch", keys["public_key"])
    await outpost("witness", "trust", keys["witness_key"])
    await outpost("witness", "request", str(stick))
    with ExitStack() as stack:
        door = stack.enter_context(plant.node.owner(TENANT))
        body = {"name": "witness", "scopes": ["audit.cosign"], "role": "admin"}
        key = door.post("/v1/api-keys", json=body).raise_for_status().json()["key"]
        program = stack.enter_context(httpx.Client(base_url=plant.node.url, headers={"authorization": f"Bearer {key}"}))
        assert program.get("/v1/audit").status_code == 403
        for path in stick.glob("*.request"):
            answer = program.post(
                "/v1/witness/add-checkpoint", content=path.read_bytes(), headers={"content-type": "text/plain"}
            )
            assert answer.status_code == 200, answer.text
            path.with_suffix(".answer").write_text(answer.text)
            again = program.post("/v1/witness/add-checkpoint", content=path.read_bytes())
            assert (again.status_code, again.headers["content-type"]) == (409, "text/x.tlog.size")
        await outpost("witness", "take", str(stick))

        told = door.get("/v1/audit/checkpoint").raise_for_status().json()
        assert told["last_witnessed"] is not None
        assert told["witnessed_by"] == keys["witness_key"].partition("+")[0]
        assert door.get("/v1/audit/heads").raise_for_status().json()["signed_note"].startswith("outpost/")
        assert plant.person("admin").get("/v1/audit/heads").status_code == 403
    await outpost("export", str(tmp_path / "record.jsonl"), "--tenant", TENANT)
    status, said = await checked(tmp_path / "record.jsonl", "--witness", keys["witness_key"])
    assert status == 0, said
