"""What the contract suites need beside the stores themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from appliance.store import Store, Tenant
from tests.contracts.notes import add_notes_to_database, add_notes_to_file, tenant_file


@pytest.fixture
def owner_url(database_url: str | None) -> str | None:
    """The hub's database as the role that owns the tables."""
    if database_url is None:
        return None
    return make_url(database_url).set(username="outpost_owner").render_as_string(hide_password=False)


@pytest.fixture
def noted(store: Store, tenant: Tenant, other_tenant: Tenant, owner_url: str | None, tmp_path: Path) -> Store:
    """The store with the table of `Note` in both tenants, guarded as a migration would."""
    if owner_url is not None:
        add_notes_to_database(owner_url)
    else:
        for one in (tenant, other_tenant):
            add_notes_to_file(*tenant_file(tmp_path / "data", one.id))
    return store
