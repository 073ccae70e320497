"""What the node keeps of a person as such: shown to them, and forgotten when they are erased.

close ──> nobody signs in as them any more          forget ──> a row without a name is left, so that ids stay explained
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity import rules
from appliance.identity import store as queries
from appliance.identity.errors import LastAdmin, UnknownPerson
from appliance.identity.federation.tables import GrantRow, OutsidePersonRow
from appliance.identity.tables import (
    ApiKeyRow,
    BadgeRow,
    FactorRow,
    PersonRow,
    RecoveryCodeRow,
    RefreshTokenRow,
    SessionRow,
)
from appliance.identity.values import PersonChange
from appliance.store import Principal, TenantId

ERASED: Final = "Erased"
"""What an erased person is called wherever somebody is named by their id."""


async def kept(session: AsyncSession, person_id: UUID, _after: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """The person's account with what hangs on it, in one row; no secret and no hash of one."""
    row = await session.get(PersonRow, person_id)
    if row is None:
        return [], None
    outside = await session.get(OutsidePersonRow, person_id)
    badge = await session.get(BadgeRow, person_id)
    factors = await session.scalars(select(FactorRow).filter_by(person_id=person_id))
    sessions = await session.scalars(select(SessionRow).filter_by(person_id=person_id))
    keys = await session.scalars(select(ApiKeyRow).filter_by(maker_id=person_id))
    shown = {
        "id": row.id, "username": row.username, "display_name": row.display_name, "role": row.role,
        "clearance": row.clearance, "export_eligibility": row.export_eligibility, "duties": row.duties,
        "is_active": row.is_active, "created_at": row.created_at, "last_login": row.last_login, "badge": badge is not None,
        "second_factors": [{"kind": one.kind, "name": one.name, "created_at": one.created_at, "last_used_at": one.last_used_at} for one in factors],
        "sign_ins": [{"began_at": one.created_at, "ended_at": one.ended_at, "kiosk_id": one.kiosk_id} for one in sessions],
        "api_keys": [{"name": one.name, "created_at": one.created_at, "expires_at": one.expires_at} for one in keys],
        "company_account": None if outside is None else {"issuer": outside.issuer, "id": outside.external_id, "groups": outside.groups},
    }  # fmt: skip
    return [shown], None


async def names(session: AsyncSession, person_id: UUID) -> frozenset[str]:
    """What the person is called anywhere, folded."""
    row = await session.get(PersonRow, person_id)
    outside = await session.get(OutsidePersonRow, person_id)
    found = {row.username, row.display_name} if row is not None else set()
    if outside is not None:
        found.add(outside.external_id)
    return frozenset(rules.folded(one) for one in found if one)


async def has_name(session: AsyncSession, person_id: UUID) -> bool:
    """Whether there is such a person, and they are not erased."""
    row = await session.get(PersonRow, person_id)
    return row is not None and row.username != nameless(person_id)


async def may_go(session: AsyncSession, actor: Principal, person_id: UUID) -> None:
    """Raises UnknownPerson, OwnAccount, LastAdmin: they cannot be erased by `actor`, or not now."""
    row = await queries.person_to_change(session, actor.tenant_id, person_id)
    if row is None:
        raise UnknownPerson("Nobody with this id is here.")
    others = await queries.other_admins(session, actor.tenant_id, person_id)
    rules.check_change(actor, queries.person_of(row), PersonChange(is_active=False), other_admins=others)


async def close(session: AsyncSession, tenant_id: TenantId, person_id: UUID, now: dt.datetime) -> None:
    """Nobody signs in as them from here on. Raises LastAdmin: nobody would be left to run the site."""
    row = await queries.person_to_change(session, tenant_id, person_id)
    if row is not None:
        alone = await queries.other_admins(session, tenant_id, person_id) == 0
        if row.role == "admin" and row.is_active and alone:
            raise LastAdmin("This is the only active admin of the plant.")
        row.is_active = False
        await queries.end_sessions(session, person_id, now)


async def forget(session: AsyncSession, person_id: UUID) -> int:
    """Everything of the account goes but a row that says that there was one; how many rows changed."""
    mine = select(SessionRow.id).where(SessionRow.person_id == person_id)
    gone = 0
    for statement in (
        delete(RefreshTokenRow).where(RefreshTokenRow.session_id.in_(mine)),
        delete(GrantRow).where(GrantRow.session_id.in_(mine)),
        delete(SessionRow).where(SessionRow.person_id == person_id),
        delete(FactorRow).where(FactorRow.person_id == person_id),
        delete(RecoveryCodeRow).where(RecoveryCodeRow.person_id == person_id),
        delete(BadgeRow).where(BadgeRow.person_id == person_id),
        delete(OutsidePersonRow).where(OutsidePersonRow.person_id == person_id),
        update(ApiKeyRow)
        .where(ApiKeyRow.maker_id == person_id, ApiKeyRow.name != "")
        .values(name="", revoked_at=dt.datetime.now(dt.UTC)),
        update(PersonRow)
        .where(PersonRow.id == person_id, PersonRow.username != nameless(person_id))
        .values(
            username=nameless(person_id), display_name=ERASED, role="viewer", clearance=1, export_eligibility=[], duties={},
            password_hash="", is_active=False, failures=0, locked_until=None, last_login=None,
        ),
    ):  # fmt: skip
        gone += cast("CursorResult[Any]", await session.execute(statement)).rowcount
    return gone


def nameless(person_id: UUID) -> str:
    """What an erased person is listed as; nobody can sign in by it, since it begins with a dash."""
    return f"-erased-{person_id.hex}"
