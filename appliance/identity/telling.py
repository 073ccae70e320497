"""What admins hear of accounts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from appliance.news import tell

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from appliance.identity.tables import PersonRow


async def locked(session: AsyncSession, row: PersonRow, now: dt.datetime) -> None:
    """An account has been locked. Somebody can do that to it all day: it is said once an hour."""
    slot = f"locked:{row.id}:{now:%Y%m%d%H}"
    await tell(session, "account.locked", slot=slot, tenant_id=row.tenant_id, at=now, person_id=str(row.id))
