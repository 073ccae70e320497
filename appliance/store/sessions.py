"""The store: the one door to rows and files, the same over SQLCipher and PostgreSQL."""

from __future__ import annotations

import abc
import asyncio
import datetime as dt
import enum
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

from sqlalchemy import Connection, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from appliance.errors import Unavailable
from appliance.store.admission import Admitted
from appliance.store.blobs import Blobs, tenant_key_name
from appliance.store.erasing import erase_rows, remove_tree
from appliance.store.errors import InvalidTenant, TenantExists
from appliance.store.failures import named
from appliance.store.files import locked
from appliance.store.finishing import uninterrupted
from appliance.store.ids import TenantId
from appliance.store.keys import Keyring, RecoveryCode
from appliance.store.schema import CONTROL, Group
from appliance.store.switching import GENERATIONS, generation
from appliance.store.tables import TenantRow

Where = Literal[Group.CONTROL, Group.AUDIT] | TenantId
PostRecord = Callable[[AsyncSession, Admitted], Awaitable[None]]

_SLUG: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")


class Purpose(enum.Enum):
    """Why work happens before or beneath admission; a test lists who may say which."""

    SIGN_IN = "sign-in"
    POLICY = "policy"
    RECORD = "record"
    RELAY = "relay"
    RECOVERY = "recovery"
    MIGRATE = "migrate"
    CLAIM = "claim"
    HEALTH = "health"
    SEED = "seed"
    VERIFY = "verify"
    SHELF = "shelf"
    VAULT = "vault"
    LIMITS = "limits"
    IDEMPOTENCY = "idempotency"
    PURGE = "purge"


@dataclass(frozen=True, slots=True)
class Tenant:
    """One plant, or part of one, with its own data. `slug` is what people type at sign-in.

    `purge_at` is when it may be erased, `purged_at` when it was: then only its log is left.
    """

    id: TenantId
    slug: str
    name: str
    is_active: bool
    config: Mapping[str, Any]
    purge_at: dt.datetime | None = None
    purged_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Signing:
    """Two keys of 32 bytes: the one that signs, and the one that did until `since`. Never shown."""

    present: bytes
    before: bytes | None = None
    since: dt.datetime | None = None

    def __repr__(self) -> str:
        return f"Signing(since {self.since})"


class SecondWrite(RuntimeError):
    """An admission asked for a second writing transaction; its record could then tell only half of what happened."""


class StoreSession(AsyncSession):
    """A session whose transaction belongs to the store: it ends when the block ends. Savepoints are the caller's."""

    async def commit(self) -> NoReturn:
        raise TypeError("the store commits when the block ends; flush() sends the changes")

    async def rollback(self) -> NoReturn:
        raise TypeError("the store rolls back when the block raises")


async def _unwired(_session: AsyncSession, _admitted: Admitted) -> None:
    raise Unavailable("Nothing writes the record of this change, so it was not made.")


