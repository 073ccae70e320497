"""A library on the encrypted store, with its real text and vector index."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.store import Admitted, Store
from tests.conftest import no_record
from tests.retrieval.library import Library

Asker = Callable[..., Admitted]


@pytest.fixture
def asker(admitted: Asker) -> Asker:
    """`admitted`, for somebody who searches."""

    def make(**about: object) -> Admitted:
        return admitted(action="search.query", **about)

    return make


@pytest.fixture
def library(node_store: Store, asker: Asker) -> Library:
    node_store.post_record = no_record
    return Library(node_store, asker)
