"""Tokens of identity providers (RFC 7519, OpenID Connect Core), held against a key that we already have.

What a token says of its own algorithm, key or where to fetch one (`jwk`, `jku`, `x5u`, `x5c`) is never followed: the key
is looked up by issuer and label among those that we hold, and the key says which algorithm it is for.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError

from appliance.identity.federation.errors import OutsideRefused
from appliance.identity.federation.jwks import ALGORITHMS, PublicKey

LONGEST: Final = 16 * 1024
"""Characters; Entra's tokens with 200 groups have some 10,000."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a token says before anything of it is believed: enough to look up the key."""

    algorithm: str
    kid: str | None
    issuer: str


def from_outside(token: str) -> bool:
    """Whether a token is signed with a key pair, as those of identity providers are; our own never are."""
    try:
        return _part(token, 0).get("alg") in ALGORITHMS
    except OutsideRefused:
        return False


def seen(token: str) -> Seen:
    """Read header and issuer, unverified. Raises OutsideRefused."""
    header, body = _part(token, 0), _part(token, 1)
    algorithm, kid, issuer = header.get("alg"), header.get("kid"), body.get("iss")
    if algorithm not in ALGORITHMS or not isinstance(issuer, str) or not (kid is None or isinstance(kid, str)):
        raise OutsideRefused("no token of an identity provider")
    return Seen(algorithm, kid, issuer)


def verified(
    token: str, key: PublicKey, *, issuer: str, audience: str, now: dt.datetime, leeway: dt.timedelta
) -> dict[str, Any]:
    """The claims of a token that this key signed, for us, that is in force now.

    Raises:
        OutsideRefused: `why` says what does not fit.
    """
    header = _part(token, 0)
    if header.get("alg") != key.algorithm:
        raise OutsideRefused("another algorithm than the key's")
    if "crit" in header or "enc" in header:
        raise OutsideRefused("a header that is not understood")
    try:
        claims = jwt.decode(token, key.key, algorithms=[key.algorithm]).claims
    except (JoseError, ValueError, TypeError, AttributeError):
        raise OutsideRefused("signature") from None
    try:
        jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=int(leeway.total_seconds()),
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        ).validate(claims)
    except JoseError as wrong:
        raise OutsideRefused(f"claim {getattr(wrong, 'claim', None) or 'not in force'}") from None
    except (ValueError, TypeError, OverflowError):
        raise OutsideRefused("a claim of another shape") from None
    return claims


def check_party(claims: dict[str, Any], client_id: str) -> None:
    """Whether an ID token was made for this client alone (OpenID Connect Core, 3.1.3.7). Raises OutsideRefused."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        raise OutsideRefused("claim azp")


def issued_at(claims: dict[str, Any]) -> dt.datetime:
    """When a verified token was made. Raises OutsideRefused."""
    try:
        return dt.datetime.fromtimestamp(int(claims["iat"]), dt.UTC)
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        raise OutsideRefused("claim iat") from None


def _part(token: str, place: int) -> dict[str, Any]:
    parts = token.split(".")
    if len(token) > LONGEST or len(parts) != 3:
        raise OutsideRefused("no token")
    try:
        raw = base64.urlsafe_b64decode(parts[place] + "=" * (-len(parts[place]) % 4))
        found = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError):
        raise OutsideRefused("no token") from None
    if not isinstance(found, dict):
        raise OutsideRefused("no token")
    return found
