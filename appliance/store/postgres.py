"""The store of a hub: one PostgreSQL database, three schemas, row-level security between tenants.

Two roles. The *owner* owns the tables and is used to change them; the *application* owns nothing, and what it may do is
granted when they change (`guards.py`). Every transaction says first whose rows it works on; without that, row-level
security shows none.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import URL, Connection, exc, insert, make_url, pool, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from appliance.store import migrate
from appliance.store.blobs import tenant_key_name
from appliance.store.erasing import erase_rows, rows_left
from appliance.store.errors import (
    BackupUnsound,
    StoreDamaged,
    StoreOutdated,
    StoreUnprepared,
    TenantExists,
    UnknownTenant,
    UnsafeRole,
    UnsecuredDatabase,
)
from appliance.store.failures import named
from appliance.store.files import locked
from appliance.store.guards import guard_schemas, may_bypass, row_level_security
from appliance.store.ids import TenantId, new_id
from appliance.store.keys import Keyring, RecoveryCode
from appliance.store.rows import check_rows, fill_rows, write_rows
from appliance.store.schema import AUDIT, CONTROL, Group
from appliance.store.sessions import Store, Tenant, Where
from appliance.store.tables import MetaRow, TenantRow

_SESSION: Final = text(
    "SELECT set_config('app.tenant_id', :tenant, true), set_config('search_path', :path, true),"
    " set_config('transaction_read_only', :readonly, true)"
)
_MIGRATION_LOCK: Final = 0x6F7574706F7374  # "outpost"


def _url(url: str) -> URL:
    """Raises UnsecuredDatabase."""
    found = make_url(url).set(drivername="postgresql+psycopg")
    if not secured(found):
        raise UnsecuredDatabase("The database is on another machine, and the line to it would not be verified.")
    return found


def secured(url: URL) -> bool:
    """Whether nobody on the network can read or play the database: it is on this machine, or proves by TLS who it is.

    Hosts and `sslmode` as libpq has them: several with commas between, a socket's directory, and what a service file says.
    """
    said = {name: ",".join(value) if isinstance(value, tuple) else value for name, value in url.query.items()}
    if said.get("sslmode") == "verify-full":
        return True
    named = [url.host or "", *said.get("host", "").split(","), *said.get("hostaddr", "").split(",")]
    return "service" not in said and all(
        _is_here(host.partition(":")[0] if host.count(":") == 1 else host) for host in named
    )


def _is_here(host: str) -> bool:
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class PostgresStore(Store):
    """Rows in PostgreSQL, keys and stored files under `data`.

    Args:
        data: the directory of keys and stored files, shared by all processes of the hub.
        keyring: its keys.
        url: the database, as the role that owns nothing.
        owner_url: the same database, as the role that owns the tables; only migrations use it.
    """

    def __init__(
        self,
        data: Path,
        keyring: Keyring,
        url: str,
        *,
        owner_url: str | None = None,
        recovery_code: RecoveryCode | None = None,
    ) -> None:
        super().__init__(data, keyring, recovery_code)
        self._owner_url = owner_url
        self._role = _url(url).username
        self._engine = create_async_engine(
            _url(url),
            pool_size=5,
            max_overflow=5,
            pool_timeout=5.0,
            pool_pre_ping=True,
            connect_args={"options": "-c lock_timeout=5000", "connect_timeout": 5},
        )

    @asynccontextmanager
    async def _connect(self, where: Where, *, write: bool) -> AsyncIterator[AsyncConnection]:
        tenant = where if isinstance(where, UUID) else None
        if tenant is not None and not self._keyring.has(tenant_key_name(TenantId(tenant))):
            raise UnknownTenant("There is no such tenant on this hub.")
        async with self._lend(where, write=write) as connection:
            yield connection

    @asynccontextmanager
    async def _lend(self, where: Where, *, write: bool) -> AsyncIterator[AsyncConnection]:
        tenant = where if isinstance(where, UUID) else None
        schema = where.value if isinstance(where, Group) else Group.TENANT.value
        async with self._engine.connect() as connection:
            # Tables are qualified by the map, so that no prepared statement serves two schemas; the path is for SQL
            # written as text.
            await connection.execution_options(tenant_id=tenant, schema_translate_map={None: schema})
            await connection.execute(
                _SESSION,
                {
                    "tenant": str(tenant or ""),
                    "path": f"{schema}, public",
                    "readonly": "off" if write else "on",
                },
            )
            yield connection

    async def create_tenant(self, slug: str, name: str, config: Mapping[str, Any] | None = None) -> Tenant:
        async with locked(self.data / "keys" / "lock"):
            await self._refuse_taken(slug, name)
            tenant = Tenant(TenantId(new_id()), slug, name, is_active=True, config=dict(config or {}))
            self._keyring.create(tenant_key_name(tenant.id))
            moment = dt.datetime.now(dt.UTC)
            try:
                with named(CONTROL):
                    async with self._connect(tenant.id, write=True) as connection:
                        await connection.execute(insert(MetaRow).values(created_at=moment))
                        await connection.execute(
                            insert(TenantRow).values(
                                id=tenant.id,
                                slug=slug,
                                name=name,
                                is_active=True,
                                config=tenant.config,
                                created_at=moment,
                            ),
                            execution_options={"schema_translate_map": {None: CONTROL.value}},
                        )
                        await connection.commit()
            except exc.IntegrityError:
                self._keyring.destroy(tenant_key_name(tenant.id))
                raise TenantExists(f"There is already a tenant {slug}.") from None
            return tenant

    async def _let_go(self, tenant_id: TenantId) -> None:
        self._keyring.forget(tenant_key_name(tenant_id))

    async def _erase_rows(self, tenant_id: TenantId) -> None:
        """Row-level security shows no others. The key may be gone already, so it is not asked for."""
        with named(tenant_id):
            async with self._lend(tenant_id, write=True) as connection:
                await connection.run_sync(erase_rows, tenant_id, Group.TENANT.value)
                if left := await connection.run_sync(rows_left, tenant_id, Group.TENANT.value):
                    raise StoreDamaged(f"{left} rows of the tenant could not be deleted.")
                await connection.commit()

    async def migrate(self) -> None:
        async with locked(self.data / "keys" / "lock"):
            for group in (CONTROL, AUDIT):
                if not self._keyring.has(group.value):
                    self._keyring.create(group.value)
        with named(CONTROL):
            async with self._engine.connect() as connection:
                current = await connection.run_sync(_is_current)
            if not current:
                await self._migrate()
            async with self._engine.connect() as connection:
                if reason := await connection.run_sync(may_bypass):
                    raise UnsafeRole(f"The role of database_url {reason}.")

    async def _migrate(self) -> None:
        if self._owner_url is None:
            raise StoreOutdated("The tables of the hub are not those of this release.")
        owner: AsyncEngine = create_async_engine(_url(self._owner_url), poolclass=pool.NullPool)
        try:
            async with owner.begin() as connection:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                await connection.run_sync(self._bring_up)
        finally:
            await owner.dispose()

    def _bring_up(self, connection: Connection, revisions: Mapping[str, str] = MappingProxyType({})) -> None:
        """Create what is missing and migrate all groups, in one transaction of the owner; no further than `revisions`."""
        if connection.scalar(text("SELECT count(*) FROM pg_extension WHERE extname = 'vector'")) == 0:
            raise StoreUnprepared("The database lacks the extension pgvector.")
        for group in Group:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {group.value}"))
            connection.execute(
                text("SELECT set_config('search_path', :path, true)"), {"path": f"{group.value}, public"}
            )
            migrate.upgrade(connection, group, revisions.get(group.value))
        guard_schemas(connection, role=str(self._role))

    async def copy_rows(self, folder: Path, still: Callable[[], None]) -> Mapping[str, int]:
        held = [tenant.id for tenant in await self.tenants() if self._keyring.has(tenant_key_name(tenant.id))]
        still()
        with named(CONTROL):
            async with self._engine.connect() as connection:
                await connection.execution_options(isolation_level="REPEATABLE READ")
                await connection.execute(_SESSION, {"tenant": "", "path": "public", "readonly": "on"})
                return await write_rows(connection, folder, held, self._rows_key)

    async def check_copy(self, folder: Path, counted: Mapping[str, int]) -> None:
        if wrong := await asyncio.to_thread(check_rows, folder, counted, self._rows_key):
            raise BackupUnsound(f"{wrong[0]} does not hold as many rows as were read.")

    def of_copy(self, folder: Path) -> Store | None:
        return None

    async def put_back(self, folder: Path, revisions: Mapping[str, str]) -> None:
        """Fill an empty database with the rows of a backup, in one transaction of the owner of its tables.

        Raises:
            StoreOutdated: there is no owner's URL.
            Conflict: the database holds rows.
            BackupUnsound: a file is not as it was written; nothing was changed.
        """
        if self._owner_url is None:
            raise StoreOutdated("Only the owner of the tables can fill them.")
        owner: AsyncEngine = create_async_engine(_url(self._owner_url), poolclass=pool.NullPool)
        held = [UUID(name.removeprefix("tenant-")) for name in self._keyring.names() if name.startswith("tenant-")]
        try:
            with named(CONTROL):
                async with owner.begin() as connection:
                    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                    await connection.run_sync(self._bring_up, revisions)
                    await connection.run_sync(row_level_security, forced=False)
                    await fill_rows(connection, folder, held, self._rows_key)
                    await connection.run_sync(row_level_security, forced=True)
        finally:
            await owner.dispose()

    def _rows_key(self, tenant: UUID | None) -> bytes:
        return self.secret("backup") if tenant is None else self.tenant_secret(TenantId(tenant), "backup")

    async def close(self) -> None:
        try:
            await self._engine.dispose()
        finally:
            self._keyring.close()


def _is_current(connection: Connection) -> bool:
    return all(migrate.revision(connection, group) == migrate.head(group) for group in Group)
