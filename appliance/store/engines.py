"""SQLCipher files through SQLAlchemy's aiosqlite dialect: how every connection to one is made.

Each process has, per file, at most `readers` read-only connections and one writer; a connection is a thread, and is
opened when first needed. Readers are few so that the write-ahead log can be checkpointed.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote

import aiosqlite
import sqlite_vec
from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlcipher3 import dbapi2 as sqlcipher

from appliance.store.driver import Driver
from appliance.store.errors import StoreBusy, StoreDamaged, StoreFull, StoreMissing
from appliance.store.finishing import uninterrupted

PATIENCE_S: Final = 5.0
"""How long anyone waits for a file's lock or a free connection."""

LEAST_TO_OPEN: Final = 2**20
"""Bytes. A file is opened with an index of 32 KiB beside it, and SQLite tells one that cannot grow as an I/O error."""

DEFERRED: Final = "BEGIN DEFERRED"

_PRAGMAS: Final = (
    "busy_timeout = 5000",
    "foreign_keys = ON",
    "synchronous = FULL",
    "secure_delete = ON",
    "temp_store = MEMORY",
    "trusted_schema = OFF",
)


def connect(path: Path, key: bytes, *, cache_kib: int = 8192) -> sqlite3.Connection:
    """Open the SQLCipher file at `path` with its raw 32-byte `key`, ready for use, sqlite-vec loaded.

    Transactions are left to the caller (autocommit until BEGIN). Blocking: call it in a thread.

    Raises:
        StoreMissing: there is no such file; an empty one becomes a database with its first transaction.
        StoreDamaged: it is not a database under this key.
        StoreFull: the disk has no room for the index of its write-ahead log.
    """
    try:
        connection = sqlcipher.connect(
            f"file:{quote(str(path))}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
        )
    except sqlcipher.OperationalError as error:
        raise StoreMissing(f"{path.name} cannot be opened.", file=path.name) from error
    try:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute("PRAGMA cipher_memory_security = OFF")
        for pragma in (*_PRAGMAS, f"cache_size = -{cache_kib}"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.enable_load_extension(True)
        connection.load_extension(sqlite_vec.loadable_path())
        connection.enable_load_extension(False)
    except sqlcipher.DatabaseError as error:
        connection.close()
        name = getattr(error, "sqlite_errorname", "")
        if name in {"SQLITE_NOTADB", "SQLITE_CORRUPT"}:
            raise StoreDamaged(f"{path.name} does not open with its key.", file=path.name) from error
        if name == "SQLITE_IOERR" and shutil.disk_usage(path.parent).free < LEAST_TO_OPEN:
            raise StoreFull(f"There is no room to open {path.name}.", file=path.name) from error
        raise
    except BaseException:
        connection.close()
        raise
    return cast("sqlite3.Connection", connection)


def _engine(
    opener: Callable[[], sqlite3.Connection],
    *,
    begin: str,
    size: int,
    options: dict[str, Any],
    threads: weakref.WeakSet[threading.Thread],
) -> AsyncEngine:
    async def creator() -> aiosqlite.Connection:
        connection = aiosqlite.Connection(opener, 64)
        # A process must be able to end while a connection waits for work.
        connection._thread.daemon = True
        threads.add(connection._thread)
        return await connection

    engine = create_async_engine(
        "sqlite+aiosqlite:///outpost",
        module=Driver(),
        async_creator=creator,
        pool_size=size,
        max_overflow=0,
        pool_timeout=PATIENCE_S,
        execution_options=options,
    )

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        if begin == DEFERRED:
            # SQLite itself begins nothing before the first statement; so this one travels with it.
            connection.connection.dbapi_connection.to_begin = begin
        else:
            connection.exec_driver_sql(begin)

    return engine


class EncryptedFile:
    """One database file as this process uses it.

    Args:
        path: the file, made by a migration before.
        key: its raw 32-byte key.
        readers: how many transactions may read at the same time.
        cache_kib: the largest page cache of each connection.
        options: execution options of every connection; `tenant_id` for a tenant's file.
    """

    def __init__(
        self, path: Path, key: bytes, *, readers: int = 3, cache_kib: int = 8192, options: dict[str, Any] | None = None
    ) -> None:
        self.path = path
        self._turn = asyncio.Lock()
        self._threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        options = options or {}

        def reader() -> sqlite3.Connection:
            connection = connect(path, key, cache_kib=cache_kib)
            connection.execute("PRAGMA query_only = ON")
            return connection

        def writer() -> sqlite3.Connection:
            return connect(path, key, cache_kib=cache_kib)

        self._readers = _engine(reader, begin=DEFERRED, size=readers, options=options, threads=self._threads)
        # IMMEDIATE takes the write lock at once: a transaction that reads first and writes later could not wait for it.
        self._writer = _engine(writer, begin="BEGIN IMMEDIATE", size=1, options=options, threads=self._threads)

    @contextlib.asynccontextmanager
    async def connection(self, *, write: bool) -> AsyncIterator[AsyncConnection]:
        """Lend a connection; writers of this process take turns here, those of others in SQLite.

        Raises:
            StoreBusy: no turn came within five seconds.
        """
        if not write:
            async with self._lend(self._readers) as connection:
                yield connection
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._turn.acquire()
        except TimeoutError:
            raise StoreBusy(f"{self.path.name} has been written to for {PATIENCE_S:.0f} seconds.") from None
        try:
            async with self._lend(self._writer) as connection:
                yield connection
        finally:
            self._turn.release()

    @contextlib.asynccontextmanager
    async def _lend(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        try:
            connection = await engine.connect()
        except exc.TimeoutError:
            raise StoreBusy(f"All readers of {self.path.name} are taken.") from None
        try:
            yield connection
        finally:
            if not connection.closed:
                await uninterrupted(connection.close())

    async def close(self) -> None:
        """Close the connections that nobody holds, and wait for their threads: they must not outlive the event loop."""
        await self._readers.dispose()
        await self._writer.dispose()
        await asyncio.to_thread(_join, list(self._threads))


def _join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(timeout=1.0)
