"""Who somebody from outside is here: known by issuer and id at the issuer, taken in at the first sign-in where that is allowed.

The provider's newest word decides the role, at each sign-in and at each refresh. It can lower a clearance, never raise
one: that stays with the admins of the plant. A person is never found by name: somebody local who has the name that the
provider gives keeps it, and the newcomer is refused.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.errors import OutpostError
from appliance.identity import rules
from appliance.identity import store as people
from appliance.identity.errors import PersonInactive, SessionEnded
from appliance.identity.federation import claims
from appliance.identity.federation import store as queries
from appliance.identity.federation.errors import NameHeld, NoRoleHere, NotInvited, OutsideRefused
from appliance.identity.federation.tables import OutsidePersonRow
from appliance.identity.federation.values import Outsider, Provider
from appliance.identity.tables import PersonRow
from appliance.identity.values import Role
from appliance.store import new_id


@dataclass(frozen=True, slots=True)
class Judged:
    """The person, or why not; `why` is for the record. What was changed stands in the session either way."""

    person: PersonRow | None = None
    refusal: OutpostError | None = None
    why: str = ""
    is_new: bool = False


async def judged(session: AsyncSession, provider: Provider, outsider: Outsider, now: dt.datetime) -> Judged:
    """Find or make the person, with the role that they have now."""
    known = await queries.from_outside(session, provider.tenant_id, outsider.external_id)
    if known is None:
        return await _new(session, provider, outsider, now)
    person = await people.person_to_change(session, provider.tenant_id, known.person_id)
    if person is None or known.issuer != outsider.issuer or known.kind != provider.kind:
        return Judged(refusal=OutsideRefused(), why="the id belongs to another provider")
    if outsider.said_at >= known.said_at:
        known.groups, known.said_at = sorted(outsider.groups), outsider.said_at
        person.display_name = outsider.display_name
    if not await _with_role(session, person, known, provider, now):
        return Judged(person, NoRoleHere("None of your groups has a role here."), "no role")
    if not person.is_active:
        return Judged(person, PersonInactive("This account is switched off."), "person inactive")
    person.last_login = now
    return Judged(person)


async def recheck(session: AsyncSession, person: PersonRow, now: dt.datetime) -> OutpostError | None:
    """Whether the session of a person may go on, by the settings as they are now; the role follows them.

    Somebody local may always: their role is for the admins alone to change.
    """
    known = await queries.outside_of(session, person.id)
    if known is None:
        return None
    offered = await queries.providers(session)
    provider = next(
        (
            one
            for one in offered
            if (one.tenant_id, one.kind, one.issuer) == (known.tenant_id, known.kind, known.issuer)
        ),
        None,
    )
    if provider is None:
        return SessionEnded("The identity provider of this session is not used here any more.")
    if not await _with_role(session, person, known, provider, now):
        return NoRoleHere("None of your groups has a role here.")
    return None


async def _new(session: AsyncSession, provider: Provider, outsider: Outsider, now: dt.datetime) -> Judged:
    role = claims.role(outsider.groups, provider.groups, provider.default_role)
    if role is None:
        return Judged(refusal=NoRoleHere("None of your groups has a role here."), why="no role")
    if not provider.allow_new:
        return Judged(refusal=NotInvited("Nobody here knows you yet."), why="not invited")
    if await people.person_named(session, provider.tenant_id, outsider.username) is not None:
        return await _quicker(session, provider, outsider, now)
    person = PersonRow(
        id=new_id(),
        tenant_id=provider.tenant_id,
        username=outsider.username,
        display_name=outsider.display_name,
        role=role,
        clearance=min(rules.CLEARANCES[role], provider.most_clearance),
        password_hash="",  # fits no password
        is_active=True,
        failures=0,
        last_login=now,
        created_at=now,
    )
    try:
        async with session.begin_nested():
            session.add(person)
            await session.flush()
            session.add(
                OutsidePersonRow(
                    person_id=person.id,
                    tenant_id=provider.tenant_id,
                    kind=provider.kind,
                    issuer=outsider.issuer,
                    external_id=outsider.external_id,
                    groups=sorted(outsider.groups),
                    said_at=outsider.said_at,
                )
            )
            await session.flush()
    except IntegrityError:
        return await _quicker(session, provider, outsider, now)
    return Judged(person, is_new=True)


async def _quicker(session: AsyncSession, provider: Provider, outsider: Outsider, now: dt.datetime) -> Judged:
    """Somebody has the name already: the same person, by another request a moment ago, or another one."""
    if await queries.from_outside(session, provider.tenant_id, outsider.external_id) is not None:
        return await judged(session, provider, outsider, now)
    return Judged(refusal=NameHeld("Somebody here has that name."), why="name held")


async def _with_role(
    session: AsyncSession, person: PersonRow, known: OutsidePersonRow, provider: Provider, now: dt.datetime
) -> bool:
    """Give the person the role that the provider's newest word means; False, and no session goes on, if it means none."""
    role = claims.role(known.groups, provider.groups, provider.default_role)
    if role is None:
        await people.end_sessions(session, person.id, now)
        return False
    if role != person.role:
        _change_role(person, role)
    return True


def _change_role(person: PersonRow, role: Role) -> None:
    person.role = role
    person.clearance = min(person.clearance, rules.CLEARANCES[role])
