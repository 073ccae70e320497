"""People of a tenant, as its admins keep them. Every call takes an admission and sees that admission's tenant alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from appliance.identity import duties, rules
from appliance.identity import store as queries
from appliance.identity.errors import NotAPerson, UnknownPerson, UsernameTaken, WeakPassword
from appliance.identity.passwords import Passwords, generated
from appliance.identity.tables import PersonRow
from appliance.identity.values import DEFAULT_LIFETIMES, Clock, NewPerson, Person, PersonChange, PersonCreated, utc_now
from appliance.store import Admitted, Store, new_id


class People:
    """Who may sign in, with which role and clearance."""

    def __init__(self, store: Store, *, passwords: Passwords, clock: Clock = utc_now) -> None:
        self._store = store
        self._passwords = passwords
        self._clock = clock

    async def page(self, admitted: Admitted, *, after: str = "", limit: int) -> Sequence[Person]:
        """People in the order of their names, from the one that follows the name `after`."""
        async with self._store.open_control(admitted) as session:
            rows = await queries.people_after(session, admitted.tenant_id, after, limit)
            return [self._shown(queries.person_of(row)) for row in rows]

    async def known(self, admitted: Admitted, word: str) -> Person | None:
        """The person of that name or id, if the tenant has one."""
        try:
            by_id = PersonRow.id == UUID(word)
        except ValueError:
            by_id = PersonRow.username == rules.folded(word)
        async with self._store.open_control(admitted) as session:
            row = await queries.person_where(session, admitted.tenant_id, by_id)
            return None if row is None else self._shown(queries.person_of(row))

    async def holders(self, admitted: Admitted, duty: str) -> frozenset[UUID]:
        """The active people of the tenant who have this duty today."""
        async with self._store.open_control(admitted) as session:
            rows = await queries.active_people(session, admitted.tenant_id)
            today = self._clock().date()
            return frozenset(row.id for row in rows if duty in duties.duties_on(duties.from_json(row.duties), today))

    async def among(self, admitted: Admitted, ids: Sequence[UUID]) -> list[Person]:
        """Those of `ids` who are of the tenant."""
        async with self._store.open_control(admitted) as session:
            rows = await queries.people_with(session, admitted.tenant_id, ids)
            return [self._shown(queries.person_of(row)) for row in rows]

    async def read(self, admitted: Admitted, person_id: UUID) -> Person:
        """Raises UnknownPerson: not in this tenant."""
        async with self._store.open_control(admitted) as session:
            row = await session.get(PersonRow, person_id)
        if row is None or row.tenant_id != admitted.tenant_id:
            raise UnknownPerson("Nobody with this id is here.")
        return self._shown(queries.person_of(row))

    async def create(self, admitted: Admitted, new: NewPerson) -> PersonCreated:
        """Add a person; without a password one is generated and returned, this once.

        Raises:
            InvalidName, WeakPassword, BeyondOwnClearance: nothing was added.
            UsernameTaken: somebody of the tenant has this name.
        """
        name = rules.username(new.username)
        chosen = None if new.password is None else rules.password(new.password, name)
        row = PersonRow(
            id=new_id(),
            tenant_id=admitted.tenant_id,
            username=name,
            display_name=rules.display_name(new.display_name),
            role=new.role,
            clearance=rules.clearance(new.clearance, new.role, admitted.principal),
            password_hash="",
            must_change=True,
            is_active=True,
            failures=0,
            created_at=self._clock(),
        )
        made = generated() if chosen is None else None
        row.password_hash = await self._passwords.hash(chosen or made or "")
        async with self._store.open_control(admitted, write=True) as session:
            if await queries.person_named(session, admitted.tenant_id, name) is not None:
                raise UsernameTaken("Somebody has this name already.")
            session.add(row)
            try:
                await session.flush()
            except IntegrityError:
                raise UsernameTaken("Somebody has this name already.") from None
            person = queries.person_of(row)
            admitted.outcome.resource_id = str(person.id)
            admitted.outcome.metadata |= {"after": _rights(person)}
        return PersonCreated(person, made)

    async def update(self, admitted: Admitted, person_id: UUID, change: PersonChange) -> Person:
        """Change a person. Lower rights, a new password and deactivation end the person's sessions.

        Raises:
            UnknownPerson: not in this tenant.
            OwnAccount, LastAdmin, BeyondOwnClearance, WeakPassword: nothing was changed.
        """
        hashed = await self._new_hash(admitted, person_id, change)
        async with self._store.open_control(admitted, write=True) as session:
            row = await queries.person_to_change(session, admitted.tenant_id, person_id)
            if row is None:
                raise UnknownPerson("Nobody with this id is here.")
            before, now = queries.person_of(row), self._clock()
            others = await queries.other_admins(session, admitted.tenant_id, person_id)
            rules.check_change(admitted.principal, before, change, other_admins=others)
            if change.display_name is not None:
                row.display_name = rules.display_name(change.display_name)
            if change.role is not None:
                row.role = change.role
                row.clearance = min(before.clearance, rules.CLEARANCES[change.role])
            if change.clearance is not None:
                row.clearance = rules.clearance(change.clearance, change.role or before.role, admitted.principal)
            if change.export_eligibility is not None:
                row.export_eligibility = sorted(change.export_eligibility)
            if change.duties is not None:
                duties.check_duties(change.duties, before.duties, now.date())
                row.duties = duties.to_json(change.duties)
            if change.is_active is not None:
                row.is_active = change.is_active
            if hashed is not None:
                row.password_hash, row.must_change = hashed, person_id != admitted.principal.id
            if change.unlock or hashed is not None:
                row.failures, row.locked_until = 0, None
            if rules.ends_sessions(before, change):
                await queries.end_sessions(session, person_id, now)
            await session.flush()
            after = queries.person_of(row)
            admitted.outcome.resource_id = str(person_id)
            admitted.outcome.metadata |= {
                "before": _rights(before),
                "after": _rights(after),
                "changed": sorted(
                    name for name, value in asdict(change).items() if value or (name == "duties" and value is not None)
                ),
            }
        return self._shown(after)

    async def change_own_password(self, admitted: Admitted, chosen: str) -> None:
        """Replace the password of who is admitted. Their other sessions end, also those at kiosks;
        this one lasts as long as any from now on, where it was for choosing a password alone.

        Raises:
            NotAPerson: they signed in with no password of this node, or at a kiosk.
            WeakPassword: it is easily guessed, or the one they have.
        """
        who = admitted.principal
        if who.kind != "person" or who.session_id is None or who.kiosk_id is not None:
            raise NotAPerson("A password is changed by who has signed in with it, not at a kiosk.")
        async with self._store.open_control(admitted) as session:
            row = await queries.person_by_id(session, admitted.tenant_id, who.id)
        if row is None or not row.password_hash:
            raise NotAPerson("Your password is kept by your company's sign-in.")
        if await self._passwords.verify(row.password_hash, rules.password(chosen, row.username)):
            raise WeakPassword("That is the password you have.")
        hashed = await self._passwords.hash(chosen)
        async with self._store.open_control(admitted, write=True) as session:
            row = await queries.person_to_change(session, admitted.tenant_id, who.id)
            if row is None:
                raise UnknownPerson("Nobody with this id is here.")
            row.password_hash, row.must_change = hashed, False
            await queries.end_sessions(session, who.id, self._clock(), but=who.session_id)
            await queries.lasts(session, who.session_id, DEFAULT_LIFETIMES.session)
            admitted.outcome.resource_id = str(who.id)

    def _shown(self, person: Person) -> Person:
        """A lock that is over is not shown."""
        return person if rules.locked(person.locked_until, self._clock()) else replace(person, locked_until=None)

    async def _new_hash(self, admitted: Admitted, person_id: UUID, change: PersonChange) -> str | None:
        """Hash a new password before the writing transaction, which must be short."""
        if change.password is None:
            return None
        async with self._store.open_control(admitted) as session:
            row = await queries.person_by_id(session, admitted.tenant_id, person_id)
        if row is None:
            raise UnknownPerson("Nobody with this id is here.")
        return await self._passwords.hash(rules.password(change.password, row.username))


def _rights(person: Person) -> dict[str, Any]:
    return {
        "role": person.role,
        "clearance": person.clearance,
        "is_active": person.is_active,
        "export_eligibility": sorted(person.export_eligibility),
        "duties": duties.to_json(person.duties),
    }
