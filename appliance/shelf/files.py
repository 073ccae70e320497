"""Model files on the node's disk: copied while they are hashed, then only the copy is used.

models/.new-<id>/model.gguf   being copied: worth nothing, removed at the next start
models/<id>/model.gguf        adopted by one rename, after file and folder were made durable
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final
from uuid import UUID

from appliance.shelf.errors import BadModelName, ModelDoesNotFit, ModelRefusedHere
from models.errors import HeaderRefused
from models.gguf import Header, read_header, servable

FILE: Final = "model.gguf"
BLOCK: Final = 4 * 2**20
LEAST_FREE: Final = 0.10
"""Share of the disk that models leave free: the record and reading always have room."""

Progress = Callable[[int], None]
"""Is told how many bytes are done; raises to give up."""


def checked(path: Path) -> Header:
    """The header of a model that could serve chat.

    Raises:
        ModelRefusedHere: it could not; the detail says why.
        BadModelName: there is no such file, or it cannot be read.
    """
    try:
        header = read_header(path)
        servable(header)
    except HeaderRefused as refused:
        raise ModelRefusedHere(f"{path.name}: {refused}.") from None
    except OSError as error:
        raise BadModelName(f"{path.name} cannot be read: {error.strerror}.") from None
    return header


def require_room(folder: Path, size: int) -> None:
    """Raises ModelDoesNotFit where the disk would be left with less than a tenth."""
    usage = shutil.disk_usage(folder)
    if usage.free - size < usage.total * LEAST_FREE:
        raise ModelDoesNotFit(
            f"The file has {size / 2**30:.1f} GiB; {usage.free / 2**30:.1f} GiB are free, and a tenth of the disk stays so."
        )


def copy(source: Path, folder: Path, package: UUID, progress: Progress) -> tuple[str, int]:
    """Copy `source` into a new folder beside the packages; its SHA-256 and size, both of what was written.

    Raises:
        OSError: the source or the disk failed; what was written is removed.
    """
    new = folder / f".new-{package}"
    new.mkdir(mode=0o700, parents=True)
    hashed, size = hashlib.sha256(), 0
    try:
        with source.open("rb") as coming, (new / FILE).open("xb") as going:
            while block := coming.read(BLOCK):
                going.write(block)
                hashed.update(block)
                size += len(block)
                progress(size)
            going.flush()
            os.fsync(going.fileno())
        _sync(new)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    return hashed.hexdigest(), size


def adopt(folder: Path, package: UUID) -> None:
    """Make the copy a package: durable before anything names it."""
    (folder / f".new-{package}").rename(folder / str(package))
    _sync(folder)


def drop(folder: Path, package: UUID) -> None:
    """Remove a package, or what an interrupted copy left of it."""
    for name in (f".new-{package}", str(package)):
        shutil.rmtree(folder / name, ignore_errors=True)


def sweep(folder: Path, known: Iterable[UUID]) -> None:
    """Remove what no row names: copies that a power cut ended."""
    names = {str(one) for one in known}
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in names and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


def intact(path: Path, sha256: str, size: int, progress: Progress) -> str | None:
    """Why the file is not the one that was taken in; None if it is."""
    try:
        if path.stat().st_size != size:
            return f"the file has {path.stat().st_size} bytes, and had {size} when it was taken in"
        hashed, done = hashlib.sha256(), 0
        with path.open("rb") as stream:
            while block := stream.read(BLOCK):
                hashed.update(block)
                done += len(block)
                progress(done)
    except OSError as error:
        return f"the file cannot be read ({error.strerror})"
    return None if hashed.hexdigest() == sha256 else "the file was altered since it was taken in"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
