from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.store import Store
from tests.identity.site import Site


@pytest.fixture
def site(node_store: Store) -> Iterator[Site]:
    """Identity on a node."""
    site = Site(node_store)
    yield site
    site.close()


@pytest.fixture
def either_site(store: Store) -> Iterator[Site]:
    """Identity over SQLCipher, then over PostgreSQL: for what the database has a say in."""
    site = Site(store)
    yield site
    site.close()
