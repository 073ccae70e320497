"""What a database driver reports, said in our words."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import exc

from appliance.errors import OutpostError
from appliance.store.errors import (
    DiskFailing,
    StoreBusy,
    StoreDamaged,
    StoreFull,
    StoreMissing,
    StoreOutdated,
    StoreUnreachable,
)


def _sqlite(name: str, place: str, *, write: bool) -> OutpostError | None:
    match name.split("_")[1] if name.startswith("SQLITE_") else "":
        case "BUSY" | "LOCKED":
            return StoreBusy(f"{place} is in use by another process.")
        case "FULL":
            return StoreFull(f"{place} cannot grow.")
        case "READONLY" if not write and name == "SQLITE_READONLY":
            return None  # a change in a session that only reads: the fault is ours, and no disk's
        case "IOERR" | "READONLY":
            return DiskFailing(f"{place} cannot be read or written ({name}).")
        case "CORRUPT" | "NOTADB":
            return StoreDamaged(f"{place} cannot be read or written ({name}).")
        case "CANTOPEN":
            return StoreMissing(f"{place} cannot be opened.")
    return None


def _postgres(state: str, place: str) -> OutpostError | None:
    # Classes of SQLSTATE: PostgreSQL documentation, appendix A.
    match state[:2], state:
        case "53", "53100":
            return StoreFull(f"{place} cannot grow.")
        case "08" | "57", _:
            return StoreUnreachable(f"{place} does not answer.")
        case "53" | "55", _:
            return StoreBusy(f"{place} is in use.")
        case "58" | "XX", _:
            return StoreDamaged(f"{place} cannot be read or written ({state}).")
        case _, "42P01" | "3F000":
            return StoreOutdated(f"{place} has not the tables of this release.")
    return None


def translate(error: BaseException, place: str, *, write: bool = True) -> OutpostError | None:
    """Our error for a driver's, or None where the driver's own says it best (a broken constraint, a wrong statement)."""
    if isinstance(error, exc.TimeoutError):
        return StoreBusy(f"All connections to {place} are taken.")
    if not isinstance(error, exc.DBAPIError) or isinstance(error, exc.IntegrityError):
        return None
    cause: Any = error.orig
    # The adapters of the asynchronous dialects keep the driver's own error as the cause.
    for candidate in (cause, getattr(cause, "__cause__", None)):
        if name := getattr(candidate, "sqlite_errorname", None):
            return _sqlite(name, place, write=write)
        if state := getattr(candidate, "sqlstate", None):
            return _postgres(state, place)
    if isinstance(error, exc.OperationalError) and type(cause).__module__.startswith("psycopg"):
        return StoreUnreachable(f"{place} does not answer.")
    return None


@contextmanager
def named(where: object, *, write: bool = True) -> Iterator[None]:
    """Within the block, failures of the database are raised as errors of the store."""
    place = "The data of the tenant" if isinstance(where, uuid.UUID) else f"The {getattr(where, 'value', 'node')} data"
    try:
        yield
    except exc.SQLAlchemyError as error:
        ours = translate(error, place, write=write)
        if ours is None:
            raise
        raise ours from error
