"""All rows of a hub as they were at one moment, in files: what COPY gives, compressed, encrypted as the rows of each tenant.

    rows/<schema>/<table>             control and audit, under a key of the hub's
    rows/tenant/<tenant id>/<table>   under a key of the tenant's: who has destroyed it has destroyed these too

One transaction in REPEATABLE READ reads them all, as the role that owns nothing, tenant by tenant: row-level security
holds for a backup too. Alembic's own tables are left out; what revision they were is for the manifest to say.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from psycopg import sql
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.errors import Conflict
from appliance.store.files import make_directory, sync_directory
from appliance.store.schema import Group
from appliance.store.segments import SealedWriter, unsealed

ROWS: Final = "rows"
VERSIONS: Final = "alembic_version"

KeyOf = Callable[[UUID | None], bytes]
"""The 32-byte key that rows of a tenant are sealed under, or of the hub itself."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the columns that are stored, in their order; generated ones are left out."""

    schema: str
    name: str
    columns: tuple[str, ...]

    def place(self, tenant: UUID | None) -> str:
        """Where its rows stand below the backup, and the name that they are sealed under."""
        return "/".join((ROWS, self.schema, *(() if tenant is None else (str(tenant),)), self.name))

    @property
    def named(self) -> sql.Composed:
        columns = sql.SQL(", ").join(map(sql.Identifier, self.columns))
        return sql.SQL("{}.{} ({})").format(sql.Identifier(self.schema), sql.Identifier(self.name), columns)

    @property
    def chosen(self) -> sql.Composed:
        columns = sql.SQL(", ").join(map(sql.Identifier, self.columns))
        return sql.SQL("SELECT {} FROM {}.{}").format(columns, sql.Identifier(self.schema), sql.Identifier(self.name))


def tables(connection: Connection) -> list[Table]:
    """Every table of our schemas, those first that others refer to."""
    found = connection.execute(
        text(
            "SELECT n.nspname, c.relname, c.oid::bigint AS id, array_agg(a.attname::text ORDER BY a.attnum) AS columns"
            " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " JOIN pg_attribute AS a ON a.attrelid = c.oid"
            " WHERE n.nspname IN ('control', 'audit', 'tenant') AND c.relkind = 'r' AND c.relname <> 'alembic_version'"
            " AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"
            " GROUP BY n.nspname, c.relname, c.oid ORDER BY n.nspname, c.relname"
        )
    ).all()
    refers: dict[int, set[int]] = {row.id: set() for row in found}
    for row in connection.execute(
        text("SELECT conrelid::bigint AS one, confrelid::bigint AS other FROM pg_constraint WHERE contype = 'f'")
    ):
        if row.one in refers and row.other in refers and row.one != row.other:
            refers[row.one].add(row.other)
    ordered: list[Table] = []
    waiting = list(found)
    done: set[int] = set()
    while waiting:
        ready = [row for row in waiting if refers[row.id] <= done] or waiting
        for row in ready:
            ordered.append(Table(row.nspname, row.relname, tuple(row.columns)))
            done.add(row.id)
        waiting = [row for row in waiting if row.id not in done]
    return ordered


async def write_rows(
    connection: AsyncConnection, folder: Path, tenants: Sequence[UUID], key_of: KeyOf
) -> Mapping[str, int]:
    """Write the rows of all tables, in the caller's transaction; how many, by place. Raises OSError."""
    raw = await _driver(connection)
    counted: dict[str, int] = {}
    for table in await connection.run_sync(tables):
        for tenant in tenants if table.schema == Group.TENANT.value else [None]:
            await connection.execute(_WHOSE, {"tenant": str(tenant or "")})
            place = table.place(tenant)
            make_directory((folder / place).parent)
            packed = zlib.compressobj(6)
            async with raw.cursor() as cursor:
                with SealedWriter(folder / place, key_of(tenant), place) as out:
                    async with cursor.copy(sql.SQL("COPY ({}) TO STDOUT").format(table.chosen)) as rows:
                        async for piece in rows:
                            out.write(packed.compress(bytes(piece)))
                    out.write(packed.flush())
                counted[place] = cursor.rowcount
            sync_directory((folder / place).parent)
    return counted


async def fill_rows(connection: AsyncConnection, folder: Path, tenants: Sequence[UUID], key_of: KeyOf) -> None:
    """Put the rows of a backup into empty tables, in the transaction of their owner.

    Raises:
        Conflict: a table is not empty.
        BackupUnsound: a file is not as it was written.
    """
    raw = await _driver(connection)
    for table in await connection.run_sync(tables):
        async with raw.cursor() as cursor:
            await cursor.execute(sql.SQL("SELECT EXISTS ({})").format(table.chosen))
            if (await cursor.fetchone())[0]:
                raise Conflict(f"The table {table.name} is not empty.", hint="Restore into a new database.")
        for tenant in tenants if table.schema == Group.TENANT.value else [None]:
            place = table.place(tenant)
            if not (folder / place).exists():
                continue
            async with raw.cursor() as cursor:
                copying = sql.SQL("COPY {} FROM STDIN").format(table.named)
                async with cursor.copy(copying) as rows:
                    for piece in _unpacked(folder, place, key_of(tenant)):
                        await rows.write(piece)


def check_rows(folder: Path, counted: Mapping[str, int], key_of: KeyOf) -> list[str]:
    """Read every file of a copy to its end; the places that do not hold as many rows as were written. Blocking.

    Raises:
        BackupUnsound: one was altered or cut short.
    """
    wrong = []
    for place, count in counted.items():
        parts = place.split("/")
        tenant = UUID(parts[2]) if len(parts) == 4 else None
        if sum(piece.count(b"\n") for piece in _unpacked(folder, place, key_of(tenant))) != count:
            wrong.append(place)
    return wrong


def _unpacked(folder: Path, place: str, key: bytes) -> Iterator[bytes]:
    packed = zlib.decompressobj()
    for piece in unsealed(folder / place, key, place):
        yield packed.decompress(piece)
    yield packed.flush()


async def _driver(connection: AsyncConnection) -> Any:
    return (await connection.get_raw_connection()).driver_connection


_WHOSE: Final = text("SELECT set_config('app.tenant_id', :tenant, true)")
