"""Queries over people, sessions and kiosks. Those that are followed by a change lock the row they read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity import duties
from appliance.identity.federation.tables import GrantRow
from appliance.identity.tables import EnrolmentCodeRow, KioskRow, PersonRow, RefreshTokenRow, SessionRow
from appliance.identity.values import AtKiosk, Kiosk, Person, Role
from appliance.store import TenantId


def person_of(row: PersonRow) -> Person:
    return Person(
        id=row.id,
        tenant_id=TenantId(row.tenant_id),
        username=row.username,
        display_name=row.display_name,
        role=cast("Role", row.role),
        clearance=row.clearance,
        is_active=row.is_active,
        locked_until=row.locked_until,
        last_login=row.last_login,
        created_at=row.created_at,
        export_eligibility=frozenset(row.export_eligibility),
        duties=duties.from_json(row.duties),
        must_change=row.must_change,
    )


def at_kiosk_of(row: SessionRow) -> AtKiosk | None:
    if row.kiosk_id is None or row.seen_at is None:
        return None
    return AtKiosk(row.kiosk_id, bool(row.with_pin), row.seen_at)


def kiosk_of(row: KioskRow) -> Kiosk:
    return Kiosk(
        id=row.id,
        tenant_id=TenantId(row.tenant_id),
        name=row.name,
        clearance=row.clearance,
        is_active=row.is_active,
        thumbprint=row.thumbprint,
        created_at=row.created_at,
        last_seen=row.last_seen,
    )


async def person_named(session: AsyncSession, tenant_id: TenantId, username: str) -> PersonRow | None:
    return await session.scalar(select(PersonRow).filter_by(tenant_id=tenant_id, username=username))


async def person_where(session: AsyncSession, tenant_id: TenantId, condition: ColumnElement[bool]) -> PersonRow | None:
    return await session.scalar(select(PersonRow).filter_by(tenant_id=tenant_id).where(condition))


async def person_by_id(session: AsyncSession, tenant_id: TenantId, person_id: UUID) -> PersonRow | None:
    return await session.scalar(select(PersonRow).filter_by(tenant_id=tenant_id, id=person_id))


async def person_to_change(session: AsyncSession, tenant_id: TenantId, person_id: UUID) -> PersonRow | None:
    query = select(PersonRow).filter_by(tenant_id=tenant_id, id=person_id).with_for_update()
    return await session.scalar(query)


async def people_after(session: AsyncSession, tenant_id: TenantId, username: str, limit: int) -> Sequence[PersonRow]:
    """People of the tenant in the order of their names, from the one that follows `username`."""
    query = select(PersonRow).filter_by(tenant_id=tenant_id).where(PersonRow.username > username)
    return (await session.scalars(query.order_by(PersonRow.username).limit(limit))).all()


async def active_people(session: AsyncSession, tenant_id: TenantId) -> Sequence[PersonRow]:
    return (await session.scalars(select(PersonRow).filter_by(tenant_id=tenant_id, is_active=True))).all()


async def people_with(session: AsyncSession, tenant_id: TenantId, ids: Sequence[UUID]) -> Sequence[PersonRow]:
    """People of the tenant, of those with these ids."""
    return (await session.scalars(select(PersonRow).filter_by(tenant_id=tenant_id).where(PersonRow.id.in_(ids)))).all()


async def other_admins(session: AsyncSession, tenant_id: TenantId, person_id: UUID) -> int:
    """How many active admins the tenant has beside this person, locked so that two cannot leave at once.

    An admin who audits runs nothing meanwhile, and does not count.
    """
    query = select(PersonRow.duties).filter_by(tenant_id=tenant_id, role="admin", is_active=True)
    held = await session.scalars(query.where(PersonRow.id != person_id).with_for_update())
    return sum(duties.AUDITOR not in one for one in held)


async def usernames(session: AsyncSession, tenant_id: TenantId) -> set[str]:
    return set((await session.scalars(select(PersonRow.username).filter_by(tenant_id=tenant_id))).all())


async def session_of(session: AsyncSession, refresh_hash: str) -> tuple[RefreshTokenRow, SessionRow, PersonRow] | None:
    """The refresh token with its session and person, the session locked."""
    query = (
        select(RefreshTokenRow, SessionRow, PersonRow)
        .join(SessionRow, SessionRow.id == RefreshTokenRow.session_id)
        .join(PersonRow, PersonRow.id == SessionRow.person_id)
        .where(RefreshTokenRow.hash == refresh_hash)
        .with_for_update(of=SessionRow)
    )
    found = (await session.execute(query)).one_or_none()
    return None if found is None else (found[0], found[1], found[2])


async def refresh_known(session: AsyncSession, refresh_hash: str) -> RefreshTokenRow | None:
    return await session.get(RefreshTokenRow, refresh_hash)


async def use_refresh(session: AsyncSession, refresh_hash: str, now: dt.datetime) -> bool:
    """Mark the refresh token as used; False if it was already."""
    statement = update(RefreshTokenRow).where(RefreshTokenRow.hash == refresh_hash, RefreshTokenRow.used_at.is_(None))
    return await _changed(session, statement.values(used_at=now))


async def end_sessions(session: AsyncSession, person_id: UUID, now: dt.datetime, *, but: UUID | None = None) -> None:
    """End what the person has open, except `but`."""
    open_ones = [SessionRow.person_id == person_id, SessionRow.ended_at.is_(None)]
    if but is not None:
        open_ones.append(SessionRow.id != but)
    await session.execute(update(SessionRow).where(*open_ones).values(ended_at=now))
    await _forget_grants(session)


async def end_sessions_at_kiosks(session: AsyncSession, person_id: UUID, now: dt.datetime) -> None:
    open_ones = (SessionRow.person_id == person_id, SessionRow.ended_at.is_(None), SessionRow.kiosk_id.is_not(None))
    await session.execute(update(SessionRow).where(*open_ones).values(ended_at=now))


async def seen(session: AsyncSession, session_id: UUID, now: dt.datetime) -> None:
    await session.execute(update(SessionRow).where(SessionRow.id == session_id).values(seen_at=now))


async def lasts(session: AsyncSession, session_id: UUID, lifetime: dt.timedelta) -> None:
    """Let a session end `lifetime` after it began."""
    row = await session.get(SessionRow, session_id)
    if row is not None:
        row.expires_at = row.created_at + lifetime


async def end_session(session: AsyncSession, session_id: UUID, now: dt.datetime) -> bool:
    """False if it had ended before."""
    open_one = (SessionRow.id == session_id, SessionRow.ended_at.is_(None))
    changed = await _changed(session, update(SessionRow).where(*open_one).values(ended_at=now))
    await _forget_grants(session)
    return changed


async def _forget_grants(session: AsyncSession) -> None:
    """What a provider gave for a session goes with it."""
    over = select(SessionRow.id).where(SessionRow.ended_at.is_not(None))
    await session.execute(delete(GrantRow).where(GrantRow.session_id.in_(over)))


async def forget_old_sessions(session: AsyncSession, person_id: UUID, now: dt.datetime) -> None:
    """Delete the person's sessions that could not be used any more, ended or not."""
    old = select(SessionRow.id).where(SessionRow.person_id == person_id, SessionRow.expires_at < now)
    await session.execute(delete(RefreshTokenRow).where(RefreshTokenRow.session_id.in_(old)))
    await session.execute(delete(GrantRow).where(GrantRow.session_id.in_(old)))
    await session.execute(delete(SessionRow).where(SessionRow.person_id == person_id, SessionRow.expires_at < now))


