"""One node for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.plant import Plant, running_plant


@pytest.fixture(scope="package")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with running_plant(tmp_path_factory.mktemp("plant")) as plant:
        yield plant
