"""A power cut at any step leaves the model in force as it was, and nothing half done."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.shelf import Shelf
from appliance.store import Admitted, open_store
from models.chat.random_gguf import Shape, write
from tests.conftest import Template, import_all_tables, no_record

CHILD = """
import asyncio, datetime as dt, os, sys
from pathlib import Path

from appliance.shelf import Measured, Shelf, files, service
from appliance.store import Decision, Principal, RecordRef, new_id, open_store
from appliance.store.admission import minter
from tests.conftest import import_all_tables, no_record

data, place, model, step = (*map(Path, sys.argv[1:4]), sys.argv[4])


def dies(*_, **__):
    os._exit(9)


async def passes(*_, **__):
    if step == "in the trial":
        dies()
    return Measured(400.0, 40.0, 0.5, 2**28, 1, 2, 2048, dt.datetime.now(dt.UTC))


def after(work):
    def done(*given):
        work(*given)
        dies()
    return done


async def main():
    import_all_tables()
    store = await open_store(data)
    store.post_record = no_record
    shelf = Shelf(store, folder=place / "models", imports=place / "import", run=place)
    await shelf.start()
    tenant = (await store.tenants())[0]
    principal = Principal(new_id(), "owner", tenant.id, "owner", "admin", 4)
    mint = minter()

    def owner():
        return mint(principal=principal, action="models.manage", decision=Decision(True, ("t",), "t"),
                    pre=RecordRef("t", 0, new_id()), correlation_id=new_id(), resource_type=None, resource_id=None, started_ns=0)

    service.tried = passes
    if step == "first":
        await shelf.take_in(owner(), model, name="old")
        await shelf.activate(owner(), "old")
        return await store.close()
    if step == "half way through the copy":
        files.BLOCK = 4096
        shelf._turns.progress = lambda phase, size: lambda done: dies() if done > size // 2 else None
    elif step == "before the copy is adopted":
        files.adopt = dies
    elif step == "after the copy is adopted":
        files.adopt = after(files.adopt)
    await shelf.take_in(owner(), model, name="new")
    if step == "before the pointer is moved":
        service.queries.put_in_force = dies
    elif step == "within the transaction that moves it":
        service.queries.happened = dies
    elif step == "after the pointer is moved":
        shelf.force.publish = dies
    await shelf.activate(owner(), "new")
    os._exit(0)


asyncio.run(main())
"""

BEFORE = (
    "half way through the copy", "before the copy is adopted", "after the copy is adopted", "in the trial",
    "before the pointer is moved", "within the transaction that moves it",
)  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("models")
    for number, name in enumerate(("old", "new")):
        write(folder / f"{name}.gguf", Shape(layers=1, kind="q4_0"), seed=number)
    return folder / "old.gguf", folder / "new.gguf"


def child(data: Path, place: Path, model: Path, step: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(data), str(place), str(model), step],
        cwd=Path(__file__).parents[2],
        check=False,
        timeout=60,
    )
    return done.returncode


@pytest.mark.parametrize(
    ("step", "left"), [*((step, "old") for step in BEFORE), ("after the pointer is moved", "new")], ids=str
)
async def test_killed(
    node_template: Template,
    tmp_path: Path,
    models: tuple[Path, Path],
    admitted: Callable[..., Admitted],
    step: str,
    left: str,
) -> None:
    import shutil

    data, place = tmp_path / "data", tmp_path / "place"
    shutil.copytree(node_template.data, data)
    place.mkdir()
    old, new = models
    assert await asyncio.to_thread(child, data, place, old, "first") == 0
    assert await asyncio.to_thread(child, data, place, new, step) == 9

    import_all_tables()
    store = await open_store(data)
    store.post_record = no_record
    shelf = Shelf(store, folder=place / "models", imports=place / "import", run=place)
    await shelf.start()
    assert shelf._starting is not None
    await asyncio.wait_for(shelf._starting, 30)
    try:
        found = await shelf.packages(admitted(kind="owner", role="admin"))
        active = [one.name for one in found if one.state == "active"]
        assert active == [left]
        assert [one["name"] for one in json.loads((place / "serving.json").read_text())] == [left]
        assert sorted(one.name for one in (place / "models").iterdir()) == sorted(str(one.id) for one in found)
        # And what was begun can be done again.
        again = await shelf.take_in(admitted(kind="owner", role="admin"), new, name="again")
        assert again.state == "verified"
    finally:
        await shelf.close()
        await store.close()
