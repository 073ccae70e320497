"""Every table of a tenant's file is guarded, whoever made it."""

from __future__ import annotations

from sqlalchemy import text

from appliance.store import Purpose, Store, Tenant
from appliance.store.schema import METADATA, Group
from tests.conftest import import_all_tables


async def test_every_table_of_a_tenants_file_refuses_rows_of_others(node_store: Store, tenant: Tenant) -> None:
    import_all_tables()
    async with node_store.open_internal(Purpose.VERIFY, tenant.id) as session:
        triggers = set(await session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")))

    here = [table.name for table in METADATA[Group.TENANT].tables.values() if not table.info.get("hub_only")]
    expected = {f"guard_{table}_{event}" for table in here for event in ("insert", "update")}
    assert expected <= triggers
    assert "guard_meta_delete" in triggers
