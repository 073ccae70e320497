"""A security key in software: WebAuthn's formats, ES256, no attestation."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.identity.site import base64url

ORIGIN = "https://node.plant"
USER_PRESENT, HAS_CREDENTIAL = 0x01, 0x40


class SecurityKey:
    """One credential on a key that somebody touches whenever it is asked.

    Args:
        origin: what the browser says it is looking at.
    """

    def __init__(self, origin: str = ORIGIN) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = secrets.token_bytes(32)
        self.origin = origin
        self.count = 0

    def create(self, options: dict[str, Any]) -> str:
        """What `navigator.credentials.create` gives."""
        numbers = self._key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})
        credential = bytes(16) + len(self._id).to_bytes(2) + self._id + cose
        data = self._data(options["rp"]["id"], USER_PRESENT | HAS_CREDENTIAL) + credential
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"])
        return self._credential({"attestationObject": base64url(attestation), "clientDataJSON": base64url(client)})

    def get(self, options: dict[str, Any]) -> str:
        """What `navigator.credentials.get` gives."""
        self.count += 1
        data = self._data(options["rpId"], USER_PRESENT)
        client = self._client("webauthn.get", options["challenge"])
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._credential(
            {
                "authenticatorData": base64url(data),
                "clientDataJSON": base64url(client),
                "signature": base64url(signature),
                "userHandle": None,
            }
        )

    def _data(self, host: str, flags: int) -> bytes:
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _credential(self, response: dict[str, Any]) -> str:
        shown = base64url(self._id)
        return json.dumps({"id": shown, "rawId": shown, "type": "public-key", "response": response})
