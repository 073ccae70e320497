"""Whether those behind a valid token may still act: asked of the database at most every two seconds.

Deactivating a person, ending a session or revoking a kiosk therefore takes effect within two seconds in every process.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from uuid import UUID

from appliance.identity import api_key_store as keys
from appliance.identity import factor_store as factors
from appliance.identity import store as queries
from appliance.identity.errors import KioskRefused, NoTenant, SessionEnded
from appliance.identity.ports import Memberships, NoTeams
from appliance.identity.tables import KioskRow
from appliance.identity.values import ApiKey, AtKiosk, Clock, Kiosk, Person, utc_now
from appliance.store import CONTROL, Purpose, Store, Tenant, TenantId
from appliance.store.admission import TeamRole

T = TypeVar("T")
SECONDS: Final = 2.0
ENTRIES: Final = 2048


class Standing:
    """Reads people, kiosks and tenants with a short memory, for one process.

    Args:
        monotonic: seconds that only grow.
    """

    def __init__(
        self,
        store: Store,
        *,
        memberships: Memberships | None = None,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._memberships = memberships or NoTeams()
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[object, tuple[float, object]] = {}

    async def person(self, session_id: UUID) -> Person:
        """Whose session this is. Raises SessionEnded if it is over."""
        return (await self.session(session_id))[0]

    async def session(self, session_id: UUID) -> tuple[Person, AtKiosk | None]:
        """Whose session this is, and at which kiosk, if at one. Raises SessionEnded if it is over."""

        async def read() -> tuple[Person, AtKiosk | None] | None:
            async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
                found = await queries.person_and_session(session, session_id)
            if found is None or found[1].ended_at is not None or found[1].expires_at <= self._clock():
                return None
            return queries.person_of(found[0]), queries.at_kiosk_of(found[1])

        found = await self._remembered(session_id, read)
        if found is None:
            raise SessionEnded("The session has ended.")
        return found

    async def has_factor(self, person_id: UUID) -> bool:
        """Whether the person has a second factor that counts."""

        async def read() -> bool:
            async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
                return bool(await factors.confirmed(session, person_id))

        return await self._remembered(("factor", person_id), read)

    async def teams(self, person_id: UUID) -> frozenset[tuple[str, TeamRole]]:
        """The teams that the person is in."""
        return await self._remembered(("teams", person_id), lambda: self._memberships.of(person_id))

    async def kiosk(self, kiosk_id: UUID) -> Kiosk:
        """Raises KioskRefused for one that is unknown or revoked."""

        async def read() -> Kiosk | None:
            async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
                row = await session.get(KioskRow, kiosk_id)
                return None if row is None else queries.kiosk_of(row)

        kiosk = await self._remembered(kiosk_id, read)
        if kiosk is None or not kiosk.is_active:
            raise KioskRefused("The kiosk is unknown or was revoked.")
        return kiosk

    async def api_key(self, prefix: str) -> ApiKey | None:
        """The key with this prefix, whatever became of it."""

        async def read() -> ApiKey | None:
            async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
                found = await keys.with_prefix(session, prefix)
            return None if found is None else keys.key_of(*found)

        return await self._remembered(("key", prefix), read)

    async def tenants(self) -> list[Tenant]:
        return await self._remembered("tenants", self._store.tenants)

    async def tenant(self, tenant_id: TenantId) -> Tenant:
        """Raises NoTenant."""
        for tenant in await self.tenants():
            if tenant.id == tenant_id:
                return tenant
        raise NoTenant("The tenant is not here any more.")

    def forget(self) -> None:
        """Ask the database anew at the next question."""
        self._known.clear()

    def forget_one(self, key: object) -> None:
        """A session's id, or `("key", prefix)`."""
        self._known.pop(key, None)

    async def _remembered(self, key: object, read: Callable[[], Awaitable[T]]) -> T:
        now = self._monotonic()
        known = self._known.get(key)
        if known is not None and now < known[0]:
            return known[1]  # type: ignore[return-value]
        value = await read()
        if len(self._known) >= ENTRIES:
            self._known.clear()
        self._known[key] = (now + SECONDS, value)
        return value
