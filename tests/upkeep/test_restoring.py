"""A backup becomes a node or a hub again, in a new epoch of the record; cut off at any step, it is none yet."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from appliance.audit import NewRecord, Recorder
from appliance.audit.epochs import EpochDamaged, epoch_of
from appliance.audit.instances import Instance
from appliance.audit.recovery import recover
from appliance.audit.verify import verify
from appliance.errors import Conflict
from appliance.jobs import enqueue
from appliance.jobs.tables import JobRow
from appliance.store import Admitted, Purpose, Store, new_id, open_store, recover_master_key, renew_recovery_code
from appliance.store.errors import BackupUnsound, StoreOutdated
from appliance.store.postgres import PostgresStore
from appliance.upkeep.manifests import KEYS, manifest_of
from appliance.upkeep.restoring import NodeIsHere, prepare, put_files_back
from tests.conftest import HubServer
from tests.upkeep.conftest import House

MARKS = ("initialised",)
MakeAdmitted = Callable[..., Admitted]


async def quietly(_share: float, _word: str) -> None:
    return None


@pytest.fixture
def empty_database(backend: str, request: pytest.FixtureRequest) -> Iterator[tuple[str, str] | None]:
    """URLs of a new database, as application and as owner; None for files."""
    if backend != "postgres":
        yield None
        return
    server: HubServer = request.getfixturevalue("hub_server")
    name = f"outpost_{uuid.uuid4().hex}"
    server.create(name)
    yield server.url(name, "outpost_app"), server.url(name, "outpost_owner")
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


async def put_back(backup: Path, data: Path, code: str, urls: tuple[str, str] | None) -> Store:
    """What `outpost restore` does, without its questions."""
    names = prepare(backup, data, backup.parent / KEYS, MARKS)
    recover_master_key(data / "keys", code)
    url, owner = urls or (None, None)
    store = await open_store(data, url, owner_url=owner, create=False)
    if isinstance(store, PostgresStore):
        await store.put_back(backup, manifest_of(backup)["revisions"])
    held = {name.removesuffix(".wrapped") for name in await store.copy_keys()}
    put_files_back(backup, data, names, held, MARKS)
    await store.migrate()
    return store


async def filled(house: House, admitted: MakeAdmitted) -> Path:
    """The backup of a house with a job, a stored file and some records."""
    await house.do("health.check")
    async with house.store.open_internal(Purpose.CLAIM, house.tenant.id, write=True) as session:
        await enqueue(session, kind="work", payload={"word": "tab\tline\nback\\slash ö"}, owner=admitted().principal)
    await house.store.blobs.put(house.tenant.id, b"the manual")
    return house.backups.folder / (await house.backups.make(quietly)).name


async def test_rows_files_and_record_are_there_again_and_the_record_goes_on_in_a_new_epoch(
    house: House, admitted: MakeAdmitted, tmp_path: Path, empty_database: tuple[str, str] | None
) -> None:
    code = str(renew_recovery_code(house.store.data / "keys"))
    backup = await filled(house, admitted)
    data = tmp_path / "again"
    store = await put_back(backup, data, code, empty_database)
    try:
        async with store.open_internal(Purpose.VERIFY, house.tenant.id) as session:
            rows = list(await session.scalars(select(JobRow)))
        assert [row.payload for row in rows] == [{"word": "tab\tline\nback\\slash ö"}]
        assert [one.slug for one in await store.tenants()] == ["north", "south"]
        (name,) = store.blobs.names(house.tenant.id)
        assert store.blobs.is_whole(house.tenant.id, name)

        recorder = Recorder(store, Instance(data / "run"))
        assert recorder.epoch == epoch_of(data) == 2
        await recover(store, recorder)
        single = {"tenant_id": None, "event_type": "test", "phase": "single", "actor_kind": "owner"}
        note = NewRecord(correlation_id=new_id(), user_id=None, result_status="success", **single)  # type: ignore[arg-type]
        (placed,) = await recorder.append(note)
        await recorder.close()
        assert (placed.log, placed.seq) == ("node/2", 0)
        report = await verify(store)
        assert report.every_finding() == []
        assert {log.log.rpartition("/")[2] for log in report.logs} == {"1", "2"}
    finally:
        await store.close()


async def test_a_restored_hub_still_keeps_plants_apart(
    house: House, admitted: MakeAdmitted, tmp_path: Path, empty_database: tuple[str, str] | None
) -> None:
    code = str(renew_recovery_code(house.store.data / "keys"))
    backup = await filled(house, admitted)
    store = await put_back(backup, tmp_path / "again", code, empty_database)
    try:
        other = next(one for one in await store.tenants() if one.id != house.tenant.id)
        async with store.open_internal(Purpose.VERIFY, other.id) as session:
            assert list(await session.scalars(select(JobRow))) == []
    finally:
        await store.close()


async def test_a_plant_whose_key_was_destroyed_stays_gone(
    house: House, admitted: MakeAdmitted, tmp_path: Path, empty_database: tuple[str, str] | None
) -> None:
    code = str(renew_recovery_code(house.store.data / "keys"))
    backup = await filled(house, admitted)
    backup = backup.rename(backup.with_name("2020-02-02T020202Z"))
    older = manifest_of(backup) | {"made_at": "2020-02-02T02:02:02+00:00"}
    (backup / "manifest.json").write_text(json.dumps(older))
    house.store._keyring.destroy(f"tenant-{house.tenant.id}")
    await house.backups.make(quietly, daily=2)
    store = await put_back(backup, tmp_path / "again", code, empty_database)
    await store.close()

    assert not (tmp_path / "again" / "tenants" / str(house.tenant.id)).exists()


async def test_a_node_that_is_there_is_not_written_over(house: House, admitted: MakeAdmitted) -> None:
    backup = await filled(house, admitted)
    (house.store.data / "initialised").touch()
    with pytest.raises(NodeIsHere):
        prepare(backup, house.store.data, backup.parent / KEYS, MARKS)


async def test_a_database_with_rows_is_not_written_over(
    house: House, admitted: MakeAdmitted, backend: str, hub_url: str | None
) -> None:
    if backend != "postgres":
        return  # a node has no database beside its files
    backup = await filled(house, admitted)
    assert isinstance(house.store, PostgresStore)
    with pytest.raises(StoreOutdated):
        await house.store.put_back(backup, manifest_of(backup)["revisions"])
    house.store._owner_url = hub_url
    with pytest.raises(Conflict):
        await house.store.put_back(backup, manifest_of(backup)["revisions"])


@pytest.fixture
def hub_url(backend: str, request: pytest.FixtureRequest) -> str | None:
    if backend != "postgres":
        return None
    server: HubServer = request.getfixturevalue("hub_server")
    return server.url(request.getfixturevalue("hub_database"), "outpost_owner")


async def test_an_altered_backup_is_not_begun_with(house: House, admitted: MakeAdmitted, tmp_path: Path) -> None:
    backup = await filled(house, admitted)
    with (backup / "audit.heads.json").open("ab") as raw:
        raw.write(b" ")
    with pytest.raises(BackupUnsound):
        prepare(backup, tmp_path / "again", backup.parent / KEYS, MARKS)

    assert not (tmp_path / "again").exists()


async def test_cut_off_at_any_file_it_is_no_node_and_the_next_try_makes_it_one(
    house: House, admitted: MakeAdmitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = str(renew_recovery_code(house.store.data / "keys"))
    (house.store.data / "initialised").touch()
    backup = await filled(house, admitted)
    data, real = tmp_path / "again", shutil.copyfile
    names = [name for name in prepare(backup, data, backup.parent / KEYS, ()) if not name.startswith("rows/")]
    recover_master_key(data / "keys", code)
    held = {"control", "audit", *(f"tenant-{one.id}" for one in await house.store.tenants())}
    for cut in range(len(names)):
        done = 0

        def dying(source: Path, target: Path, cut: int = cut) -> None:
            nonlocal done
            done += 1
            if done > cut:
                raise KeyboardInterrupt
            real(source, target)

        monkeypatch.setattr(shutil, "copyfile", dying)
        if cut < len(names) - 1:
            with pytest.raises(KeyboardInterrupt):
                put_files_back(backup, data, names, held, MARKS)
            assert not (data / "initialised").exists()
    monkeypatch.setattr(shutil, "copyfile", real)

    assert put_files_back(backup, data, names, held, MARKS) >= 2


@pytest.mark.parametrize("said", ["", "one", "-1", "0", "1 2", "99999999"])
def test_an_epoch_that_cannot_be_read_is_not_guessed(tmp_path: Path, said: str) -> None:
    (tmp_path / "epoch").write_text(said)
    with pytest.raises(EpochDamaged):
        epoch_of(tmp_path)
