"""Logs: one JSON line per fact on standard error, with the correlation id of the request or job it belongs to.

The last lines of a process are kept in the data directory too, for `outpost support`: two files of at most 256 KiB.

Never a body, a secret, a name or a question. What people did stands in the record, not here. For that reason an
exception is logged by its kind and its way through the code, without its message: libraries quote what they were given.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict

from appliance.guard import find, redact
from appliance.vault.values import Masks

KEPT = "logs"
"""In the data directory: the last lines of each process."""
KEPT_BYTES = 256 * 1024
"""Of one file of the last lines; there is one before it."""
MOST_LINES = 500
FRAMES = 12
"""The innermost calls of an exception that are logged."""


def configure(level: str, process: str, masks: Masks | None = None, *, kept: Path | None = None) -> None:
    """Send structlog and the standard library's warnings and above to standard error as JSON lines.

    What `masks` has learned is left out, wherever in a line it stands.

    Args:
        kept: a directory for the last lines; made if its parent is there.
    """
    known = masks or Masks()

    def masked(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {key: _without(value, known) for key, value in event.items()}

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _traced,
            masked,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(
            sys.stderr if kept is None else cast("TextIO", _Kept(kept, process))
        ),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(handlers=[_Bridge()], level=logging.WARNING, force=True)


def last_lines(kept: Path, most: int = MOST_LINES) -> list[dict[str, Any]]:
    """The newest of the lines that all processes kept, oldest first. What is no line of ours, or is torn, is left out."""
    found = []
    for path in sorted(kept.glob("*.jsonl*")):
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            with contextlib.suppress(ValueError):
                one = json.loads(line)
                if isinstance(one, dict) and isinstance(one.get("timestamp"), str):
                    found.append(one)
    return sorted(found, key=lambda one: str(one["timestamp"]))[-most:]


class _Kept:
    """Standard error, and a file of the last lines beside it. Opened anew for each line: two workers may share it, and
    whoever comes first makes room. A disk that takes nothing costs the line in the file alone.
    """

    def __init__(self, folder: Path, process: str) -> None:
        self._path = folder / f"{process}.jsonl"
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, exist_ok=True)

    def write(self, text: str) -> int:
        if text.strip():
            with contextlib.suppress(OSError):
                self._keep(f"{text.rstrip()}\n".encode())
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def _keep(self, line: bytes) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_size + len(line) > KEPT_BYTES:
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)


def _without(value: Any, masks: Masks) -> Any:
    """A value of a line without known secrets, also inside lists and tables."""
    match value:
        case str():
            return masks.masked(value)
        case dict():
            return {key: _without(one, masks) for key, one in value.items()}
        case list() | tuple():
            return [_without(one, masks) for one in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return masks.masked(str(value))


def _traced(_logger: Any, _method: str, event: EventDict) -> EventDict:
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()[1]
    elif isinstance(found, tuple):
        found = found[1]
    if isinstance(found, BaseException):
        event["trace"] = [
            f"{type(error).__name__} at {', '.join(f'{Path(at.filename).stem}:{at.lineno}' for at in _frames(error))}"
            for error in _chain(found)
        ]
    return event


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    return list(traceback.extract_tb(error.__traceback__))[-FRAMES:]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it, at most a few."""
    for _ in range(4):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


class _Bridge(logging.Handler):
    """Libraries that log through `logging` come out in the same shape, without the personal data and secrets they quote."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        message = record.getMessage()
        log.log(record.levelno, redact(message, find(message)), exc_info=record.exc_info or None)
