"""Plants that were deleted: erased when their day has come, all of them and nothing of any other, whatever is killed meanwhile."""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib
import inspect as python
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.audit.recovery import recover
from appliance.audit.tables import LeafRow
from appliance.audit.verify import verify
from appliance.gate import Gate
from appliance.identity.errors import NoTenant
from appliance.identity.tenants import GRACE, LastTenant, NotConfirmed, Tenants
from appliance.identity.values import NewApiKey
from appliance.jobs import enqueue
from appliance.policy import DEFAULT_PACK, PolicyEngine
from appliance.policy.pack import parse, read
from appliance.seeding import _tenants as wanted_tenants
from appliance.shelf.spending import Spending
from appliance.store import AUDIT, CONTROL, BlobName, Group, Purpose, Store, Tenant, TenantId, new_id, open_store
from appliance.store.admission import minter
from appliance.store.errors import TenantExists, UnknownBlob, UnknownTenant
from appliance.store.schema import METADATA
from appliance.upkeep import Purging
from appliance.upkeep.purging import PURGED
from appliance.upkeep.values import upkeep_of
from tests.conftest import import_all_tables
from tests.identity.site import Device, Site
from tests.upkeep.conftest import POLICY, Clock

START = dt.datetime(2026, 3, 2, 6, 0, tzinfo=dt.UTC)


class Killed(BaseException):
    """The power went."""


@dataclass
class Process:
    """One process of the node, with all that purging stands on."""

    store: Store
    recorder: Recorder
    gate: Gate
    purging: Purging

    async def close(self) -> None:
        await self.gate.close()
        await self.recorder.close()


@dataclass
class Plants:
    """A node with two plants, in both of which people have worked."""

    store: Store
    clock: Clock
    exports: Path
    database_url: str | None
    south: Tenant
    north: Tenant
    blobs: dict[str, BlobName]

    def process(self, store: Store, policy: PolicyEngine = POLICY) -> Process:
        recorder = Recorder(store, Instance(store.data / "run"))
        gate = Gate(policy, recorder, minter())
        store.post_record = gate.post_record
        return Process(store, recorder, gate, Purging(store, gate, recorder, self.exports, clock=self.clock))

    async def restarted(self) -> Process:
        store = await open_store(self.store.data, self.database_url)
        process = self.process(store)
        await store.migrate()
        await recover(store, process.recorder)
        return process

    async def delete(self, process: Process, tenant: Tenant, **how: Any) -> Tenant:
        owner = replace(upkeep_of(self.north.id), kind="owner")
        async with process.gate.admit(owner, "tenants.delete") as admitted:
            return await Tenants(process.store, clock=self.clock).delete(
                admitted, tenant.id, **({"confirm": tenant.slug} | how)
            )


@pytest.fixture
async def plants(
    store: Store, tenant: Tenant, other_tenant: Tenant, tmp_path: Path, database_url: str | None
) -> AsyncIterator[Plants]:
    import_all_tables()
    site, blobs = Site(store), {}
    for one in (tenant, other_tenant):
        blobs[one.slug] = await fill(store, site, one)
        (tmp_path / "exports" / str(one.id)).mkdir(parents=True)
        (tmp_path / "exports" / str(one.id) / "record.csv").write_text("Nora", encoding="utf-8")
    site.close()
    yield Plants(store, Clock(START), tmp_path / "exports", database_url, other_tenant, tenant, blobs)


async def fill(store: Store, site: Site, tenant: Tenant) -> BlobName:
    """People who signed in with a second factor, a kiosk, a key, a job, use of a model, and a stored file."""
    await site.add(tenant, "ada", "admin")
    ada = await site.principal(tenant, "ada")
    await site.with_app(tenant, ada)
    await site.enrolled(tenant, Device())
    await site.api_keys.create(site.admitted(tenant, principal=ada), NewApiKey("line", frozenset({"auth.me"}), days=9))
    used = await Spending(store).reserve(ada, model="small", purpose="words", tokens=9)
    assert used.tokens == 9
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        await enqueue(session, kind="demo", payload={}, owner=ada)
    return await store.blobs.put(tenant.id, b"The pump of " + tenant.slug.encode())


