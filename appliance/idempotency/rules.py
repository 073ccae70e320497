"""What makes two requests the same, and what a key is; decided without doing anything."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from appliance.idempotency.errors import InvalidKey

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_BOUNDARY: Final = re.compile(r'multipart/[^;]+;.*?boundary="?([^";,]{1,70})"?', re.IGNORECASE)


def checked(raw: bytes) -> str:
    """The key in a header, with or without the quotes that the draft of the IETF wants around it. Raises InvalidKey."""
    key = raw.decode("latin-1").strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not _KEY.fullmatch(key):
        raise InvalidKey("The key is empty, too long, or holds characters beyond printable ASCII.")
    return key


class BodyHash:
    """SHA-256 of a body as it passes by; what separates the parts of a form is random and left out."""

    def __init__(self, content_type: str) -> None:
        self._hash = hashlib.sha256()
        found = _BOUNDARY.match(content_type)
        self._boundary = found[1].encode("latin-1") if found else b""
        self._held = b""

    def add(self, piece: bytes) -> None:
        if not self._boundary:
            self._hash.update(piece)
            return
        text = (self._held + piece).replace(self._boundary, b"")
        # A boundary may be cut in two by the end of this piece.
        keep = len(self._boundary) - 1
        self._hash.update(text[: len(text) - keep] if len(text) > keep else b"")
        self._held = text[len(text) - keep :] if len(text) > keep else text

    def hexdigest(self) -> str:
        self._hash.update(self._held)
        self._held = b""
        return self._hash.hexdigest()
