"""Logs: one JSON line per fact on standard error, with the correlation id of the request or job it belongs to.

The last lines of a process are kept in the data directory too, for `outpost support`: two files of at most 256 KiB.

Never a body, a secret, a name or a question. What people did stands in the record, not here. For that reason an
exception is logged by its kind and its way through the code, without its message: libraries quote what they were given.
What comes all the same, in a text of a library or of an error, is taken out: secrets this process has had in its hands, and
personal data by the patterns of the release and of every plant.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict

from appliance.guard import find, redact
from appliance.guard.pii import Pattern, find_own, patterns_of
from appliance.policy.patterns import PlantPattern
from appliance.vault.values import Masks

KEPT = "logs"
"""In the data directory: the last lines of each process."""
KEPT_BYTES = 256 * 1024
"""Of one file of the last lines; there is one before it."""
MOST_LINES = 500
FRAMES = 12
"""The innermost calls of an exception that are logged."""


PLAIN = frozenset({"timestamp", "level", "process", "request", "job"})
"""Members of a line that the log itself gives."""


class Scrubber:
    """What no line of the log may say, as far as this process knows it. `plants` gives the patterns of all plants."""

    def __init__(self) -> None:
        self.secrets = Masks()
        self.plants: Callable[[], tuple[PlantPattern, ...]] = tuple
        self._compiled: tuple[tuple[PlantPattern, ...], tuple[Pattern, ...]] = ((), ())

    def clean(self, value: Any) -> Any:
        """A value of a line without secrets and personal data, also inside lists and tables."""
        match value:
            case str():
                masked = self.secrets.masked(value)
                return redact(masked, [*find(masked), *find_own(masked, self._own())])
            case dict():
                return {key: self.clean(one) for key, one in value.items()}
            case list() | tuple():
                return [self.clean(one) for one in value]
            case bool() | int() | float() | None:
                return value
            case _:
                return self.clean(str(value))

    def _own(self) -> tuple[Pattern, ...]:
        told = self.plants()
        if told != self._compiled[0]:
            self._compiled = told, patterns_of(told)
        return self._compiled[1]


def configure(level: str, process: str, scrubber: Scrubber | None = None, *, kept: Path | None = None) -> None:
    """Send structlog and the standard library's warnings and above to standard error as JSON lines, each scrubbed.

    Args:
        kept: a directory for the last lines; made if its parent is there.
    """
    known = scrubber or Scrubber()

    def scrubbed(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {key: value if key in PLAIN else known.clean(value) for key, value in event.items()}

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _traced,
            scrubbed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(
            cast("TextIO", StandardError() if kept is None else _Kept(kept, process))
        ),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(handlers=[_Bridge()], level=logging.WARNING, force=True)


class StandardError:
    """Standard error; what it does not take is lost. Often it is a file, and no work ends because a disk is full."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


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


class _Kept(StandardError):
    """Standard error, and a file of the last lines beside it. Opened anew for each line: two workers may share it, and
    whoever comes first makes room. A disk that takes nothing costs the line in the file alone.
    """

    def __init__(self, folder: Path, process: str) -> None:
        self._path = folder / f"{process}.jsonl"
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, exist_ok=True)

    def write(self, text: str) -> None:
        if text.strip():
            with contextlib.suppress(OSError):
                self._keep(f"{text.rstrip()}\n".encode())
        super().write(text)

    def _keep(self, line: bytes) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_size + len(line) > KEPT_BYTES:
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)


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
    """Libraries that log through `logging` come out in the same shape."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        log.log(record.levelno, record.getMessage(), exc_info=record.exc_info or None)
