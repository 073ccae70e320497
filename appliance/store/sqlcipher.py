"""The store of a node: encrypted SQLite files, one per tenant, so that a query cannot reach another tenant's rows."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import create_engine, event, insert, pool, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlcipher3 import dbapi2 as sqlcipher

from appliance.store import migrate
from appliance.store.blobs import tenant_key_name
from appliance.store.engines import EncryptedFile, connect
from appliance.store.errors import KeyMissing, StoreDamaged, UnknownTenant
from appliance.store.files import locked, make_directory, sync_directory
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
                if not self._keyring.has(tenant_key_name(tenant.id)):
                    raise KeyMissing(f"The key of tenant {tenant.slug} is missing.")
                await asyncio.to_thread(self._bring_up, tenant.id)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        async with locked(self.data / "keys" / "lock"):
            yield

    def _bring_up(self, where: Where) -> None:
        """Create what is missing of one file and migrate it, in one transaction; quick when there is nothing to do."""
        path, name = self._place(where)
        group = where if isinstance(where, Group) else Group.TENANT
        if not self._keyring.has(name):
            if path.exists():
                raise KeyMissing(f"{path.name} is there, but its key is not.")
            self._keyring.create(name)
        make_directory(path.parent)
        fresh = not path.exists()
        key = self._keyring.key(name)

        def opened() -> Any:
            connection = connect(path, key, create=True)
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
        if fresh:
            sync_directory(path.parent)

    async def close(self) -> None:
        files, self._files = self._files, {}
        for file in files.values():
            await file.close()
