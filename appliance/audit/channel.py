"""How a batch of records becomes durable: synchronous work inside one writing transaction of the audit data.

A batch is written by plain statements with plain values, so that the same work runs over two channels:

    FileChannel      a node: the whole transaction in the connection's own thread, one hop for BEGIN ... COMMIT
    SessionChannel   a hub: a session of the store, one advisory lock for each log

Through a session every statement of a batch is a hop between threads of its own, twice for every request.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final, Protocol, TypeVar, cast

import aiosqlite
from sqlalchemy import Connection, Delete, Executable, func, literal, select, text
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from appliance.audit.errors import RecordDamaged, RecordUnavailable
from appliance.errors import OutpostError
from appliance.store import AUDIT, Purpose, Store
from appliance.store.driver import in_thread

T = TypeVar("T")
AT_ONCE: Final = 64
"""Rows in one statement; fewer go in statements of 32, 16, 8 …, so that few texts are prepared."""
DAMAGED: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
FAILING: Final = {
    "SQLITE_FULL": "The disk is full: the audit record could not be made durable.",
    "SQLITE_IOERR": "The disk of the audit record does not do what it is asked: the record could not be made durable.",
    "SQLITE_READONLY": "The disk of the audit record takes nothing: the record could not be made durable.",
}


class Transaction(Protocol):
    """One writing transaction on the audit data, for synchronous code."""

    def lock(self, logs: Iterable[str]) -> None:
        """Keep every other appender of these logs out until the transaction ends."""

    def rows(self, statement: Executable, **values: Any) -> Sequence[Sequence[Any]]:
        """Run one statement with plain values for its parameters; all rows of the result, if it has any."""

    def many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run one statement for each row; none for none."""

    def purge(self, values: Mapping[str, Any]) -> int:
        """Remove the first `size` records of `log`, all made before `before`; how many there were."""


class Channel(Protocol):
    """The way to the audit data for one process."""

    async def run(self, work: Callable[[Transaction], T], then: Callable[[T], None]) -> T:
        """Run `work` in a writing transaction, commit durably, run `then` off the event loop, return work's result.

        Raises:
            RecordUnavailable: it could not be made durable; if `then` failed it is durable all the same.
            RecordDamaged: the file cannot be read.
        """

    async def close(self) -> None: ...


async def open_channel(store: Store) -> Channel:
    """Open the fastest channel that the store's database has."""
    channel = FileChannel(store)
    return channel if await channel.open() else SessionChannel(store)


