"""The store of a node: encrypted SQLite files, one per tenant, so that a query cannot reach another tenant's rows."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import create_engine, event, insert, pool, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlcipher3 import dbapi2 as sqlcipher

from appliance.store import migrate
from appliance.store.blobs import tenant_key_name
from appliance.store.copying import Copied, check_file, copy_files
from appliance.store.engines import EncryptedFile, connect
from appliance.store.errors import StoreDamaged, StoreMissing, UnknownTenant
from appliance.store.files import locked, make_directory, sync_directory, write_durably
from appliance.store.finishing import uninterrupted
from appliance.store.guards import guard_file
from appliance.store.ids import TenantId, new_id
from appliance.store.keys import Keyring, RecoveryCode
from appliance.store.schema import AUDIT, CONTROL, Group
from appliance.store.sessions import Store, Tenant, Where
from appliance.store.tables import MetaRow, TenantRow


class SqlcipherStore(Store):
    """Files under `data`: `control.db`, `audit.db` and `tenants/<id>/tenant.db`, each under a key of its own."""

    def __init__(self, data: Path, keyring: Keyring, recovery_code: RecoveryCode | None = None) -> None:
        super().__init__(data, keyring, recovery_code)
        self._files: dict[Where, EncryptedFile] = {}

    @asynccontextmanager
    async def _connect(self, where: Where, *, write: bool) -> AsyncIterator[AsyncConnection]:
        async with self._file(where).connection(write=write) as connection:
            await connection.begin()
            yield connection

    def _file(self, where: Where) -> EncryptedFile:
        file = self._files.get(where)
        if file is None:
            path, name = self._place(where)
            if isinstance(where, UUID):
                if not path.exists() and not self._keyring.has(name):
                    raise UnknownTenant("There is no such tenant on this node.")
                file = EncryptedFile(path, self._keyring.key(name), options={"tenant_id": where})
            else:
                file = EncryptedFile(path, self._keyring.key(name), readers=2, cache_kib=4096)
            self._files[where] = file
        return file

    def _place(self, where: Where) -> tuple[Path, str]:
        """The file of `where`, and under which name the keyring holds its key."""
        if isinstance(where, UUID):
            return self.data / "tenants" / str(where) / "tenant.db", tenant_key_name(where)
        return self.data / f"{where.value}.db", where.value

    async def create_tenant(self, slug: str, name: str, config: Mapping[str, Any] | None = None) -> Tenant:
        async with self._alone():
            await self._refuse_taken(slug, name)
            tenant = Tenant(TenantId(new_id()), slug, name, is_active=True, config=dict(config or {}))
            # Key and file first, the row last: until the row is committed there is no such tenant.
            await asyncio.to_thread(self._bring_up, tenant.id)
            async with self._transaction(CONTROL, write=True) as session:
                session.add(
                    TenantRow(
                        id=tenant.id,
                        slug=slug,
                        name=name,
                        is_active=True,
                        config=tenant.config,
                        created_at=dt.datetime.now(dt.UTC),
                    )
                )
            return tenant

    async def migrate(self) -> None:
        async with self._alone():
            await asyncio.to_thread(self._bring_up, CONTROL)
            await asyncio.to_thread(self._bring_up, AUDIT)
            for tenant in await self.tenants():
                # A tenant whose key was destroyed is erased; the others go on.
                if self._keyring.has(tenant_key_name(tenant.id)):
                    await asyncio.to_thread(self._bring_up, tenant.id)

    async def _let_go(self, tenant_id: TenantId) -> None:
        self._keyring.forget(tenant_key_name(tenant_id))
        if (file := self._files.pop(tenant_id, None)) is not None:
            await file.close()

    async def _erase_rows(self, tenant_id: TenantId) -> None:
        """They are in a file of the tenant's own, which nobody reads without its key."""

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        async with locked(self.data / "keys" / "lock"):
            yield

    def _bring_up(self, where: Where) -> None:
        """Make one file if it was never made, else migrate it; quick when there is nothing to do.

        A new file is built beside its place and renamed when it is complete. The draft is there before the key is, so
        that a key without file or draft means a lost file, which is never replaced by an empty one.
        """
        path, name = self._place(where)
        draft = path.with_name(f"{path.name}.new")
        if path.exists():
            self._bring_to_head(where, path, self._keyring.key(name))
            return
        if self._keyring.has(name) and not draft.exists():
            raise StoreMissing(f"{path.name} is not there, but its key is.", file=path.name)
        make_directory(path.parent)
        write_durably(draft, b"")
        key = self._keyring.key(name) if self._keyring.has(name) else self._keyring.create(name)
        for rest in (f"{draft.name}-wal", f"{draft.name}-shm"):
            draft.with_name(rest).unlink(missing_ok=True)
        self._bring_to_head(where, draft, key)
        draft.replace(path)
        sync_directory(path.parent)

    def _bring_to_head(self, where: Where, path: Path, key: bytes) -> None:
        """Apply the missing migrations in one transaction."""
        group = where if isinstance(where, Group) else Group.TENANT

        def opened() -> Any:
            connection = connect(path, key)
            # Kept in the file from then on. Foreign keys rest, because a batch step drops and rebuilds tables.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA foreign_keys = OFF")
            return connection

        engine = create_engine("sqlite:///outpost", module=sqlcipher, creator=opened, poolclass=pool.NullPool)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        try:
            with engine.begin() as connection:
                if migrate.revision(connection, group) == migrate.head(group):
                    return
                migrate.upgrade(connection, group)
                if isinstance(where, UUID):
                    if connection.scalar(select(MetaRow.tenant_id)) is None:
                        connection.execute(insert(MetaRow).values(tenant_id=where, created_at=dt.datetime.now(dt.UTC)))
                    guard_file(connection)
                if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
                    raise StoreDamaged(f"{len(broken)} rows of {path.name} refer to nothing.", file=path.name)
        finally:
            engine.dispose()

    async def copy_rows(self, folder: Path, still: Callable[[], None]) -> Mapping[str, int]:
        held = [tenant.id for tenant in await self.tenants() if self._keyring.has(tenant_key_name(tenant.id))]
        files = []
        places: tuple[Where, ...] = (CONTROL, *held, AUDIT)
        for where in places:
            path, name = self._place(where)
            files.append(Copied(path, self._keyring.key(name), folder / path.relative_to(self.data)))
        await uninterrupted(asyncio.to_thread(copy_files, files, still))
        return {}

    async def check_copy(self, folder: Path, counted: Mapping[str, int]) -> None:
        for path in [folder / "control.db", folder / "audit.db", *sorted(folder.glob("tenants/*/tenant.db"))]:
            name = path.stem if path.parent == folder else tenant_key_name(TenantId(UUID(path.parent.name)))
            await uninterrupted(asyncio.to_thread(check_file, path, self._keyring.key(name)))

    def of_copy(self, folder: Path) -> Store | None:
        return SqlcipherStore(folder, self._keyring.shared())

    async def close(self) -> None:
        files, self._files = self._files, {}
        try:
            for file in files.values():
                await file.close()
        finally:
            self._keyring.close()