async def everything(store: Store, where: Any) -> dict[str, list[str]]:
    """All rows of a group as text, by table; of the catalogue, not of what we declare."""
    async with store.open_internal(Purpose.VERIFY, where) as session:
        connection = await session.connection()
        schema = None if connection.dialect.name == "sqlite" else where.value if isinstance(where, Group) else "tenant"
        names = set(await connection.run_sync(lambda bare: inspect(bare).get_table_names(schema)))
        found: dict[str, list[str]] = {}
        for name, table in METADATA[where if isinstance(where, Group) else Group.TENANT].tables.items():
            if name not in names:
                continue  # of the other database alone
            rows = await session.execute(select(*(column for column in table.columns)))
            found[name] = sorted(repr(tuple(row)) for row in rows)
        assert where is not CONTROL or names <= {*found, "alembic_version"}
        return found


async def records(store: Store, log: str) -> list[dict[str, Any]]:
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        rows = await session.scalars(select(LeafRow).order_by(LeafRow.log, LeafRow.seq))
        return [json.loads(row.record) for row in rows if row.log.partition("/")[0] == log]


async def erased(plants: Plants, store: Store) -> None:
    """Nothing of the plant in the south is left, and all of the one in the north."""
    south = plants.south
    assert [one.slug for one in await store.tenants()] == ["north"]
    assert [(one.slug, one.purged_at is not None) for one in await store.erased()] == [("south", True)]
    with pytest.raises(UnknownTenant):
        async with store.open_internal(Purpose.VERIFY, south.id):
            pass
    with pytest.raises(UnknownBlob):
        await store.blobs.get(south.id, plants.blobs["south"])
    assert not store.has_key(south.id)
    assert not (store.data / "tenants" / str(south.id)).exists()
    assert not (plants.exports / str(south.id)).exists()
    assert not list((store.data / "keys").glob(f"*{south.id}*"))
    rows = await everything(store, CONTROL)
    told = {name for name, lines in rows.items() for line in lines if south.id.hex in line or str(south.id) in line}
    assert told <= {"tenants", "audit_outbox"}
    told_of = [one for one in await records(store, "node") if one["event_type"] == PURGED]
    assert [one["metadata"]["slug"] for one in told_of] == ["south"]
    assert (await verify(store)).ok
    assert await store.blobs.get(plants.north.id, plants.blobs["north"]) == b"The pump of north"
    assert (plants.exports / str(plants.north.id) / "record.csv").exists()


async def test_a_deleted_plant_is_off_at_once_and_erased_when_its_day_has_come(plants: Plants) -> None:
    process = plants.process(plants.store)
    before, north = await everything(plants.store, CONTROL), await everything(plants.store, plants.north.id)
    deleted = await plants.delete(process, plants.south)
    assert (deleted.is_active, deleted.purge_at) == (False, START + GRACE)

    plants.clock.now = START + GRACE - dt.timedelta(seconds=1)
    await process.purging.look()
    assert await plants.store.blobs.get(plants.south.id, plants.blobs["south"]) == b"The pump of south"

    plants.clock.now = START + GRACE
    await process.purging.look()

    await erased(plants, plants.store)
    after = await everything(plants.store, CONTROL)
    for name in ("people", "factors", "sign_in_sessions", "refresh_tokens", "recovery_codes", "kiosks", "api_keys"):
        assert len(after[name]) * 2 == len(before[name]) > 0, name
    left = await everything(plants.store, plants.north.id)
    assert {**left, "audit_outbox": []} == {**north, "audit_outbox": []}
    await process.close()


