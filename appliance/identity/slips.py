"""Slips: short-lived tokens for one purpose, such as the second step of a sign-in.

A slip is a JWT under a key of its own for each purpose, with an audience of its own, so that it is no access token, no
slip for anything else, and an access token is no slip. `jti` is what makes it good once: whoever acts on a slip spends
that id in the transaction of the act.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from appliance.identity.errors import TokenRefused
from appliance.identity.tokens import ALGORITHM, ISSUER, LONGEST
from appliance.identity.values import Clock
from appliance.store import Store, new_id


@dataclass(frozen=True, slots=True)
class Slip:
    """What a verified slip says. `about` is what its maker bound it to."""

    id: UUID
    subject: UUID
    expires_at: dt.datetime
    about: Mapping[str, str]


class Slips:
    """Makes and reads slips for one purpose."""

    def __init__(self, store: Store, purpose: str, lifetime: dt.timedelta, *, clock: Clock) -> None:
        self._key = OctKey.import_key(store.secret(f"slips/{purpose}"))
        self._audience: Final = f"outpost-{purpose}"
        self._lifetime = lifetime
        self._clock = clock

    def issue(self, subject: UUID, about: Mapping[str, str]) -> str:
        now = int(self._clock().timestamp())
        body = {
            "iss": ISSUER,
            "aud": self._audience,
            "sub": str(subject),
            "iat": now,
            "exp": now + int(self._lifetime.total_seconds()),
            "jti": str(new_id()),
            "about": dict(about),
        }
        return jwt.encode({"alg": ALGORITHM, "typ": "JWT"}, body, self._key, algorithms=[ALGORITHM])

    def read(self, token: str) -> Slip:
        """Raises TokenRefused: it is not a slip for this purpose, was altered, or is too old."""
        try:
            if len(token) > LONGEST:
                raise ValueError
            body = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
            now = int(self._clock().timestamp())
            jwt.JWTClaimsRegistry(
                now=now,
                leeway=0,
                iss={"essential": True, "value": ISSUER},
                aud={"essential": True, "value": self._audience},
                exp={"essential": True},
                iat={"essential": True},
                sub={"essential": True},
            ).validate(body)
            if body["exp"] > now + self._lifetime.total_seconds():
                raise ValueError  # made before the clock was set back
            about = {str(name): str(value) for name, value in body["about"].items()}
            expires_at = dt.datetime.fromtimestamp(body["exp"], dt.UTC)
            return Slip(UUID(body["jti"]), UUID(body["sub"]), expires_at, about)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError):
            raise TokenRefused("This step has expired.", hint="Begin again.") from None
