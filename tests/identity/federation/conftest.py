from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.store import Store
from tests.identity.federation.company import FederatedSite, Issuer, write_keys


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def site(node_store: Store, tmp_path: Path, issuer: Issuer) -> AsyncIterator[FederatedSite]:
    """Identity on a node with the issuer's keys in a file and no network."""
    site = FederatedSite(node_store, tmp_path)
    write_keys(site.key_file, issuer)
    yield site
    await site.issuer_keys.close()
    site.close()


@pytest.fixture
async def either_site(store: Store, tmp_path: Path, issuer: Issuer) -> AsyncIterator[FederatedSite]:
    """The same over SQLCipher, then over PostgreSQL: for what the database has a say in."""
    site = FederatedSite(store, tmp_path)
    write_keys(site.key_file, issuer)
    yield site
    await site.issuer_keys.close()
    site.close()
