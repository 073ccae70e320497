"""A plant whose library obeys holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.store import Store, Tenant
from tests.documents.plant import Plant, plant_on


@pytest.fixture
async def plant(store: Store, tenant: Tenant, tmp_path: Path) -> AsyncIterator[Plant]:
    async with plant_on(store, tenant, tmp_path) as plant:
        yield plant
