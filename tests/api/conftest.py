"""The node of this folder's tests."""

from __future__ import annotations

import pytest

from tests.api.plant import Plant, shared_plant


@pytest.fixture(scope="session")
def plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return shared_plant(request.config, tmp_path_factory.mktemp("plant"))