async def test_nothing_of_an_erased_plant_is_left_in_the_database_of_a_hub(
    plants: Plants, backend: str, request: pytest.FixtureRequest
) -> None:
    if backend == "sqlcipher":
        return  # its rows were in a file of its own, and that is gone
    process = plants.process(plants.store)
    await plants.delete(process, plants.south, now=True)
    await process.purging.look()
    await process.close()

    import psycopg

    server, name = request.getfixturevalue("hub_server"), request.getfixturevalue("hub_database")
    with psycopg.connect(server.url(name, "postgres")) as connection:  # past row-level security
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'tenant'").fetchall()
        told = [
            table
            for (table,) in tables
            if str(plants.south.id) in repr(connection.execute(f'SELECT t::text FROM tenant."{table}" t').fetchall())
        ]
    assert len(tables) > 10
    assert told == []


async def test_its_log_stays_readable_and_names_nobody_any_more(plants: Plants) -> None:
    process = plants.process(plants.store)
    await plants.delete(process, plants.south, now=True)
    await process.purging.look()
    await process.close()

    kept = await records(plants.store, str(plants.south.id))
    last = [(one["event_type"], one["phase"], one["result_status"]) for one in kept][-2:]
    assert last == [("tenants.purge", "pre", kept[-2]["result_status"]), ("tenants.purge", "post", "success")]
    assert "upkeep" not in json.dumps(kept)


