"""A library on each store, with its database's real text and vector index."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.retrieval.engines import Engine, SqliteEngine
from appliance.retrieval.postgres_engine import PostgresEngine
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
def engine(backend: str) -> Engine:
    return PostgresEngine() if backend == "postgres" else SqliteEngine()


@pytest.fixture
def library(store: Store, asker: Asker, engine: Engine) -> Library:
    store.post_record = no_record
    return Library(store, asker, engine)
