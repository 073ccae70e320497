"""How SQLAlchemy speaks to a connection that lives in a thread of its own: one hop for a statement with all its rows.

    aiosqlite as it comes   BEGIN 3 · statement 4 (cursor, execute, fetch, close) · COMMIT 1 · ROLLBACK 1    9 hops
    here                    BEGIN with the first statement 1 · COMMIT 1                                      2 hops

A hop wakes two threads that share one interpreter lock; on a small box it costs more than most of our statements.
What SQLite is told, and in which order, is the same.
"""

from __future__ import annotations

import sqlite3
import types
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.util import await_
from sqlcipher3 import dbapi2 as sqlcipher

T = TypeVar("T")


async def in_thread(connection: aiosqlite.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """Run `work` on the raw connection in the connection's own thread; calls are run in their order."""
    execute: Any = connection._execute  # aiosqlite has no public way to run a function in its thread
    return cast("T", await execute(work, connection._conn))


@dataclass(slots=True)
class _Done:
    """What stays of a cursor that was read to its end and closed in its thread."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    arraysize: int = 1

    def close(self) -> None:
        """Nothing is open."""


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    __slots__ = ()
    _awaitable_cursor_close = False

    def _make_new_cursor(self, connection: Any) -> Any:
        return _Done()

    def _aenter_cursor(self, cursor: Any) -> Any:
        return cursor

    async def _execute_async(self, operation: Any, parameters: Any) -> None:
        await self._run(lambda cursor: cursor.execute(operation, () if parameters is None else parameters))

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> None:
        await self._run(lambda cursor: cursor.executemany(operation, seq_of_parameters))

    async def _run(self, statement: Callable[[sqlite3.Cursor], object]) -> None:
        connection = cast("Connection", self._adapt_connection)
        begin, connection.to_begin, connection.used = connection.to_begin, None, True

        def run(raw: sqlite3.Connection) -> tuple[_Done, deque[Any]]:
            if begin is not None:
                raw.execute(begin)
            cursor = raw.cursor()
            try:
                statement(cursor)
                rows = deque(cursor.fetchall() if cursor.description else ())
                return _Done(cursor.description, cursor.rowcount, cursor.lastrowid), rows
            finally:
                cursor.close()

        done, self._rows = await in_thread(cast("aiosqlite.Connection", self._connection), run)
        self._cursor = cast("Any", done)


class Connection(AsyncAdapt_aiosqlite_connection):
    """A connection of the pool.

    Attributes:
        to_begin: the BEGIN that goes out with the next statement.
        used: a statement went out since the last end. It may still wait for its turn in the thread when its caller was
            cancelled, so whether SQLite is in a transaction by now says nothing; an end that is sent after it does.
    """

    __slots__ = ("to_begin", "used")
    _cursor_cls = _Cursor

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self.to_begin: str | None = None
        self.used = False

    def commit(self) -> None:
        self._end(super().commit)

    def rollback(self) -> None:
        self._end(super().rollback)

    def _end(self, send: Callable[[], None]) -> None:
        self.to_begin = None
        if self.used:
            send()
            self.used = False


class Driver(AsyncAdapt_aiosqlite_dbapi):
    """The dialect's driver module over sqlcipher3, with the error classes of sqlcipher3.

    The adapter copies aiosqlite's, which are those of sqlite3: an IntegrityError of sqlcipher3 would not be known.
    """

    def __init__(self) -> None:
        super().__init__(aiosqlite, cast("types.ModuleType", sqlcipher))
        names = ("sqlite_version", "sqlite_version_info", *(name for name in dir(sqlcipher) if name.endswith("Error")))
        for name in names:
            setattr(self, name, getattr(sqlcipher, name))

    def connect(self, *, async_creator_fn: Callable[[], Awaitable[aiosqlite.Connection]], **_: Any) -> Connection:
        return Connection(self, await_(async_creator_fn()))