class Store(abc.ABC):
    """Rows of the node and of its tenants, and their files.

    A context is a transaction: it commits when the block ends, and rolls back when the block raises. With `write=False`
    the database itself refuses changes. A block gets one snapshot on SQLCipher; on PostgreSQL each statement sees what
    was committed before it (READ COMMITTED), so read-then-write there needs a row lock or a constraint.

    Attributes:
        blobs: the stored files.
        post_record: writes the post-record of an admitted change into the change's own transaction. Set by `compose`;
            until then an admitted write fails.
        recovery_code: of the master key, if opening this store has made one; show it once, keep it nowhere.
    """

    def __init__(self, data: Path, keyring: Keyring, recovery_code: RecoveryCode | None = None) -> None:
        self.data = data
        self.blobs = Blobs(data / "tenants", keyring)
        self.post_record: PostRecord = _unwired
        self.recovery_code = recovery_code
        self._keyring = keyring

    @asynccontextmanager
    async def open_session(self, admitted: Admitted, *, write: bool = False) -> AsyncIterator[AsyncSession]:
        """The rows of the admitted principal's tenant.

        Raises:
            SecondWrite: this admission has written, or is writing.
            UnknownTenant: there is no such tenant here.
            StoreBusy, StoreFull, StoreDamaged: nothing was changed.
        """
        async with self._transaction(admitted.tenant_id, write=write, admitted=admitted) as session:
            yield session

    @asynccontextmanager
    async def open_control(self, admitted: Admitted, *, write: bool = False) -> AsyncIterator[AsyncSession]:
        """The rows of the node: tenants, people, kiosks. Raises as `open_session` does."""
        async with self._transaction(CONTROL, write=write, admitted=admitted) as session:
            yield session

    @asynccontextmanager
    async def open_internal(
        self, purpose: Purpose, where: Where, *, write: bool = False
    ) -> AsyncIterator[AsyncSession]:
        """Rows for work before or beneath admission; no record is written here. Raises as `open_session` does."""
        if not isinstance(purpose, Purpose):
            raise TypeError("internal work states its purpose")
        async with self._transaction(where, write=write) as session:
            yield session

    @asynccontextmanager
    async def _transaction(
        self, where: Where, *, write: bool, admitted: Admitted | None = None
    ) -> AsyncIterator[AsyncSession]:
        turn = admitted.write_turn if admitted is not None and write else None
        if turn is not None:
            if turn.taken:
                raise SecondWrite("one admission has one writing transaction")
            turn.taken = True
        committed = False
        try:
            with named(where, write=write):
                async with self._connect(where, write=write) as connection:
                    session = StoreSession(bind=connection, expire_on_commit=False)

                    def commit(bare: Connection) -> None:
                        nonlocal committed
                        session.sync_session.commit()
                        bare.commit()
                        committed = True
                        if admitted is not None and write:
                            admitted.outcome.committed = True

                    def close(bare: Connection) -> None:
                        session.sync_session.close()
                        bare.close()  # rolls back what was not committed

                    def finish(bare: Connection) -> None:
                        try:
                            commit(bare)
                        finally:
                            close(bare)

                    try:
                        yield session
                        await session.flush()
                        if admitted is not None and write:
                            await self.post_record(session, admitted)
                    except BaseException:
                        await uninterrupted(connection.run_sync(close))
                        raise
                    await uninterrupted(connection.run_sync(finish))
        finally:
            # What was rolled back left nothing behind, so the turn may be taken again.
            if turn is not None and not committed:
                turn.taken = False

    @abc.abstractmethod
    def _connect(self, where: Where, *, write: bool) -> AbstractAsyncContextManager[AsyncConnection]:
        """Lend a connection in a transaction that has just begun, on which the tables of `where` can be used."""

    async def tenants(self) -> list[Tenant]:
        """All tenants of this node, by name. This process lets go of what it still holds of those that are being erased."""
        found, gone = await self._known()
        for one in gone:
            await self._let_go(one.id)
        return found

    async def erased(self) -> list[Tenant]:
        """Tenants that are being erased, and those that were, by name: what is left of these is their log."""
        return (await self._known())[1]

    def has_key(self, tenant_id: TenantId) -> bool:
        """Whether what the tenant stored can still be read."""
        return self._keyring.has(tenant_key_name(tenant_id))

    async def erase(self, tenant_id: TenantId) -> None:
        """Destroy the tenant's key, and delete its rows and stored files. What another killed is ended by doing it again.

        Raises:
            StoreBusy, StoreDamaged: something is left.
        """
        async with locked(self.data / "keys" / "lock"):
            await self._let_go(tenant_id)
            await self._erase_rows(tenant_id)
            self._keyring.destroy(tenant_key_name(tenant_id))
            await asyncio.to_thread(remove_tree, self.data / "tenants" / str(tenant_id))
            async with self._transaction(CONTROL, write=True) as session:
                connection = await session.connection()
                schema = None if connection.dialect.name == "sqlite" else CONTROL.value
                await connection.run_sync(erase_rows, tenant_id, schema)

    async def _known(self) -> tuple[list[Tenant], list[Tenant]]:
        """The tenants that are here, and those whose erasure has begun."""
        async with self._transaction(CONTROL, write=False) as session:
            rows = (await session.scalars(select(TenantRow).order_by(TenantRow.name, TenantRow.slug))).all()
        return (
            [tenant_from(row) for row in rows if row.purge_begun_at is None],
            [tenant_from(row) for row in rows if row.purge_begun_at is not None],
        )

    @abc.abstractmethod
    async def _let_go(self, tenant_id: TenantId) -> None:
        """Hold neither key nor file of the tenant in this process."""

    @abc.abstractmethod
    async def _erase_rows(self, tenant_id: TenantId) -> None:
        """Delete the tenant's rows where others' are beside them."""

    @abc.abstractmethod
    async def create_tenant(self, slug: str, name: str, config: Mapping[str, Any] | None = None) -> Tenant:
        """Make a tenant with keys and empty tables. Interrupted, it leaves the tenant complete or not there at all.

        Raises:
            InvalidTenant: the short name cannot be used.
            TenantExists: it is taken.
        """

    @abc.abstractmethod
    async def migrate(self) -> None:
        """Bring every table to this release; quick when they are. Several processes may call it at once."""

    @abc.abstractmethod
    async def copy_rows(self, folder: Path, still: Callable[[], None]) -> Mapping[str, int]:
        """Write all rows below `folder` as they were at one moment, encrypted under the keys that they are read with.

        `still` is called at that moment, before anything is written that is not in the copy. Returns how many rows stand
        where, as far as they can be counted without reading them again; `check_copy` wants it back.

        Raises:
            StoreBusy, StoreFull: the copy is not whole.
        """

    @abc.abstractmethod
    async def check_copy(self, folder: Path, counted: Mapping[str, int]) -> None:
        """Read a copy from its first byte to its last. Raises BackupUnsound."""

    @abc.abstractmethod
    def of_copy(self, folder: Path) -> Store | None:
        """A store over a copy, to look into it; None where a copy is no database."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Close all connections; sessions still open fail."""

    def secret(self, name: str, generation: int = 0) -> bytes:
        """32 bytes of this node for one purpose, the same on every start; another for each generation."""
        return self._keyring.secret(CONTROL.value, f"secret/{name}" + (f"/{generation}" if generation else ""))

    def signing(self, name: str) -> Signing:
        """What a purpose signs with since its last rotation, and what it signed with before."""
        present = generation(self.data / "keys", name)
        before = None if present.number == 0 else self.secret(name, present.number - 1)
        return Signing(self.secret(name, present.number), before, present.since)

    async def copy_keys(self) -> Mapping[str, bytes]:
        """The wrapped keys as they lie in their directory, by file, of one master key; it is not among them."""
        keys = self.data / "keys"
        async with locked(keys / "lock"):
            return {path.name: path.read_bytes() for path in (*keys.glob("*.wrapped"), *keys.glob(GENERATIONS))}

    def tenant_secret(self, tenant_id: TenantId, name: str) -> bytes:
        """32 bytes of this tenant for one purpose; gone when the tenant's key is destroyed."""
        return self._keyring.secret(tenant_key_name(tenant_id), f"secret/{name}")

    async def _refuse_taken(self, slug: str, name: str) -> None:
        if not _SLUG.fullmatch(slug):
            raise InvalidTenant(f"{slug!r} cannot be a tenant's short name.")
        if not 1 <= len(name.strip()) <= 200:
            raise InvalidTenant(
                "A tenant's name has 1 to 200 characters.", hint="Give the tenant a name that people know."
            )
        here, gone = await self._known()
        if any(tenant.slug == slug for tenant in (*here, *gone)):
            raise TenantExists(f"There is already a tenant {slug}.")


def tenant_from(row: TenantRow) -> Tenant:
    return Tenant(TenantId(row.id), row.slug, row.name, row.is_active, row.config, row.purge_at, row.purged_at)
