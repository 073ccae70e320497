"""API keys: how programs come in, each as a principal of its own, of the kind `service`.

    opk_7kmprw3hx9at_<43 characters>
    `--- prefix ----´ `-- secret --´   the prefix is shown in lists; of the whole only a keyed hash is kept

A key does what its scopes name, within its role and clearance, and never more than its maker may do now: when they lose
a right, the key does; when they are switched off, it stops.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from appliance.identity import api_key_store as queries
from appliance.identity import rules
from appliance.identity.duties import AUDITOR
from appliance.identity.errors import ApiKeyOver, ScopeRefused, UnknownApiKey
from appliance.identity.passwords import ALPHABET
from appliance.identity.tables import ApiKeyRow
from appliance.identity.values import ApiKey, ApiKeyMade, Clock, NewApiKey, utc_now
from appliance.policy.ports import Policies
from appliance.policy.values import Resource
from appliance.store import Admitted, Principal, Store, new_id

MARK: Final = "opk_"
SECRET: Final = "api-keys"  # noqa: S105 - the name of a secret
PREFIX_LENGTH: Final = 12
LONGEST: Final = 128
AUDITED: Final = frozenset({"audit.read_all", "audit.read_own", "auth.me"})
"""All that the key of an auditor does."""
_ANY: Final = Resource("node")


class ApiKeys:
    """The keys of a tenant, as its admins keep them."""

    def __init__(self, store: Store, policy: Policies, *, clock: Clock = utc_now) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._hash_key = store.secret(SECRET)

    async def page(self, admitted: Admitted, *, after: str = "", limit: int) -> Sequence[ApiKey]:
        """Keys in the order of their prefixes, from the one that follows `after`; revoked and old ones too."""
        async with self._store.open_control(admitted) as session:
            found = await queries.after(session, admitted.tenant_id, after, limit)
        return [queries.key_of(row, maker) for row, maker in found]

    async def create(self, admitted: Admitted, new: NewApiKey) -> ApiKeyMade:
        """Make a key; the whole of it is returned, this once.

        Raises:
            ScopeRefused: no scope, or one that the maker or the key's role may not do.
            BeyondOwnClearance, InvalidInput: name or clearance cannot be.
        """
        maker = admitted.principal
        role = "viewer" if new.auditor else rules.lower(new.role or maker.role, maker.role)
        clearance = 1 if new.auditor else rules.clearance(new.clearance, role, maker)
        name, wanted = rules.display_name(new.name), AUDITED if new.auditor else new.scopes
        duties = frozenset({AUDITOR} if new.auditor else ())
        service = Principal(new_id(), "service", maker.tenant_id, name, role, clearance, duties=duties)
        if new.minutes and not wanted:
            wanted = self._whole(maker, service)
        scopes = sorted(wanted)
        self._check(scopes, maker, service)
        days = 0 if new.minutes else new.days
        prefix, secret = _fresh()
        now = self._clock()
        row = ApiKeyRow(
            id=service.id,
            tenant_id=maker.tenant_id,
            prefix=prefix,
            hash=hashed(self._hash_key, secret),
            name=name,
            maker_id=maker.id if maker.kind == "person" else None,
            role=role,
            clearance=clearance,
            scopes=scopes,
            auditor=new.auditor,
            days=days,
            created_at=now,
            expires_at=now + dt.timedelta(days=days, minutes=new.minutes or 0),
        )
        async with self._store.open_control(admitted, write=True) as session:
            session.add(row)
            admitted.outcome.resource_id = str(row.id)
            admitted.outcome.metadata |= {"role": role, "clearance": clearance, "scopes": scopes, "days": days}
            admitted.outcome.metadata |= {"minutes": new.minutes} if new.minutes else {}
            admitted.outcome.metadata |= {"duties": sorted(duties)} if duties else {}
        return ApiKeyMade(queries.key_of(row, None), secret)

    async def rotate(self, admitted: Admitted, key_id: UUID) -> ApiKeyMade:
        """Give a key a new secret and its time anew; the old one stops working within seconds.

        Raises:
            UnknownApiKey: not in this tenant.
            ApiKeyOver: it was revoked, or is a token for minutes.
            ScopeRefused: who rotates it may not do what it may; they would get its secret.
        """
        prefix, secret = _fresh()
        async with self._store.open_control(admitted, write=True) as session:
            found = await queries.to_change(session, admitted.tenant_id, key_id)
            if found is None:
                raise UnknownApiKey("No key with this id is here.")
            row, maker = found
            if row.revoked_at is not None:
                raise ApiKeyOver("The key was revoked.")
            if row.days == 0:
                raise ApiKeyOver("A token is issued anew, not rotated.")
            self._check(row.scopes, admitted.principal)
            now = self._clock()
            row.prefix, row.hash = prefix, hashed(self._hash_key, secret)
            row.expires_at = now + dt.timedelta(days=row.days)
            admitted.outcome.resource_id = str(key_id)
            await session.flush()
            return ApiKeyMade(queries.key_of(row, maker), secret)

    async def revoke(self, admitted: Admitted, key_id: UUID) -> ApiKey:
        """Refuse a key from now on, for good. Raises UnknownApiKey."""
        async with self._store.open_control(admitted, write=True) as session:
            found = await queries.to_change(session, admitted.tenant_id, key_id)
            if found is None:
                raise UnknownApiKey("No key with this id is here.")
            row, maker = found
            row.revoked_at = row.revoked_at or self._clock()
            admitted.outcome.resource_id = str(key_id)
            await session.flush()
            return queries.key_of(row, maker)

    def _whole(self, *who: Principal) -> frozenset[str]:
        """All that each of `who` may do to something."""
        actions = self._policy.pack_of(who[0].tenant_id).actions
        return frozenset(
            action for action in actions if all(self._policy.permits(one, action, [_ANY])[0] for one in who)
        )

    def _check(self, scopes: Sequence[str], *who: Principal) -> None:
        """Raises ScopeRefused unless each of `who` may do all of it to something."""
        refused = [
            scope for scope in scopes if not all(self._policy.permits(principal, scope, [_ANY])[0] for principal in who)
        ]
        if refused or not scopes:
            raise ScopeRefused(refused)


def prefix_of(key: str) -> str | None:
    """What finds a key; None for what has not the form of one."""
    mark, prefix, secret = (
        key[: len(MARK)],
        key[len(MARK) : len(MARK) + PREFIX_LENGTH],
        key[len(MARK) + PREFIX_LENGTH :],
    )
    well_formed = mark == MARK and len(prefix) == PREFIX_LENGTH and secret.startswith("_") and len(key) <= LONGEST
    return mark + prefix if well_formed and key.isascii() else None


def hashed(hash_key: bytes, key: str) -> str:
    return hmac.new(hash_key, key.encode(), hashlib.sha256).hexdigest()


def fits(hash_key: bytes, known: ApiKey, key: str) -> bool:
    return hmac.compare_digest(known.hash, hashed(hash_key, key))


def _fresh() -> tuple[str, str]:
    """A prefix, and the whole key: 256 bits behind it."""
    prefix = MARK + "".join(secrets.choice(ALPHABET) for _ in range(PREFIX_LENGTH))
    return prefix, f"{prefix}_{secrets.token_urlsafe(32)}"
