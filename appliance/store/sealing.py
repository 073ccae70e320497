"""Sealing: a few bytes that only the holder of a key can read, and that cannot be passed off as others.

A sealed value is the 4-byte format mark `OPK1`, a 12-byte nonce, then what AES-256-GCM (NIST SP 800-38D) makes of the
content: as many bytes and a tag of 16. The name of the value is associated data, so that two values cannot be swapped.
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK: Final = b"OPK1"
NONCE: Final = 12


def seal(key: bytes, name: str, content: bytes) -> bytes:
    """Args:
    key: 32 bytes.
    name: what the value is; `unseal` must be given the same.
    """
    nonce = os.urandom(NONCE)
    return MARK + nonce + AESGCM(key).encrypt(nonce, content, name.encode())


def unseal(key: bytes, name: str, sealed: bytes) -> bytes | None:
    """The content; None if it was sealed with another key, under another name, or altered."""
    if not sealed.startswith(MARK):
        return None
    nonce, body = sealed[len(MARK) : len(MARK) + NONCE], sealed[len(MARK) + NONCE :]
    try:
        return AESGCM(key).decrypt(nonce, body, name.encode())
    except (InvalidTag, ValueError):  # ValueError: cut so short that there is no nonce
        return None
