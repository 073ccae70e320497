"""Security keys and passkeys: WebAuthn (W3C, level 2) by the `webauthn` package. Nothing is stored here.

What the key signs is the SHA-256 of a slip, so that its answer is bound to one person and one step, and is good once. A
credential belongs to the name that the node is reached by; a browser uses it at that name alone, over TLS or on localhost.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    UserVerificationRequirement,
)

from appliance.identity.errors import FactorRefused, KeyUnavailable

LONGEST: Final = 8192
_LOCAL: Final = "localhost"


@dataclass(frozen=True, slots=True)
class Registered:
    """A new credential: its id (base64url), its public key (COSE), its count."""

    handle: str
    public_key: bytes
    counter: int


def host_of(origin: str) -> str:
    """The name that credentials made at `origin` belong to. Raises KeyUnavailable where browsers make none."""
    parts = urlsplit(origin)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if host and (parts.scheme == "https" or host == _LOCAL):
            return host
    raise KeyUnavailable("Security keys work at a name, over TLS.")


def creation(
    *, host: str, site: str, person_id: UUID, username: str, challenge: str, present: Sequence[str]
) -> dict[str, Any]:
    """What `navigator.credentials.create` is given; keys that are `present` are not taken again."""
    options = webauthn.generate_registration_options(
        rp_id=host,
        rp_name=f"Outpost {site}",
        user_name=username,
        user_id=person_id.bytes,
        challenge=_signed(challenge),
        authenticator_selection=AuthenticatorSelectionCriteria(
            user_verification=UserVerificationRequirement.DISCOURAGED
        ),
        exclude_credentials=_descriptors(present),
    )
    return options_to_json_dict(options)


def request(*, host: str, challenge: str, handles: Sequence[str]) -> dict[str, Any]:
    """What `navigator.credentials.get` is given."""
    options = webauthn.generate_authentication_options(
        rp_id=host,
        challenge=_signed(challenge),
        allow_credentials=_descriptors(handles),
        user_verification=UserVerificationRequirement.DISCOURAGED,
    )
    return options_to_json_dict(options)


def registered(credential: str, *, challenge: str, origin: str) -> Registered:
    """Raises FactorRefused: it is not what a key made for this challenge, at this address."""
    try:
        made = webauthn.verify_registration_response(
            credential=_read(credential),
            expected_challenge=_signed(challenge),
            expected_rp_id=host_of(origin),
            expected_origin=origin,
        )
        return Registered(bytes_to_base64url(made.credential_id), made.credential_public_key, made.sign_count)
    except Exception:  # hostile JSON and CBOR fail in many ways; whatever was wrong, the answer is no
        raise FactorRefused("The security key's answer does not fit.") from None


def handle_of(credential: str) -> str:
    """Which credential an answer names; empty where it names none."""
    try:
        return str(_read(credential)["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def counted(credential: str, *, challenge: str, origin: str, host: str, public_key: bytes, counter: int) -> int | None:
    """The key's new count if its answer is right; a count that did not grow tells of a copy, and is refused."""
    try:
        if host_of(origin) != host:
            return None
        seen = webauthn.verify_authentication_response(
            credential=_read(credential),
            expected_challenge=_signed(challenge),
            expected_rp_id=host,
            expected_origin=origin,
            credential_public_key=public_key,
            credential_current_sign_count=counter,
        )
    except Exception:  # as above
        return None
    return seen.new_sign_count


def _signed(challenge: str) -> bytes:
    return hashlib.sha256(challenge.encode()).digest()


def _read(credential: str) -> dict[str, Any]:
    if len(credential) > LONGEST:
        raise ValueError("longer than any credential")
    read = json.loads(credential)
    if not isinstance(read, dict):
        raise TypeError("not an object")
    return read


def _descriptors(handles: Sequence[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(handle)) for handle in handles]
