"""A tenant's rows, blobs and secrets are out of reach of every other tenant, also for SQL that means harm."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError

from appliance.errors import Damaged
from appliance.store import AUDIT, CONTROL, Admitted, Purpose, Store, Tenant, TenantId, new_id, open_store
from appliance.store.errors import UnknownBlob, UnknownTenant
from appliance.store.tables import MetaRow
from tests.contracts.notes import Note

MakeAdmitted = Callable[..., Admitted]
REFUSED = r"another tenant|row-level security"


@pytest.fixture
async def secret_note(noted: Store, other_tenant: Tenant) -> Store:
    """The other tenant keeps a secret."""
    async with noted.open_internal(Purpose.SEED, other_tenant.id, write=True) as session:
        session.add(Note(text="the recipe of the south"))
    return noted


async def notes_of(store: Store, tenant: Tenant) -> list[str]:
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        return list(await session.scalars(select(Note.text)))


async def test_a_query_without_a_filter_finds_only_the_own_tenant(secret_note: Store, admitted: MakeAdmitted) -> None:
    async with secret_note.open_session(admitted()) as session:
        assert (await session.scalars(select(Note))).all() == []
        assert (await session.execute(text("SELECT * FROM notes"))).all() == []


async def test_a_query_that_names_another_tenant_finds_nothing(
    secret_note: Store, admitted: MakeAdmitted, other_tenant: Tenant
) -> None:
    async with secret_note.open_session(admitted()) as session:
        wanted = select(Note).where(Note.tenant_id == other_tenant.id)
        assert (await session.scalars(wanted)).all() == []


async def test_changing_and_deleting_do_not_reach_another_tenant(
    secret_note: Store, admitted: MakeAdmitted, other_tenant: Tenant
) -> None:
    async with secret_note.open_session(admitted(), write=True) as session:
        await session.execute(text("UPDATE notes SET text = 'spoilt'"))
        await session.execute(text("DELETE FROM notes"))

    assert await notes_of(secret_note, other_tenant) == ["the recipe of the south"]


async def test_a_row_for_another_tenant_is_refused(noted: Store, admitted: MakeAdmitted, other_tenant: Tenant) -> None:
    with pytest.raises(DBAPIError, match=REFUSED):
        async with noted.open_session(admitted(), write=True) as session:
            session.add(Note(text="planted", tenant_id=other_tenant.id))
    with pytest.raises(DBAPIError, match=REFUSED):
        async with noted.open_session(admitted(), write=True) as session:
            await session.execute(insert(Note).values(text="planted", tenant_id=other_tenant.id))

    assert await notes_of(noted, other_tenant) == []


async def test_a_row_cannot_be_moved_to_another_tenant(
    noted: Store, admitted: MakeAdmitted, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with noted.open_session(admitted(), write=True) as session:
        session.add(Note(text="mine"))

    with pytest.raises(DBAPIError, match=REFUSED):
        async with noted.open_session(admitted(), write=True) as session:
            await session.execute(update(Note).values(tenant_id=other_tenant.id))

    assert await notes_of(noted, tenant) == ["mine"]
    assert await notes_of(noted, other_tenant) == []


async def test_sessions_of_two_tenants_in_turn_do_not_mix(
    noted: Store, admitted: MakeAdmitted, tenant: Tenant, other_tenant: Tenant
) -> None:
    for number in range(6):
        for one in (tenant, other_tenant):
            async with noted.open_session(admitted(tenant=one), write=True) as session:
                session.add(Note(text=f"{one.slug} {number}"))

    assert set(await notes_of(noted, tenant)) == {f"north {number}" for number in range(6)}
    assert set(await notes_of(noted, other_tenant)) == {f"south {number}" for number in range(6)}


async def test_the_tables_of_a_tenant_are_out_of_reach_from_those_of_the_node(secret_note: Store) -> None:
    for where in (CONTROL, AUDIT):
        with pytest.raises(Exception, match=r"notes|tables of this release"):
            async with secret_note.open_internal(Purpose.VERIFY, where) as session:
                await session.execute(text("SELECT * FROM notes"))


async def test_an_unknown_tenant_has_no_session(noted: Store) -> None:
    with pytest.raises(UnknownTenant):
        async with noted.open_internal(Purpose.VERIFY, TenantId(new_id())):
            pass


async def test_a_file_cannot_change_hands(noted: Store, tenant: Tenant, other_tenant: Tenant, backend: str) -> None:
    attacks = [
        f"UPDATE meta SET tenant_id = '{other_tenant.id.hex}'",
        f"INSERT INTO meta (tenant_id, created_at) VALUES ('{other_tenant.id.hex}', '2026-01-01 00:00:00')",
    ]
    for attack in attacks:
        with pytest.raises(DBAPIError, match=REFUSED):
            async with noted.open_internal(Purpose.SEED, tenant.id, write=True) as session:
                await session.execute(text(attack))

    async with noted.open_internal(Purpose.VERIFY, tenant.id) as session:
        assert (await session.scalars(select(MetaRow.tenant_id))).all() == [tenant.id]


async def test_equal_uploads_of_two_tenants_have_unrelated_names(
    noted: Store, tenant: Tenant, other_tenant: Tenant
) -> None:
    mine = await noted.blobs.put(tenant.id, b"the same manual")
    theirs = await noted.blobs.put(other_tenant.id, b"the same manual")

    assert mine != theirs
    assert not await noted.blobs.exists(tenant.id, theirs)
    with pytest.raises(UnknownBlob):
        await noted.blobs.get(tenant.id, theirs)


async def test_a_blob_carried_into_another_tenants_folder_does_not_open(
    noted: Store, tenant: Tenant, other_tenant: Tenant
) -> None:
    name = await noted.blobs.put(other_tenant.id, b"the recipe of the south")
    theirs = noted.data / "tenants" / str(other_tenant.id) / "blobs" / name[:2] / name
    mine = noted.data / "tenants" / str(tenant.id) / "blobs" / name[:2] / name
    mine.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(theirs, mine)

    with pytest.raises(Damaged):
        await noted.blobs.get(tenant.id, name)


async def test_secrets_differ_by_tenant_and_by_name_and_stay_the_same(
    noted: Store, tenant: Tenant, other_tenant: Tenant, database_url: str | None
) -> None:
    secrets = {
        noted.secret("cursor"),
        noted.secret("token-signing"),
        noted.tenant_secret(tenant.id, "cursor"),
        noted.tenant_secret(tenant.id, "personal"),
        noted.tenant_secret(other_tenant.id, "cursor"),
    }
    again = await open_store(noted.data, database_url)

    assert len(secrets) == 5
    assert {len(secret) for secret in secrets} == {32}
    assert again.secret("cursor") == noted.secret("cursor")
    assert again.tenant_secret(tenant.id, "cursor") == noted.tenant_secret(tenant.id, "cursor")
    await again.close()


async def test_destroying_a_tenants_key_ends_all_access_to_its_data(
    noted: Store, tenant: Tenant, other_tenant: Tenant, database_url: str | None, tmp_path: Path
) -> None:
    name = await noted.blobs.put(tenant.id, b"to be erased")
    noted._keyring.destroy(f"tenant-{tenant.id}")
    again = await open_store(noted.data, database_url)

    with pytest.raises(Damaged):
        await again.blobs.get(tenant.id, name)
    with pytest.raises(Damaged):
        again.tenant_secret(tenant.id, "personal")
    async with again.open_internal(Purpose.VERIFY, other_tenant.id) as session:
        assert (await session.scalars(select(MetaRow.tenant_id))).all() == [other_tenant.id]
    await again.close()
