"""Is every page of a node's file as it was written? Each carries an HMAC, also those that no row needs."""

from __future__ import annotations

from typing import cast

import aiosqlite
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_CHECK = text("PRAGMA cipher_integrity_check")


async def bad_pages(session: AsyncSession) -> list[str]:
    """Those that are not, in SQLCipher's words; none on a hub, whose server checks its own.

    A power cut while the write-ahead log was being put into the file leaves pages half written that the log still has
    whole. That is no damage: they are put there once more before they are judged.
    """
    if session.get_bind().dialect.name != "sqlite":
        return []
    if not (await session.scalars(_CHECK)).all():
        return []
    pooled = await (await session.connection()).get_raw_connection()
    driver = cast("aiosqlite.Connection", pooled.driver_connection)
    await driver.rollback()
    await (await driver.execute("PRAGMA wal_checkpoint(PASSIVE)")).close()
    await (await driver.execute("BEGIN DEFERRED")).close()
    return [str(one) for one in await session.scalars(_CHECK)]
