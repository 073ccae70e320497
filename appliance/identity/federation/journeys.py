"""A browser on its way to its identity provider and back, and what it carries meanwhile.

    start ──cookie: Journey──> provider ──> back: same browser? ──> ticket ──code in the fragment──> page ──> tokens

The cookie is sealed (AES-256-GCM), so that the browser can neither read nor change it, and ends after ten minutes. It is
HttpOnly and SameSite=Lax: it comes along when the provider sends the browser back, and with no request that another
site makes on its own. What comes back without it was begun by somebody else.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.identity.federation.errors import OutsideRefused
from appliance.identity.federation.values import Kind

COOKIE: Final = "outpost_sign_in"
PATH: Final = "/v1/auth"
LASTS: Final = dt.timedelta(minutes=10)
LONGEST: Final = 4096
NONCE: Final = 12


@dataclass(frozen=True, slots=True)
class Journey:
    """What belongs to one attempt.

    Attributes:
        state: comes back with the browser; of SAML the id of the request.
        nonce: comes back inside the token.
        verifier: proves that who redeems the code asked for it (PKCE, RFC 7636).
        ends: seconds since 1970.
        about: what is confirmed by it; empty where somebody signs in.
    """

    kind: Kind
    tenant: str
    state: str
    nonce: str
    verifier: str
    ends: int
    about: str = ""

    @classmethod
    def begin(cls, kind: Kind, tenant: str, now: dt.datetime, about: str = "") -> Journey:
        """A new one, with 256 random bits in each secret. A SAML id must not begin with a digit."""
        state, nonce, verifier = ("_" + secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
        return cls(kind, tenant, state, nonce, verifier, int((now + LASTS).timestamp()), about)

    def check(self, kind: Kind, tenant: str, state: str | None, now: dt.datetime) -> None:
        """Whether what came back belongs to it. Raises OutsideRefused."""
        if self.kind != kind or self.tenant != tenant:
            raise OutsideRefused("begun for another plant or provider")
        if not hmac.compare_digest(self.state.encode(), (state or "").encode()):
            raise OutsideRefused("begun in another browser")
        if now.timestamp() >= self.ends or now.timestamp() < self.ends - 2 * LASTS.total_seconds():
            raise OutsideRefused("begun too long ago")

    @property
    def binding(self) -> str:
        """What a ticket keeps of the browser that may use it."""
        return hashed(self.state)


class Seals:
    """Seals small JSON objects for one purpose each.

    Args:
        key: 32 bytes that only this node has.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, purpose: str, body: dict[str, Any]) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, json.dumps(body).encode(), purpose.encode())

    def open(self, purpose: str, sealed: bytes) -> dict[str, Any]:
        """Raises OutsideRefused for what was not sealed here for this purpose."""
        try:
            found = json.loads(self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], purpose.encode()))
        except (InvalidTag, ValueError):
            raise OutsideRefused("not sealed here") from None
        return dict(found)

    def cookie(self, journey: Journey) -> str:
        return self.seal(COOKIE, asdict(journey)).hex()

    def journey(self, cookie: str | None) -> Journey:
        """Raises OutsideRefused where the browser brings none of ours."""
        if not cookie or len(cookie) > LONGEST:
            raise OutsideRefused("begun in another browser")
        try:
            sealed = bytes.fromhex(cookie)
        except ValueError:
            raise OutsideRefused("not sealed here") from None
        return Journey(**self.open(COOKIE, sealed))


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
