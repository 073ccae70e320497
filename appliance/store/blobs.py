"""Stored files, encrypted under the tenant's key.

    blobs/<first two digits>/<name>     name = HMAC-SHA-256(naming key, SHA-256(content)), in hex

A tenant that stores the same content twice stores it once; two tenants that store the same content have unrelated
names and bytes, so nobody learns what another tenant holds.

A file is `OPB1`, 7 random bytes, then segments of 1 MiB (the last may be shorter), each AES-256-GCM with its own tag:

    nonce = 7 random bytes | segment number, 4 bytes big-endian | 1 on the last segment, else 0

(the STREAM construction: a segment cannot be moved, dropped or cut off unseen). The name is associated data of each.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import secrets
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Final, NewType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.store.errors import BlobDamaged, StoreFull, UnknownBlob
from appliance.store.files import make_directory, sync_directory
from appliance.store.ids import TenantId
from appliance.store.keys import Keyring
from appliance.store.segments import MARK, SALT, SEGMENT, TAG, nonce, segments

BlobName = NewType("BlobName", str)
"""64 hexadecimal digits."""

_NO_SPACE: Final = 28  # ENOSPC


def tenant_key_name(tenant_id: TenantId) -> str:
    """Under which name the keyring holds a tenant's key."""
    return f"tenant-{tenant_id}"


class Blobs:
    """The stored files of all tenants below `root`; every method names the tenant whose key it uses."""

    def __init__(self, root: Path, keyring: Keyring) -> None:
        self._root = root
        self._keyring = keyring

    async def put(self, tenant_id: TenantId, content: bytes | Path) -> BlobName:
        """Store `content`, or what the file at that path holds; durable when this returns.

        A path is read twice, a segment at a time, and must not change meanwhile.

        Raises:
            StoreFull: no room; nothing was stored.
        """
        return await asyncio.to_thread(self._put, tenant_id, content)

    async def get(self, tenant_id: TenantId, name: BlobName) -> bytes:
        """The whole content.

        Raises:
            UnknownBlob: this tenant stores nothing under that name.
            BlobDamaged: what is stored is not what was put.
        """
        return await asyncio.to_thread(lambda: b"".join(self._read(tenant_id, name)))

    async def stream(self, tenant_id: TenantId, name: BlobName) -> AsyncIterator[bytes]:
        """The content in pieces of at most 1 MiB, each verified before it is given out; raises as `get` does."""
        pieces = self._read(tenant_id, name)
        try:
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                yield piece
        finally:
            pieces.close()

    async def exists(self, tenant_id: TenantId, name: BlobName) -> bool:
        return await asyncio.to_thread(self._path(tenant_id, name).is_file)

    def under(self, root: Path) -> Blobs:
        """Copies of them below another root."""
        return Blobs(root, self._keyring)

    def names(self, tenant_id: TenantId) -> list[BlobName]:
        """What a tenant has stored, in order; drafts of an upload are none."""
        folders = self._root / str(tenant_id) / "blobs"
        return sorted(BlobName(path.name) for path in folders.glob("??/*") if not path.name.startswith("."))

    def is_whole(self, tenant_id: TenantId, name: BlobName) -> bool:
        """Whether it is there and every segment verifies. Blocking: call it in a thread."""
        return self._is_whole(tenant_id, name)

    async def remove(self, tenant_id: TenantId, name: BlobName) -> None:
        """Forget a stored file; one that is not there is no error."""
        await asyncio.to_thread(self._remove, self._path(tenant_id, name))

    def _path(self, tenant_id: TenantId, name: BlobName) -> Path:
        if len(name) != 64 or not set(name) <= set("0123456789abcdef"):
            raise UnknownBlob("That is not the name of a stored file.")
        return self._root / str(tenant_id) / "blobs" / name[:2] / name

    def _cipher(self, tenant_id: TenantId) -> AESGCM:
        return AESGCM(self._keyring.secret(tenant_key_name(tenant_id), "blob-content"))

    def _name(self, tenant_id: TenantId, digest: bytes) -> BlobName:
        key = self._keyring.secret(tenant_key_name(tenant_id), "blob-name")
        return BlobName(hmac.new(key, digest, hashlib.sha256).hexdigest())

    def _put(self, tenant_id: TenantId, content: bytes | Path) -> BlobName:
        if isinstance(content, Path):
            with content.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").digest()
        else:
            digest = hashlib.sha256(content).digest()
        name = self._name(tenant_id, digest)
        path = self._path(tenant_id, name)
        if self._is_whole(tenant_id, name):
            # Another put of the same content may have renamed it but not yet made the name durable.
            sync_directory(path.parent)
            return name
        make_directory(path.parent)
        draft = path.with_name(f".{name}.{secrets.token_hex(6)}")
        try:
            seen = self._write(draft, content, self._cipher(tenant_id), name)
            if seen != digest:
                raise BlobDamaged("The file changed while it was being stored.", hint="Try again.")
            draft.replace(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            if error.errno == _NO_SPACE:
                raise StoreFull("The file does not fit on the disk.") from error
            raise
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        sync_directory(path.parent)
        return name

    def _is_whole(self, tenant_id: TenantId, name: BlobName) -> bool:
        """Whether the blob is there and verifies; putting the content of a damaged one again mends it."""
        try:
            for _ in self._read(tenant_id, name):
                pass
        except (UnknownBlob, BlobDamaged):
            return False
        return True

    def _write(self, draft: Path, content: bytes | Path, cipher: AESGCM, name: BlobName) -> bytes:
        """Encrypt `content` into `draft`; returns the SHA-256 of what was encrypted."""
        digest = hashlib.sha256()
        salt = os.urandom(SALT)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as target:
            target.write(MARK + salt)
            for number, (piece, last) in enumerate(self._pieces(content)):
                digest.update(piece)
                target.write(cipher.encrypt(nonce(salt, number, last=last), piece, name.encode()))
            target.flush()
            os.fsync(target.fileno())
        return digest.digest()

    def _pieces(self, content: bytes | Path) -> Iterator[tuple[bytes, bool]]:
        if isinstance(content, Path):
            with content.open("rb") as stream:
                yield from segments(stream, SEGMENT)
            return
        for start in range(0, max(len(content), 1), SEGMENT):
            yield content[start : start + SEGMENT], start + SEGMENT >= len(content)

    def _read(self, tenant_id: TenantId, name: BlobName) -> Generator[bytes]:
        try:
            stream = self._path(tenant_id, name).open("rb")
        except FileNotFoundError:
            raise UnknownBlob("Nothing is stored under that name.") from None
        with stream:
            head = stream.read(len(MARK) + SALT)
            if len(head) != len(MARK) + SALT or not head.startswith(MARK):
                raise BlobDamaged("A stored file does not begin as ours do.", blob=name)
            cipher, salt = self._cipher(tenant_id), head[len(MARK) :]
            for number, (piece, last) in enumerate(segments(stream, SEGMENT + TAG)):
                try:
                    yield cipher.decrypt(nonce(salt, number, last=last), piece, name.encode())
                except (InvalidTag, ValueError):
                    raise BlobDamaged(f"Segment {number} of a stored file does not verify.", blob=name) from None

    def _remove(self, path: Path) -> None:
        try:
            path.unlink()
        except FileNotFoundError:
            return
        sync_directory(path.parent)
