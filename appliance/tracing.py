"""Spans: what took how long within a request or a job. Nothing happens here until somebody is set to take them.

    request ─┬─ gate.admit ─┬─ record.append
             │              ├─ retrieval.first, retrieval.rerank
    job ─────┘              ├─ guard.screen
                            └─ model.write

The trace of a request has the id that `X-Request-Id` gives, that of a job the job's: whoever has one finds the other.
A span holds no text and nobody's data: a fact is a number, or one word of the appliance's own; anything else is withheld.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Protocol
from uuid import UUID

from appliance.errors import OutpostError

Fact = str | int | float | bool
WITHHELD: Final = "withheld"
_WORD: Final = re.compile(r"[A-Za-z0-9_./:{}-]{1,120}", re.ASCII)


class Begun(Protocol):
    """A span under way."""

    def name(self, name: str) -> None: ...

    def fact(self, name: str, value: Fact) -> None: ...

    def end(self, failure: str | None) -> None:
        """`failure` is the code of an error, or its kind."""


class Tracer(Protocol):
    """Takes spans; never raises, and never waits."""

    def begin(self, name: str, within: Begun | None, trace: UUID | None) -> Begun:
        """A span inside another, or the first of a trace, whose id is `trace` where that is given."""


class Span:
    """What the code under a span says of it."""

    def __init__(self, begun: Begun | None) -> None:
        self._begun = begun

    def named(self, name: str) -> None:
        """Call it otherwise than it was begun."""
        if self._begun is not None:
            self._begun.name(name)

    def says(self, **facts: Fact | None) -> None:
        """Add facts; None is left out, and a text that is not one plain word is withheld."""
        if self._begun is not None:
            for name, value in facts.items():
                if value is not None:
                    self._begun.fact(name, _plain(value))


NOTHING: Final = Span(None)
_tracer: Tracer | None = None
_within: ContextVar[Begun | None] = ContextVar("span", default=None)


def taken_by(tracer: Tracer | None) -> None:
    """From now on spans of this process go to `tracer`; to nobody if None."""
    global _tracer
    _tracer = tracer


def says(**facts: Fact | None) -> None:
    """Add facts to the span that is under way, if one is."""
    Span(_within.get()).says(**facts)


@contextmanager
def span(name: str, *, trace: UUID | None = None, **facts: Fact | None) -> Iterator[Span]:
    """A span around the block, inside the one that is under way. An error ends it with its code and goes on."""
    if _tracer is None:
        yield NOTHING
        return
    outer = _within.get()
    begun = _tracer.begin(name, outer, trace)
    # Set back by value: a generator that is given up is closed in another context, where a token would be refused.
    _within.set(begun)
    failure: str | None = None
    told = Span(begun)
    told.says(**facts)
    try:
        yield told
    except OutpostError as error:
        failure = error.code
        raise
    except BaseException as error:
        failure = type(error).__name__
        raise
    finally:
        _within.set(outer)
        begun.end(failure)


def _plain(value: Fact) -> Fact:
    return value if not isinstance(value, str) or _WORD.fullmatch(value) else WITHHELD
