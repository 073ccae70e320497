"""The built UI, served from memory.

A build is a few files with hashed names, so they are read once, compressed once, and answered with a strong ETag.
Any path that is not a file is a page of the single-page application.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from litestar.enums import ScopeType

from appliance.errors import Unavailable

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send


class UiNotBuilt(Unavailable):
    """Set-up has not put the built UI beside the interpreter."""

    code, title = "ui-not-built", "The user interface is missing"
    hint = "Run `make run` (or `make setup`) once; it builds the interface."


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    packed: bytes | None
    kind: bytes
    etag: bytes
    forever: bool


class BuiltUi:
    """An ASGI application over one directory of built files.

    Raises:
        UiNotBuilt: `root` holds no `index.html`.
    """

    def __init__(self, root: Path) -> None:
        if not (root / "index.html").is_file():
            raise UiNotBuilt(f"There is no index.html in {root.name}.")
        self._files = {
            f"/{path.relative_to(root).as_posix()}": _read(path, forever="assets" in path.relative_to(root).parts)
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            return
        found = self._files.get(scope["path"])
        missing_file = found is None and "." in scope["path"].rpartition("/")[2]
        file = found or self._files["/index.html"]
        headers = dict(scope["headers"])
        if scope["method"] not in {"GET", "HEAD"} or missing_file:
            kind = (b"content-type", b"text/plain")
            if missing_file:
                await _respond(send, 404, [kind], b"Not found\n")
            else:
                await _respond(send, 405, [kind, (b"allow", b"GET, HEAD")], b"Only GET and HEAD\n")
            return
        cache = b"public, max-age=31536000, immutable" if file.forever else b"no-cache"
        common = [(b"etag", file.etag), (b"cache-control", cache), (b"vary", b"accept-encoding")]
        # A list of tags, or a weak one, holds ours as it stands.
        if file.etag in headers.get(b"if-none-match", b""):
            await _respond(send, 304, common, b"")
            return
        body = file.body
        if file.packed is not None and b"gzip" in headers.get(b"accept-encoding", b""):
            body = file.packed
            common.append((b"content-encoding", b"gzip"))
        common.append((b"content-type", file.kind))
        await _respond(send, 200, common, b"" if scope["method"] == "HEAD" else body)


def _read(path: Path, *, forever: bool) -> _File:
    body = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    text = kind.startswith("text/") or kind in {"application/javascript", "image/svg+xml", "application/json"}
    packed = gzip.compress(body, 9, mtime=0) if text and len(body) > 512 else None
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return _File(body, packed, f"{kind}; charset=utf-8".encode() if text else kind.encode(), etag.encode(), forever)


async def _respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    length = [(b"content-length", str(len(body)).encode())] if status != 304 else []
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