async def person_and_session(session: AsyncSession, session_id: UUID) -> tuple[PersonRow, SessionRow] | None:
    query = select(PersonRow, SessionRow).join(SessionRow, SessionRow.person_id == PersonRow.id)
    found = (await session.execute(query.where(SessionRow.id == session_id))).one_or_none()
    return None if found is None else (found[0], found[1])


async def use_code(session: AsyncSession, code_hash: str, now: dt.datetime) -> EnrolmentCodeRow | None:
    """Use up the enrolment code; None if it is unknown, used or too old."""
    usable = (
        EnrolmentCodeRow.hash == code_hash,
        EnrolmentCodeRow.used_at.is_(None),
        EnrolmentCodeRow.expires_at > now,
    )
    if not await _changed(session, update(EnrolmentCodeRow).where(*usable).values(used_at=now)):
        return None
    return await session.get(EnrolmentCodeRow, code_hash)


async def forget_old_codes(session: AsyncSession, tenant_id: TenantId, now: dt.datetime) -> None:
    old = (EnrolmentCodeRow.tenant_id == tenant_id, EnrolmentCodeRow.expires_at < now)
    await session.execute(delete(EnrolmentCodeRow).where(*old))


async def kiosk_with_key(session: AsyncSession, thumbprint: str) -> KioskRow | None:
    return await session.scalar(select(KioskRow).filter_by(thumbprint=thumbprint))


async def kiosk_named(session: AsyncSession, tenant_id: TenantId, name: str) -> KioskRow | None:
    query = select(KioskRow).filter_by(tenant_id=tenant_id, name=name).order_by(KioskRow.id).limit(1)
    return await session.scalar(query)


async def kiosks_after(
    session: AsyncSession, tenant_id: TenantId, after: tuple[str, str], limit: int
) -> Sequence[KioskRow]:
    """Kiosks of the tenant by name and id, from the one that follows `after`."""
    name, identifier = after
    query = select(KioskRow).filter_by(tenant_id=tenant_id)
    if identifier:
        same_name = (KioskRow.name == name) & (KioskRow.id > UUID(identifier))
        query = query.where((KioskRow.name > name) | same_name)
    return (await session.scalars(query.order_by(KioskRow.name, KioskRow.id).limit(limit))).all()


async def kiosk_to_change(session: AsyncSession, tenant_id: TenantId, kiosk_id: UUID) -> KioskRow | None:
    return await session.scalar(select(KioskRow).filter_by(tenant_id=tenant_id, id=kiosk_id).with_for_update())


async def count_token(session: AsyncSession, kiosk_id: UUID, counted: int, now: dt.datetime) -> bool:
    """Count one more token of an active kiosk that has had `counted`; False if that is not so any more."""
    same = (KioskRow.id == kiosk_id, KioskRow.tokens_issued == counted, KioskRow.is_active.is_(True))
    changed = update(KioskRow).where(*same).values(tokens_issued=counted + 1, last_seen=now)
    return await _changed(session, changed)


async def _changed(session: AsyncSession, statement: object) -> bool:
    result = await session.execute(statement)  # type: ignore[call-overload]
    return cast("CursorResult[object]", result).rowcount == 1
