"""Routing over a real store, with strangers on loopback."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from appliance.policy import PolicyEngine
from appliance.routing import Defaults, Providers, Router, Routes
from appliance.shelf import Shelf
from appliance.store import Admitted, Store
from tests.routing.stranger import Stranger


@pytest.fixture
async def stranger() -> AsyncIterator[Stranger]:
    async with Stranger(models=("good", "small")) as running:
        yield running


@pytest.fixture
async def other() -> AsyncIterator[Stranger]:
    async with Stranger(models=("big",)) as running:
        yield running


@pytest.fixture
def run() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="op-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def shelf(store: Store, tmp_path: Path, run: Path) -> AsyncIterator[Shelf]:
    (tmp_path / "shelf").mkdir()
    made = Shelf(store, folder=tmp_path / "shelf" / "models", imports=tmp_path / "shelf" / "import", run=run)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def providers(store: Store, shelf: Shelf, stranger: Stranger, other: Stranger) -> Providers:
    return Providers(store, shelf.force, [stranger.host, other.host, "vllm.plant:8000", "10.0.0.9:80", "[::1]:9"])


@pytest.fixture
async def routes(shelf: Shelf, providers: Providers) -> AsyncIterator[Routes]:
    made = Routes(shelf.force, providers)
    yield made
    await made.close()


@pytest.fixture
def defaults(store: Store) -> Defaults:
    return Defaults(store)


@pytest.fixture
def router(routes: Routes, defaults: Defaults) -> Router:
    return Router(routes, defaults, PolicyEngine())


@pytest.fixture
def admin(admitted: Callable[..., Admitted]) -> Callable[[], Admitted]:
    return lambda: admitted(role="admin", action="models.manage")
