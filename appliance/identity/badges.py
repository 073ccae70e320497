"""Badges and PINs: how a person shows who they are at a kiosk.

    kiosk (its own token) ── badge ──────────> the person, as a viewer
                          └─ badge and PIN ──> the person, in their own role
                                               both within the kiosk's clearance, at this kiosk, for ten minutes without use

Whoever finds a badge may read what a viewer may, and nothing more. A PIN counts its own failures: six lock it for 15 minutes,
and the password is untouched. The token works only beside a token of the kiosk it was given at.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity import rules
from appliance.identity import store as queries
from appliance.identity.errors import (
    BadgeRefused,
    BadgeTaken,
    BeyondOwnClearance,
    NoBadge,
    NotAPerson,
    UnknownPerson,
)
from appliance.identity.identities import SECRET
from appliance.identity.limits import Attempts
from appliance.identity.passwords import Passwords
from appliance.identity.ports import Records
from appliance.identity.records import Actor, denied, happened, principal
from appliance.identity.tables import BadgeRow, PersonRow, SessionRow
from appliance.identity.tokens import Claims, Tokens
from appliance.identity.values import DEFAULT_LIFETIMES, Clock, Lifetimes, PersonAtKiosk, Role, utc_now
from appliance.store import CONTROL, Admitted, Principal, Purpose, Store, TenantId, new_id

BADGE_ROLE: Final[Role] = "viewer"


class Badges:
    """Keeps badges and PINs, and signs people in with them at kiosks.

    Args:
        attempts: how many failures one kiosk has before it must wait.
    """

    def __init__(
        self,
        store: Store,
        recorder: Records,
        *,
        passwords: Passwords,
        attempts: Attempts,
        lifetimes: Lifetimes = DEFAULT_LIFETIMES,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._passwords = passwords
        self._attempts = attempts
        self._lifetimes = lifetimes
        self._clock = clock
        self._tokens = Tokens(store.signing(SECRET), lifetimes=lifetimes, clock=clock)
        self._key = store.secret("badges")

    # --- as admins keep them --------------------------------------------------------------------------------------------

    async def give(self, admitted: Admitted, person_id: UUID, code: str, pin: str | None) -> None:
        """Give a person a badge, in place of any before it; without a PIN the badge alone. Their sessions at kiosks end.

        Raises:
            InvalidInput, WeakPin, UnknownPerson, BadgeTaken: nothing was changed.
            BeyondOwnClearance: the person may read more than who gives the badge.
        """
        hashed = self._hash(admitted.tenant_id, rules.badge(code))
        pin_hash = None if pin is None else await self._passwords.hash(rules.pin(pin))
        async with self._store.open_control(admitted, write=True) as session:
            row = await self._held(session, admitted, person_id)
            if row.clearance > admitted.principal.clearance:
                raise BeyondOwnClearance("Nobody gives a badge to somebody who may read more than they.")
            holder = await session.scalar(select(BadgeRow.person_id).filter_by(hash=hashed))
            if holder not in {None, person_id}:
                raise BadgeTaken("Somebody has this badge.")
            await session.merge(
                BadgeRow(person_id=person_id, hash=hashed, pin_hash=pin_hash, failures=0, locked_until=None)
            )
            try:
                await session.flush()
            except IntegrityError:
                raise BadgeTaken("Somebody has this badge.") from None
            await queries.end_sessions_at_kiosks(session, person_id, self._clock())
            admitted.outcome.resource_id = str(person_id)
            admitted.outcome.metadata |= {"with_pin": pin is not None}

    async def take(self, admitted: Admitted, person_id: UUID) -> None:
        """Remove badge and PIN; the person's sessions at kiosks end. Raises UnknownPerson, NoBadge."""
        async with self._store.open_control(admitted, write=True) as session:
            await self._held(session, admitted, person_id)
            if (badge := await session.get(BadgeRow, person_id)) is None:
                raise NoBadge("This person has no badge.")
            await session.delete(badge)
            await queries.end_sessions_at_kiosks(session, person_id, self._clock())
            admitted.outcome.resource_id = str(person_id)

    async def change_pin(self, admitted: Admitted, pin: str) -> None:
        """Choose one's own PIN. Raises WeakPin, NotAPerson, NoBadge."""
        who = admitted.principal
        if who.kind != "person":
            raise NotAPerson("A PIN belongs to a person.")
        hashed = await self._passwords.hash(rules.pin(pin))
        async with self._store.open_control(admitted, write=True) as session:
            await self._held(session, admitted, who.id)
            if (badge := await session.get(BadgeRow, who.id)) is None:
                raise NoBadge("A PIN goes with a badge, and you have none.")
            badge.pin_hash, badge.failures, badge.locked_until = hashed, 0, None
            admitted.outcome.resource_id = str(who.id)

    # --- at a kiosk -----------------------------------------------------------------------------------------------------

    async def sign_in(self, kiosk: Principal, code: str, pin: str | None) -> PersonAtKiosk:
        """The person whose badge was read at `kiosk`: a viewer, or in their own role if the PIN is right too.

        Raises:
            NotAPerson: it is not a kiosk that asks.
            BadgeRefused: badge or PIN does not fit, or the PIN is locked.
            TooManyAttempts: at this kiosk, recently.
        """
        if kiosk.kind != "kiosk" or kiosk.kiosk_id is None:
            raise NotAPerson("Badges are read at kiosks.")
        place = f"kiosk {kiosk.kiosk_id}"
        self._attempts.take(place)
        hashed = self._hash(kiosk.tenant_id, "".join(letter for letter in code.casefold() if letter.isalnum()))
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
            known = await session.scalar(select(BadgeRow).filter_by(hash=hashed))
        pin_hash = None if known is None else known.pin_hash
        fits = pin is None or await self._passwords.verify(pin_hash, pin)
        made = None
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            row = None if known is None else await queries.person_to_change(session, kiosk.tenant_id, known.person_id)
            badge = None if known is None else await session.get(BadgeRow, known.person_id)
            why = self._judged(row, badge, hashed, fits=fits, pin=pin, pin_hash=pin_hash)
            if why is None and row is not None:
                made = await self._begin(session, row, kiosk, with_pin=pin is not None)
            else:
                about = principal(kiosk)
                whose: Mapping[str, str] = {} if row is None else {"badge_of": row.username}
                await self._recorder.append(denied(kiosk.tenant_id, why or "unknown badge", about, **whose))
        if made is None:
            raise BadgeRefused
        self._attempts.give_back(place)
        return made

    def _judged(
        self,
        row: PersonRow | None,
        badge: BadgeRow | None,
        hashed: str,
        *,
        fits: bool,
        pin: str | None,
        pin_hash: str | None,
    ) -> str | None:
        """Why it is refused, with a failure counted in `badge`; the reason is for the record alone."""
        now = self._clock()
        if row is None or badge is None or badge.hash != hashed:
            return "unknown badge"
        if not row.is_active:
            return "person inactive"
        if pin is None:
            return None
        if badge.pin_hash is None:
            return "no PIN"
        if rules.locked(badge.locked_until, now):
            return "PIN locked"
        # A PIN that was replaced meanwhile no longer fits.
        if not fits or badge.pin_hash != pin_hash:
            badge.failures, badge.locked_until = rules.after_failure(badge.failures, badge.locked_until, now)
            return "wrong PIN"
        badge.failures, badge.locked_until = 0, None
        return None

    async def _begin(self, session: AsyncSession, row: PersonRow, kiosk: Principal, *, with_pin: bool) -> PersonAtKiosk:
        now, lifetime = self._clock(), self._lifetimes.at_kiosk
        await queries.forget_old_sessions(session, row.id, now)
        opened = SessionRow(
            id=new_id(),
            person_id=row.id,
            created_at=now,
            expires_at=now + lifetime,
            kiosk_id=kiosk.kiosk_id,
            with_pin=with_pin,
            seen_at=now,
        )
        session.add(opened)
        await session.flush()
        person = queries.person_of(row)
        role = person.role if with_pin else BADGE_ROLE
        about = Actor(person.id, "person", role, opened.id, person.username)
        how = "badge and PIN" if with_pin else "badge"
        await self._recorder.append(
            happened("auth.login", person.tenant_id, about, kiosk_id=str(kiosk.kiosk_id), second_factor=how)
        )
        claims = Claims(person.id, person.tenant_id, role, session=opened.id, kiosk=kiosk.kiosk_id)
        return PersonAtKiosk(
            person=person,
            role=role,
            clearance=min(person.clearance, kiosk.clearance),
            access_token=self._tokens.issue(claims, lifetime),
            expires_in=int(lifetime.total_seconds()),
        )

    async def _held(self, session: AsyncSession, admitted: Admitted, person_id: UUID) -> PersonRow:
        row = await queries.person_to_change(session, admitted.tenant_id, person_id)
        if row is None:
            raise UnknownPerson("Nobody with this id is here.")
        return row

    def _hash(self, tenant_id: TenantId, code: str) -> str:
        """Keyed, because the numbers of badges are few; the same number in another plant is another badge."""
        return hmac.new(self._key, tenant_id.bytes + code.encode(), hashlib.sha256).hexdigest()
