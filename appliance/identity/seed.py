"""The first people of a tenant, so that somebody can sign in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity import rules
from appliance.identity import store as queries
from appliance.identity.passwords import Passwords, generated
from appliance.identity.tables import PersonRow
from appliance.identity.values import Clock, Credential, Role, utc_now
from appliance.store import CONTROL, Purpose, Store, Tenant, new_id

Record = Callable[[AsyncSession, Tenant, Sequence[Credential]], Awaitable[None]]

FIRST: Final[tuple[Role, ...]] = ("admin", "operator", "viewer")


async def _unrecorded(_session: AsyncSession, _tenant: Tenant, _made: Sequence[Credential]) -> None:
    return None


async def seed_people(
    store: Store,
    tenants: Iterable[Tenant],
    *,
    passwords: Passwords,
    keep: Callable[[Sequence[Credential]], None] = lambda _: None,
    record: Record = _unrecorded,
    clock: Clock = utc_now,
) -> list[Credential]:
    """Make an admin, an operator and a viewer of those names in each tenant, with generated passwords.

    People who exist keep their passwords, so only the sign-ins made now are returned. Nobody can read a password again
    once it is hashed: a tenant's new sign-ins are given to `keep` before its people are committed. Whatever happens
    in between, nobody exists whose password was not kept; one that was kept in vain is made anew the next time.
    `record` writes down who was made, in the transaction that makes them: nobody exists unrecorded either.
    """
    made: list[Credential] = []
    for tenant in tenants:
        async with store.open_internal(Purpose.SEED, CONTROL) as session:
            known = await queries.usernames(session, tenant.id)
        new: list[Credential] = []
        rows = []
        for role in FIRST:
            if role in known:
                continue
            credential = Credential(tenant.slug, role, generated(), role)
            new.append(credential)
            rows.append(
                PersonRow(
                    id=new_id(),
                    tenant_id=tenant.id,
                    username=role,
                    display_name=f"{tenant.name} {role}",
                    role=role,
                    clearance=rules.CLEARANCES[role],
                    password_hash=await passwords.hash(credential.password),
                    must_change=True,
                    is_active=True,
                    failures=0,
                    created_at=clock(),
                )
            )
        if rows:
            keep(new)
            async with store.open_internal(Purpose.SEED, CONTROL, write=True) as session:
                session.add_all(rows)
                await record(session, tenant, new)
        made += new
    return made


async def with_first_password(store: Store, made: Iterable[Credential], *, passwords: Passwords) -> list[Credential]:
    """Those of `made` whose password is still the one that they were made with, and who can sign in."""
    tenants = {tenant.slug: tenant for tenant in await store.tenants()}
    found = []
    for one in made:
        tenant = tenants.get(one.tenant)
        if tenant is None:
            continue
        async with store.open_internal(Purpose.VERIFY, CONTROL) as session:
            person = await queries.person_named(session, tenant.id, rules.folded(one.username))
        if person is not None and person.is_active and await passwords.verify(person.password_hash, one.password):
            found.append(one)
    return found
