"""The library on both databases (`plant`), and on files with the real index (`node_plant`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.retrieval.engines import SqliteEngine
from appliance.retrieval.index import PassageIndex
from appliance.store import Store, Tenant
from tests.documents.plant import Plant, plant_on


@pytest.fixture
async def plant(store: Store, tenant: Tenant, tmp_path: Path) -> AsyncIterator[Plant]:
    async with plant_on(store, tenant, tmp_path) as plant:
        yield plant


@pytest.fixture
async def node_plant(node_store: Store, tenant: Tenant, tmp_path: Path) -> AsyncIterator[Plant]:
    async with plant_on(node_store, tenant, tmp_path, index=PassageIndex(SqliteEngine())) as plant:
        yield plant
