"""An upload from the wire to a file of its own, a piece at a time, cut off at the limit.

The web framework would gather the whole body first, in the system's temporary folder; a plant's documents belong under
the data directory only, and a body without end must end.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from appliance.documents.errors import DiskNearlyFull, FileTooLarge, InvalidDocument

FIELD_LIMIT = 64 * 1024
PARTS_LIMIT = 40


@dataclass(slots=True)
class Received:
    """A file as it came, and the fields beside it. `path` is removed when the context that gave it ends."""

    path: Path
    filename: str | None = None
    size: int = 0
    sha256: str = ""
    fields: dict[str, list[str]] = field(default_factory=dict)

    def one(self, name: str) -> str | None:
        return next(iter(self.fields.get(name, ())), None)

    def tags(self) -> list[str]:
        """Tags as repeated fields, `tags[]`, one text with commas, or a JSON list."""
        found: list[str] = []
        for value in (*self.fields.get("tags", ()), *self.fields.get("tags[]", ())):
            try:
                listed = json.loads(value) if value.lstrip().startswith("[") else value
            except (ValueError, RecursionError):
                raise InvalidDocument("The tags are not a JSON list.", field="tags") from None
            found += map(str, listed) if isinstance(listed, list) else [listed]
        return found


@asynccontextmanager
async def received(
    body: AsyncIterator[bytes], content_type: str, *, folder: Path, limit: int
) -> AsyncIterator[Received]:
    """The upload in `body`; its file is at most `limit` bytes long.

    Raises:
        FileTooLarge: the file is longer.
        InvalidDocument: the body is no upload.
        DiskNearlyFull: there is no room for the file.
    """
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data" or "boundary" not in options:
        raise InvalidDocument("An upload is sent as multipart/form-data.")
    folder.mkdir(mode=0o700, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, prefix="upload-")
    upload = Received(Path(name))
    try:
        try:
            with os.fdopen(handle, "wb") as target:
                await _read(body, options["boundary"], upload, target, limit)
        except (MultipartError, UnicodeDecodeError) as error:
            raise InvalidDocument("The upload broke off or is not multipart/form-data.") from error
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise DiskNearlyFull("The disk is full, so no documents are taken in.") from error
        if upload.filename is None:
            raise InvalidDocument("The upload has no file.", field="file")
        yield upload
    finally:
        with contextlib.suppress(FileNotFoundError):
            upload.path.unlink()


async def _read(body: AsyncIterator[bytes], boundary: str, upload: Received, target: BinaryIO, limit: int) -> None:
    digest = hashlib.sha256()
    segment: MultipartSegment | None = None
    value = bytearray()
    parts = 0
    with PushMultipartParser(boundary) as parser:
        async for piece in body:
            if not piece or parser.closed:
                continue
            for event in parser.parse(piece):
                if isinstance(event, MultipartSegment):
                    segment, value, parts = event, bytearray(), parts + 1
                    if parts > PARTS_LIMIT:
                        raise InvalidDocument("The upload has too many parts.")
                    if _is_file(segment):
                        if upload.filename is not None:
                            raise InvalidDocument("Upload one file at a time.", field="file")
                        upload.filename = segment.filename or ""
                elif event is None:
                    if segment is not None and not _is_file(segment):
                        upload.fields.setdefault(segment.name, []).append(value.decode())
                    segment = None
                elif segment is not None and _is_file(segment):
                    upload.size += len(event)
                    if upload.size > limit:
                        raise FileTooLarge(f"The file is larger than {limit // 2**20} MiB.", limit_bytes=limit)
                    digest.update(event)
                    await asyncio.to_thread(target.write, bytes(event))
                else:
                    value += event
                    if len(value) > FIELD_LIMIT:
                        raise InvalidDocument("A field of the upload is too long.")
    upload.sha256 = digest.hexdigest()


def _is_file(segment: Any) -> bool:
    return segment.name == "file" and segment.filename is not None


def sweep(folder: Path, *, older_than: float = 3600.0) -> None:
    """Remove what uploads left that a crash cut off: files untouched for `older_than` seconds."""
    for leftover in folder.glob("upload-*"):
        with contextlib.suppress(FileNotFoundError):
            if leftover.stat().st_mtime < time.time() - older_than:
                leftover.unlink()
