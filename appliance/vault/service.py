"""Keeping secrets, and giving them to connectors. What is once written is never given back to a person.

put | rotate ──> AES-256-GCM under the tenant's key, bound to tenant, name and version ──> one row for each version
reveal       ──> a connector, under its own admission, whose record names the secret and its version
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable
from itertools import groupby
from typing import Final

from sqlalchemy.exc import IntegrityError

from appliance.store import CONTROL, Admitted, Purpose, Store, TenantId, new_id
from appliance.store.errors import KeyMissing
from appliance.store.sealing import seal, unseal
from appliance.vault import rules
from appliance.vault import store as queries
from appliance.vault.errors import BadSecret, NoSuchSecret, SecretChanged, SecretDamaged
from appliance.vault.tables import SecretRow
from appliance.vault.values import Masks, Revealed, SecretFacts

PURPOSE: Final = "vault"
USED_SECONDS: Final = 60.0
"""`last_used` is as exact as this, so that a busy connector does not write at every call."""


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Vault:
    """Args:
    masks: told every value that passes, so that the log of this process leaves it out.
    """

    def __init__(self, store: Store, masks: Masks, *, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._store, self._masks, self._clock = store, masks, clock

    async def listed(self, admitted: Admitted) -> list[SecretFacts]:
        """The secrets of the tenant, by name."""
        async with self._store.open_control(admitted) as session:
            rows = await queries.versions(session, admitted.tenant_id)
        return [_facts(list(found), self._clock()) for _, found in groupby(rows, key=lambda row: row.name)]

    async def put(self, admitted: Admitted, name: str, value: str) -> SecretFacts:
        """Keep `value` under `name`; what was there before is forgotten at once. Raises BadSecret, SecretChanged."""
        return await self._write(admitted, name, value, grace=None)

    async def rotate(self, admitted: Admitted, name: str, value: str, grace: dt.timedelta) -> SecretFacts:
        """Keep `value` under a name that there is; the one before stays good for `grace`.

        Raises:
            NoSuchSecret, BadSecret, SecretChanged: nothing was changed.
        """
        rules.check_grace(grace)
        return await self._write(admitted, name, value, grace=grace)

    async def remove(self, admitted: Admitted, name: str) -> None:
        """Forget every version. Raises NoSuchSecret."""
        async with self._store.open_control(admitted, write=True) as session:
            rows = await queries.versions(session, admitted.tenant_id, name, to_change=True)
            if not rows:
                raise NoSuchSecret(f"There is no secret {name[:40]!r}.")
            for row in rows:
                await session.delete(row)
            admitted.outcome.resource_id = name

    async def reveal(self, admitted: Admitted, name: str) -> Revealed:
        """The value for a connector that acts under `admitted`; its record names it.

        Raises:
            NoSuchSecret: the tenant has none of this name.
            SecretDamaged: it does not open.
        """
        now = self._clock()
        async with self._store.open_control(admitted) as session:
            rows = await queries.versions(session, admitted.tenant_id, name)
        if not rows:
            raise NoSuchSecret(f"There is no secret {name[:40]!r}.")
        present, *older = rows
        before = next((row for row in older if rules.good(row.good_until, now)), None)
        found = Revealed(name, present.version, self._opened(present), None if before is None else self._opened(before))
        if present.last_used is None or (now - present.last_used).total_seconds() >= USED_SECONDS:
            async with self._store.open_internal(Purpose.VAULT, CONTROL, write=True) as session:
                await queries.note_use(session, present.id, now)
        admitted.outcome.metadata |= {"secret": name, "secret_version": present.version}
        return found

    # --- inside -------------------------------------------------------------------------------------------------------

    async def checked(self) -> tuple[int, int]:
        """How many secrets there are, and how many of them do not open; for the health of the node, which is given no value.
        Those of an erased tenant, whose key is gone, are none.
        """
        async with self._store.open_internal(Purpose.VAULT, CONTROL) as session:
            rows = await queries.newest(session)
        kept, damaged = 0, 0
        for row in rows:
            with contextlib.suppress(KeyMissing):
                try:
                    self._opened(row)
                except SecretDamaged:
                    damaged += 1
                kept += 1
        return kept, damaged

    async def _write(self, admitted: Admitted, name: str, value: str, *, grace: dt.timedelta | None) -> SecretFacts:
        rules.check(name, value)
        self._masks.learn(value)
        tenant, now = admitted.tenant_id, self._clock()
        async with self._store.open_control(admitted, write=True) as session:
            every = await queries.versions(session, tenant)
            if name not in {row.name for row in every} and len({row.name for row in every}) >= rules.MOST_NAMES:
                raise BadSecret(f"The vault of a plant holds at most {rules.MOST_NAMES} secrets.")
            rows = await queries.versions(session, tenant, name, to_change=True)
            if grace is not None and not rows:
                raise NoSuchSecret(f"There is no secret {name[:40]!r}.")
            number = rows[0].version + 1 if rows else 1
            kept = rows[:1] if grace else []
            for row in rows[len(kept) :]:
                await session.delete(row)
            for row in kept:
                row.good_until = now + (grace or dt.timedelta(0))
            fresh = SecretRow(
                id=new_id(), tenant_id=tenant, name=name, version=number, created_at=now,
                sealed=seal(self._key(tenant), rules.place(tenant, name, number), value.encode()),
            )  # fmt: skip
            session.add(fresh)
            try:
                await session.flush()
            except IntegrityError:
                raise SecretChanged(f"{name} was changed by somebody else.") from None
            admitted.outcome.resource_id = name
            admitted.outcome.metadata |= {"secret": name, "secret_version": number}
            return _facts([fresh, *kept], now)

    def _opened(self, row: SecretRow) -> str:
        tenant = TenantId(row.tenant_id)
        content = unseal(self._key(tenant), rules.place(tenant, row.name, row.version), row.sealed)
        if content is None:
            raise SecretDamaged(f"Version {row.version} of {row.name} does not open with the key of its plant.")
        value = content.decode()
        self._masks.learn(value)
        return value

    def _key(self, tenant: TenantId) -> bytes:
        return self._store.tenant_secret(tenant, PURPOSE)


async def stale(store: Store, before: dt.datetime) -> list[str]:
    """Names of the secrets, of all tenants, whose present version was kept before that moment."""
    async with store.open_internal(Purpose.VAULT, CONTROL) as session:
        return await queries.kept_before(session, before)


def _facts(rows: list[SecretRow], now: dt.datetime) -> SecretFacts:
    """Of all versions of one secret, the newest first."""
    present, *older = rows
    before = next((row.good_until for row in older if rules.good(row.good_until, now)), None)
    return SecretFacts(present.name, present.version, present.created_at, present.last_used, before)