class FileChannel:
    """The store's own writer connection to the audit file, kept for as long as the process records."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held = contextlib.AsyncExitStack()
        self._opening = asyncio.Lock()
        self._connection: aiosqlite.Connection | None = None

    async def open(self) -> bool:
        """Take the connection; False if this store is not made of files."""
        async with self._opening, contextlib.AsyncExitStack() as stack:
            if self._connection is not None:
                return True
            session = await stack.enter_async_context(self._store.open_internal(Purpose.RECORD, AUDIT, write=True))
            pooled = await (await session.connection()).get_raw_connection()
            driver = pooled.driver_connection
            if not isinstance(driver, aiosqlite.Connection):
                return False
            # The session's own transaction is not needed: every batch begins and commits one of its own.
            await driver.rollback()
            self._connection, self._held = driver, stack.pop_all()
        return True

    async def run(self, work: Callable[[Transaction], T], then: Callable[[T], None]) -> T:
        if self._connection is None:
            await self.open()
        connection = cast("aiosqlite.Connection", self._connection)
        try:
            result = await in_thread(connection, lambda raw: _transact(raw, work, then))
        except OutpostError:
            raise
        except Exception as error:
            with contextlib.suppress(Exception):  # this connection is given up; the next batch opens another
                await self.close()
            raise named(error) from error
        return result

    async def close(self) -> None:
        self._connection = None
        await self._held.aclose()


def _transact(raw: sqlite3.Connection, work: Callable[[Transaction], T], then: Callable[[T], None]) -> T:
    raw.execute("BEGIN IMMEDIATE")
    try:
        result = work(_FileTransaction(raw))
        raw.execute("COMMIT")
    except BaseException:
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        raise
    then(result)
    return result


class _FileTransaction:
    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def lock(self, logs: Iterable[str]) -> None:
        """BEGIN IMMEDIATE has locked the file."""

    def rows(self, statement: Executable, **values: Any) -> Sequence[Sequence[Any]]:
        sql, defaults = _compiled(statement)
        return self._raw.execute(sql, defaults | values).fetchall()

    def many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        at = 0
        while at < len(rows):
            count = min(AT_ONCE, 1 << (len(rows) - at).bit_length() - 1)
            sql, names = _multiplied(statement, count)
            self._raw.execute(sql, [row[name] for row in rows[at : at + count] for name in names])
            at += count

    def purge(self, values: Mapping[str, Any]) -> int:
        self._raw.execute(
            "INSERT INTO purged (log, size, before, created_at) VALUES (:log, :size, :before, :at)", values
        )
        self._raw.execute(
            "DELETE FROM personal WHERE record_id IN (SELECT id FROM leaves WHERE log = :log AND seq < :size)", values
        )
        return self._raw.execute("DELETE FROM leaves WHERE log = :log AND seq < :size", values).rowcount


_TEXTS: dict[Executable, tuple[str, dict[str, Any]]] = {}


def _compiled(statement: Executable) -> tuple[str, dict[str, Any]]:
    """The text of a statement for SQLite, made once: the statements of the record are constants."""
    if statement not in _TEXTS:
        compiled = cast("ClauseElement", statement).compile(dialect=sqlite_dialect(paramstyle="named"))
        _TEXTS[statement] = str(compiled), dict(compiled.params)
    return _TEXTS[statement]


@cache
def _multiplied(statement: Executable, count: int) -> tuple[str, Sequence[str]]:
    """An INSERT of one row, or a DELETE by one condition, as the text for `count` of them, and the names of the values of one.

    Each run of a statement gives the interpreter to another thread and has to wait to get it back: as one it waits once.
    """
    compiled = cast("ClauseElement", statement).compile(dialect=sqlite_dialect(paramstyle="qmark"))
    assert isinstance(compiled, SQLCompiler)
    names = compiled.positiontup or ()
    if isinstance(statement, Delete):
        head, _, one = str(compiled).partition(" WHERE ")
        return f"{head} WHERE {' OR '.join([one] * count)}", names
    head, _, one = str(compiled).partition(" VALUES ")
    return f"{head} VALUES {', '.join([one] * count)}", names


class SessionChannel:
    """A session of the store for each batch."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self, work: Callable[[Transaction], T], then: Callable[[T], None]) -> T:
        try:
            async with self._store.open_internal(Purpose.RECORD, AUDIT, write=True) as session:
                result = await in_session(session, work)
            await asyncio.to_thread(then, result)
        except Exception as error:
            raise named(error) from error
        return result

    async def close(self) -> None:
        """Nothing is held between batches."""


async def in_session(session: AsyncSession, work: Callable[[Transaction], T]) -> T:
    """Run synchronous work on an open session of the audit data; its transaction stays the session's."""

    def on(sync: Session) -> T:
        return work(_SessionTransaction(sync.connection()))

    return await session.run_sync(on)


class _SessionTransaction:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self, logs: Iterable[str]) -> None:
        # Always in the same order, or two appenders of two logs could wait for each other.
        for log in sorted(logs):
            self._connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(literal(log), 0))))

    def rows(self, statement: Executable, **values: Any) -> Sequence[Sequence[Any]]:
        result = self._connection.execute(statement, values)
        return result.all() if result.returns_rows else ()

    def many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            self._connection.execute(statement, list(rows))

    def purge(self, values: Mapping[str, Any]) -> int:
        # A hub's program has no right to delete a record: a function of the tables' owner does, and looks for itself.
        query = text("SELECT audit.purge(:log, :size, :before, :at)")
        return int(self._connection.execute(query, dict(values)).scalar_one())


def named(error: Exception) -> OutpostError:
    """Say what a failure of the database means for the record; our own errors have said it already."""
    if isinstance(error, OutpostError):
        return error
    name = str(getattr(error, "sqlite_errorname", "") or "")
    if name.startswith(DAMAGED):
        return RecordDamaged("The audit file cannot be read or written.", reason=name)
    said = FAILING.get("_".join(name.split("_")[:2]), "The audit record could not be made durable.")
    return RecordUnavailable(said, reason=name or type(error).__name__)