STEPS: list[tuple[str, str]] = [
    ("appliance.audit.recorder.Recorder", "relay"),
    ("appliance.store.sessions.Store", "erase"),
    ("appliance.store.keys.Keyring", "destroy"),
    ("appliance.store.sessions", "remove_tree"),
    ("appliance.store.sessions", "erase_rows"),
    ("appliance.upkeep.purging", "remove_tree"),
    ("appliance.upkeep.purging", "_erased"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("place", "step"), STEPS, ids=[f"{place.rpartition('.')[2]}.{step}" for place, step in STEPS])
async def test_killed_before_or_after_any_step_it_goes_on_where_it_ended(
    plants: Plants, monkeypatch: pytest.MonkeyPatch, place: str, step: str, after: bool
) -> None:
    process = plants.process(plants.store)
    await plants.delete(process, plants.south, now=True)
    with monkeypatch.context() as patched:
        kill(patched, f"{place}.{step}", after=after)
        with pytest.raises(Killed):
            await process.purging.look()
    await process.close()

    again = await plants.restarted()
    await again.purging.look()

    await erased(plants, again.store)
    await again.close()
    await again.store.close()


def kill(patched: pytest.MonkeyPatch, target: str, *, after: bool) -> None:
    """End the process before the step, or after it."""
    module, _, rest = target.rpartition(".")
    try:
        holder: Any = importlib.import_module(module)
    except ModuleNotFoundError:
        outer, _, name = module.rpartition(".")
        holder = getattr(importlib.import_module(outer), name)
    real: Callable[..., Any] = getattr(holder, rest)

    def dying(*given: Any, **named: Any) -> Any:
        if not after:
            raise Killed
        real(*given, **named)
        raise Killed

    async def dying_later(*given: Any, **named: Any) -> Any:
        if after:
            await real(*given, **named)
        raise Killed

    patched.setattr(holder, rest, dying_later if python.iscoroutinefunction(real) else dying)


async def test_two_workers_that_look_at_once_erase_it_once(plants: Plants) -> None:
    first = plants.process(plants.store)
    await plants.delete(first, plants.south, now=True)
    second = await plants.restarted()

    await asyncio.gather(first.purging.look(), second.purging.look())
    await first.purging.look()

    await erased(plants, plants.store)
    begun = [one for one in await records(plants.store, str(plants.south.id)) if one["metadata"].get("begun")]
    assert len(begun) == 1
    await second.close()
    await first.close()
    await second.store.close()


async def test_switching_it_on_again_undoes_it(plants: Plants) -> None:
    process = plants.process(plants.store)
    await plants.delete(process, plants.south)
    owner = replace(upkeep_of(plants.north.id), kind="owner")
    async with process.gate.admit(owner, "tenants.update") as admitted:
        back = await Tenants(process.store).update(admitted, plants.south.id, is_active=True)
    assert (back.is_active, back.purge_at) == (True, None)

    plants.clock.now = START + 2 * GRACE
    await process.purging.look()

    assert len(await plants.store.tenants()) == 2
    await process.close()


async def test_what_is_being_erased_is_switched_on_by_nobody(plants: Plants) -> None:
    process = plants.process(plants.store)
    await plants.delete(process, plants.south, now=True)
    await process.purging.look()
    owner = replace(upkeep_of(plants.north.id), kind="owner")

    async with process.gate.admit(owner, "tenants.update") as admitted:
        with pytest.raises(NoTenant):
            await Tenants(process.store).update(admitted, plants.south.id, is_active=True)
        with pytest.raises(TenantExists):
            await plants.store.create_tenant("south", "South again")
    await process.close()


async def test_a_wrong_name_and_the_last_plant_are_refused(plants: Plants) -> None:
    process = plants.process(plants.store)
    with pytest.raises(NotConfirmed):
        await plants.delete(process, plants.south, confirm="north")
    await plants.delete(process, plants.south)
    with pytest.raises(LastTenant):
        await plants.delete(process, plants.north)
    with pytest.raises(NoTenant):
        await plants.delete(process, replace(plants.south, id=TenantId(new_id())))
    assert {one.slug: one.is_active for one in await plants.store.tenants()} == {"north": True, "south": False}
    await process.close()


async def test_a_plant_that_must_be_kept_is_held_back_by_its_policy(plants: Plants) -> None:
    texts = dict(read(DEFAULT_PACK))
    texts["policies.cedar"] += (
        '\n@id("kept-for-the-court")\n@question("7")\n@reason("A court asks for it.")\nforbid (principal, action == Action::"tenants.purge", resource);\n'
    )
    process = plants.process(plants.store, PolicyEngine(parse(texts)))
    await plants.delete(process, plants.south, now=True)

    for _ in range(3):
        await process.purging.look()

    assert {one.slug for one in await plants.store.tenants()} == {"north", "south"}
    assert await plants.store.blobs.get(plants.south.id, plants.blobs["south"]) == b"The pump of south"
    refused = [one for one in await records(plants.store, str(plants.south.id)) if one["result_status"] == "denied"]
    assert len(refused) == 1
    await process.close()


async def test_deleting_it_twice_puts_the_day_off_for_nobody(plants: Plants) -> None:
    process = plants.process(plants.store)
    first = await plants.delete(process, plants.south)
    plants.clock.now = START + dt.timedelta(days=9)
    assert (await plants.delete(process, plants.south)).purge_at == first.purge_at
    assert (await plants.delete(process, plants.south, now=True)).purge_at == plants.clock.now
    await process.close()


async def test_a_process_that_still_held_it_lets_go_when_it_looks_who_is_here(plants: Plants) -> None:
    other = await open_store(plants.store.data, plants.database_url)
    async with other.open_internal(Purpose.VERIFY, plants.south.id):
        pass
    assert await other.blobs.get(plants.south.id, plants.blobs["south"])
    process = plants.process(plants.store)
    await plants.delete(process, plants.south, now=True)
    await process.purging.look()
    await process.close()

    await other.tenants()

    assert not other.has_key(plants.south.id)
    with pytest.raises(UnknownTenant):
        async with other.open_internal(Purpose.VERIFY, plants.south.id):
            pass
    await other.close()


async def test_making_the_node_again_brings_no_erased_plant_back(plants: Plants) -> None:
    process = plants.process(plants.store)
    await plants.delete(process, plants.south, now=True)
    await process.purging.look()
    await process.close()

    found = await wanted_tenants(plants.store, [("north", "North plant"), ("south", "South plant")])

    assert [one.slug for one in found] == ["north"]
