"""Keys of issuers out of a JSON Web Key Set (RFC 7517).

Every key is for one algorithm, whatever a token says: the one that the key names, else RS256 for RSA and ES256 for EC.
Only public keys are taken; a set that holds a private or a shared one is refused whole, since somebody made a mistake
that must be seen. Keys for encryption and of kinds that we do not use are passed over.

A key may name its issuer in a member `iss` of its own. One that does not counts only where one issuer is known at all:
else whoever holds one company's key could speak for another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import base64_to_int

from appliance.identity.federation.errors import BadKeys

ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256"})
MOST_BYTES: Final = 2**20
MOST_KEYS: Final = 200
LEAST_BITS: Final = 2048
MOST_BITS: Final = 8192
_SECRET: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_FITTING: Final = {"RSA": ("RS256", "PS256"), "EC": ("ES256",)}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key for one algorithm. `kid` is the label that tokens name it by; `issuer` is empty where the set does not say."""

    kid: str | None
    algorithm: str
    key: RSAKey | ECKey
    issuer: str = ""


def read(document: bytes, *, issuer: str = "") -> tuple[PublicKey, ...]:
    """The keys of a set that can be used, at least one.

    Args:
        issuer: whose set it is, if it came from there; what a key says of its issuer then counts for nothing.

    Raises:
        BadKeys: it is no such set, holds a secret, says a label twice, or has no key that can be used.
    """
    if len(document) > MOST_BYTES:
        raise BadKeys(f"A set of keys has at most {MOST_BYTES} bytes.")
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        raise BadKeys("The set of keys is no JSON.") from None
    rows = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(rows, list) or len(rows) > MOST_KEYS or not all(isinstance(row, dict) for row in rows):
        raise BadKeys(f"A set of keys has a list `keys` of at most {MOST_KEYS}.")
    if any(_SECRET & row.keys() for row in rows):
        raise BadKeys(
            "The set holds a secret key.", hint="Only public keys belong there; replace the key that was shown."
        )
    keys = tuple(key for row in rows if (key := _key(row, issuer)) is not None)
    labels = [(key.issuer, key.kid) for key in keys]
    if len(set(labels)) != len(labels):
        raise BadKeys("Two keys of one issuer have the same label.")
    if not keys:
        raise BadKeys("The set has no key that can be used.")
    return keys


def of_issuer(keys: Sequence[PublicKey], issuer: str, *, only: bool) -> tuple[PublicKey, ...]:
    """Those that count for `issuer`; `only` says that no other issuer is known here."""
    return tuple(key for key in keys if key.issuer == issuer or (only and not key.issuer))


def chosen(keys: Sequence[PublicKey], kid: str | None) -> PublicKey | None:
    """The key with this label. Without a label only the key of an issuer that has one; nothing is tried out."""
    if kid is None:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.kid == kid), None)


def _key(row: Mapping[str, Any], issuer: str) -> PublicKey | None:
    kind, named = row.get("kty"), row.get("alg")
    fitting = _FITTING.get(kind, ()) if isinstance(kind, str) else ()
    if not fitting or row.get("use", "sig") != "sig" or named not in {None, *fitting}:
        return None
    if kind == "EC" and row.get("crv") != "P-256":
        return None
    kid, named_issuer = row.get("kid"), row.get("iss", "")
    if not (kid is None or isinstance(kid, str)) or not isinstance(named_issuer, str):
        raise BadKeys("The label or the issuer of a key is no text.")
    try:
        key = _imported(row)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise BadKeys("A key of the set is broken.") from None
    return PublicKey(kid, named or fitting[0], key, issuer or named_issuer)


def _imported(row: Mapping[str, Any]) -> RSAKey | ECKey:
    if row["kty"] == "RSA":
        # Before it is imported: that takes long for a key without end, and warns of a short one.
        if not LEAST_BITS <= base64_to_int(row["n"]).bit_length() <= MOST_BITS:
            raise BadKeys(f"An RSA key has {LEAST_BITS} to {MOST_BITS} bits.")
        key = RSAKey.import_key({"kty": "RSA", "n": row["n"], "e": row["e"]})
        _ = key.public_key  # made when it is first asked for, and then refused if it is no key
        return key
    found = ECKey.import_key({"kty": "EC", "crv": "P-256", "x": row["x"], "y": row["y"]})
    _ = found.public_key
    return found
