"""Access tokens: JWT (RFC 7519), signed by this node for itself with HMAC-SHA-256.

    sub  the person or kiosk      tenant_id  its tenant       role    as it was when the token was made
    iss, aud  this appliance      iat, exp   seconds          jti     one token
    sid  a person's session       kiosk      a kiosk's id     scopes  names of actions, [] for all of the role

The algorithm is pinned: what a token says about its own algorithm is never followed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from joserfc import jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import OctKey

from appliance.identity.errors import TokenRefused
from appliance.identity.values import DEFAULT_LIFETIMES, Clock, Lifetimes, utc_now
from appliance.store import Signing, TenantId, new_id

ALGORITHM: Final = "HS256"
ISSUER: Final = "outpost"
AUDIENCE: Final = "outpost-api"
LONGEST: Final = 4096
"""Characters; what is longer is not ours."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    subject: UUID
    tenant_id: TenantId
    role: str
    session: UUID | None = None
    kiosk: UUID | None = None
    scopes: frozenset[str] = frozenset()


class Tokens:
    """Makes and reads access tokens.

    Args:
        signing: keys that only this node has. What the one before has signed is good for as long as a token lives, so that
            nobody is signed out by a rotation.
    """

    def __init__(self, signing: Signing, *, lifetimes: Lifetimes = DEFAULT_LIFETIMES, clock: Clock = utc_now) -> None:
        self._key = OctKey.import_key(signing.present)
        self._before = None if signing.before is None else OctKey.import_key(signing.before)
        self._leeway = int(lifetimes.leeway.total_seconds())
        self._clock = clock
        grace = max(lifetimes.access, lifetimes.kiosk) + lifetimes.leeway
        self._until = None if signing.since is None else signing.since + grace

    def issue(self, claims: Claims, lifetime: dt.timedelta) -> str:
        now = int(self._clock().timestamp())
        body = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(claims.subject),
            "tenant_id": str(claims.tenant_id),
            "role": claims.role,
            "iat": now,
            "exp": now + int(lifetime.total_seconds()),
            "jti": str(new_id()),
            "scopes": sorted(claims.scopes),
            "kiosk": None if claims.kiosk is None else str(claims.kiosk),
            "sid": None if claims.session is None else str(claims.session),
        }
        return jwt.encode({"alg": ALGORITHM, "typ": "JWT"}, body, self._key, algorithms=[ALGORITHM])

    def read(self, token: str) -> Claims:
        """Verify signature, algorithm, issuer, audience and time.

        Raises:
            TokenRefused: it does not verify; why is not said.
        """
        try:
            if len(token) > LONGEST:
                raise ValueError
            body = self._verified(token)
            jwt.JWTClaimsRegistry(
                now=int(self._clock().timestamp()),
                leeway=self._leeway,
                iss={"essential": True, "value": ISSUER},
                aud={"essential": True, "value": AUDIENCE},
                exp={"essential": True},
                iat={"essential": True},
                sub={"essential": True},
            ).validate(body)
            return _claims(body)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError):
            raise TokenRefused("The token is not valid, or not any more.") from None

    def _verified(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
        except BadSignatureError:
            if self._before is None or self._until is None or self._clock() > self._until:
                raise
        return jwt.decode(token, self._before, algorithms=[ALGORITHM]).claims


def _claims(body: dict[str, Any]) -> Claims:
    return Claims(
        subject=UUID(body["sub"]),
        tenant_id=TenantId(UUID(body["tenant_id"])),
        role=str(body["role"]),
        session=_optional(body["sid"]),
        kiosk=_optional(body["kiosk"]),
        scopes=_scopes(body["scopes"]),
    )


def _optional(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)


def _scopes(values: Iterable[Any]) -> frozenset[str]:
    """Raises TypeError for what is no list: a word would become the set of its letters."""
    if not isinstance(values, list):
        raise TypeError
    return frozenset(str(value) for value in values)
