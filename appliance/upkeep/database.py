"""What is asked of the database itself: counts, checks, order.

A node's file is checked page by page (each carries an HMAC), then as SQLite's own structure, then row against row. On a
hub the server checks its pages; what it found wrong, and indexes that it marked unusable, are asked of it.

No VACUUM on a node: it may renumber rows that the vector index finds by number. Freed pages are overwritten
(`secure_delete`) and used again. On a hub the server vacuums by itself.
"""

from __future__ import annotations

from sqlalchemy import func, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.store import Group, TenantBase
from appliance.store.pages import bad_pages

MOST_SAID = 20


def _is_file(session: AsyncSession) -> bool:
    return session.get_bind().dialect.name == "sqlite"


async def counts(session: AsyncSession) -> dict[str, int]:
    """Rows of the tenant by table."""
    schema = None if _is_file(session) else Group.TENANT.value
    connection = await session.connection()
    present = set(await connection.run_sync(lambda bare: inspect(bare).get_table_names(schema=schema)))
    tables = [table for name, table in sorted(TenantBase.metadata.tables.items()) if name in present]
    return {table.name: await session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


async def check(session: AsyncSession) -> list[str]:
    """What is wrong, in the database's words; nothing, if all is as it was written. At most 20 lines."""
    if not _is_file(session):
        broken = await session.scalar(
            text("SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()")
        )
        unusable = await session.scalars(
            text(
                "SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid"
                " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
                " WHERE n.nspname IN ('control', 'audit', 'tenant') AND NOT i.indisvalid"
            )
        )
        found = [f"{broken} pages with a wrong checksum"] if broken else []
        return [*found, *(f"the index {name} is unusable" for name in unusable)][:MOST_SAID]
    pages = await bad_pages(session)
    structure = await session.execute(text("PRAGMA integrity_check(20)"))
    references = await session.execute(text("PRAGMA foreign_key_check"))
    return [
        *pages,
        *(str(row[0]) for row in structure if row[0] != "ok"),
        *(f"a row of {row[0]} refers to nothing in {row[2]}" for row in references),
    ][:MOST_SAID]


async def optimize(session: AsyncSession) -> str:
    """Put the indexes of a node's file in order; a hub's server does that by itself. Returns what was done, in words."""
    if not _is_file(session):
        return "left to the server, which vacuums and analyzes by itself"
    await session.execute(text("INSERT INTO passage_terms (passage_terms) VALUES ('optimize')"))
    await session.execute(text("PRAGMA analysis_limit = 1000"))
    await session.execute(text("PRAGMA optimize"))
    return "the text index merged, statistics renewed"
