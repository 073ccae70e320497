"""Killed at any of its steps, making a data directory or a tenant leaves either nothing or something complete."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from appliance.store import Purpose, Store, open_store, renew_recovery_code
from tests.conftest import Template


async def died(root: Path, *what: str) -> list[Path]:
    """The directories that the killed processes left, and last the one of the process that was not killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.store.dying", str(root), *what, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0
    return [root / str(count) for count in range(1, int(out) + 2)]


@asynccontextmanager
async def reopened(data: Path) -> AsyncIterator[Store]:
    """The store as the next start finds it; every tenant it lists can be used."""
    store = await open_store(data)
    await store.migrate()
    for tenant in await store.tenants():
        async with store.open_internal(Purpose.VERIFY, tenant.id, write=True):
            pass
        name = await store.blobs.put(tenant.id, b"manual")
        assert await store.blobs.get(tenant.id, name) == b"manual"
    yield store
    await store.close()


async def test_a_tenant_whose_making_was_killed_is_complete_or_not_there(
    node_template: Template, tmp_path: Path
) -> None:
    directories = await died(tmp_path, "tenant", str(node_template.data))
    made = []

    for data in directories:
        async with reopened(data) as store:
            slugs = [tenant.slug for tenant in await store.tenants()]
            made.append("east" in slugs)
            if "east" not in slugs:
                assert slugs == ["north", "south"]
                await store.create_tenant("east", "East plant")
        async with reopened(data) as store:
            assert [tenant.slug for tenant in await store.tenants()] == ["east", "north", "south"]

    assert len(directories) > 8, "there are steps in between at which it was killed"
    assert made == [False] * (len(directories) - 1) + [True]


async def test_a_data_directory_whose_making_was_killed_is_made_by_the_next_start(tmp_path: Path) -> None:
    for data in await died(tmp_path, "open"):
        async with reopened(data) as store:
            assert await store.tenants() == []
        # The code of a start that was killed was perhaps shown to nobody.
        renew_recovery_code(data / "keys")
