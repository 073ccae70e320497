"""Long content in encrypted segments: a file is `OPB1`, 7 random bytes, then segments of 1 MiB (the last may be shorter).

Each is AES-256-GCM with its own tag, and the name of the whole as associated data:

    nonce = 7 random bytes | segment number, 4 bytes big-endian | 1 on the last segment, else 0

(the STREAM construction: a segment cannot be moved, dropped or cut off unseen).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.store.errors import BackupUnsound

SEGMENT: Final = 1 << 20
MARK: Final = b"OPB1"
SALT: Final = 7
TAG: Final = 16


def nonce(salt: bytes, number: int, *, last: bool) -> bytes:
    return salt + number.to_bytes(4, "big") + (b"\x01" if last else b"\x00")


def segments(stream: BinaryIO, size: int) -> Iterator[tuple[bytes, bool]]:
    """Cut `stream` into pieces of `size` bytes; yields each with whether it is the last. An empty stream has one."""
    piece = stream.read(size)
    while True:
        following = stream.read(size)
        yield piece, not following
        if not following:
            return
        piece = following


class SealedWriter:
    """Writes content of unknown length to a new file, which is durable when the block ends without an error."""

    def __init__(self, path: Path, key: bytes, name: str) -> None:
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._cipher, self._name, self._salt = AESGCM(key), name.encode(), os.urandom(SALT)
        self._waiting, self._number = bytearray(), 0

    def write(self, content: bytes) -> None:
        """Raises OSError."""
        self._waiting += content
        # One byte stays behind: which segment is the last is only known at the end.
        while len(self._waiting) > SEGMENT:
            self._seal(bytes(self._waiting[:SEGMENT]), last=False)
            del self._waiting[:SEGMENT]

    def _seal(self, piece: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(nonce(self._salt, self._number, last=last), piece, self._name))
        self._number += 1

    def __enter__(self) -> Self:
        self._file.write(MARK + self._salt)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with self._file:
            if error is None:
                self._seal(bytes(self._waiting), last=True)
                self._file.flush()
                os.fsync(self._file.fileno())


def unsealed(path: Path, key: bytes, name: str) -> Iterator[bytes]:
    """The content of a file that `SealedWriter` has written, in pieces, each verified before it is given out.

    Raises:
        BackupUnsound: it was altered, cut short, or is under another key or name.
    """
    cipher = AESGCM(key)
    with path.open("rb") as stream:
        head = stream.read(len(MARK) + SALT)
        if len(head) != len(MARK) + SALT or not head.startswith(MARK):
            raise BackupUnsound(f"{path.name} does not begin as ours do.")
        for number, (piece, last) in enumerate(segments(stream, SEGMENT + TAG)):
            try:
                yield cipher.decrypt(nonce(head[len(MARK) :], number, last=last), piece, name.encode())
            except (InvalidTag, ValueError):
                raise BackupUnsound(f"Segment {number} of {path.name} does not verify.") from None
