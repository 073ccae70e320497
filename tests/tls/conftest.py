from __future__ import annotations

from pathlib import Path

import pytest

from appliance.tls.place import Place
from tests.tls.plant_authority import PlantAuthority


@pytest.fixture(scope="session")
def plant_authority() -> PlantAuthority:
    return PlantAuthority()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def place(data: Path) -> Place:
    return Place(data, bytes(range(32)))
