"""Counts of what attack tests try, and of what was refused, for the table of `make attacks`.

    with attempt():               one try: whatever the block asserts is what "refused" means here
        assert client.get(path).status_code == 404

    with refusal(Forbidden):      one try that must end with this error

    tried(3)                      three tries whose refusal the test asserts as a whole

    pytestmark = pytest.mark.one_try     a file in which each test is one attack, and counts as one try

A block that fails is a try that was let through; a test that fails has let one through at least.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass
class Tally:
    """Tries of one test; threads may add to it."""

    tries: int = 0
    refused: int = 0


_lock = threading.Lock()
_now = Tally()


def begin() -> Tally:
    """Count from 0, for the test that begins."""
    global _now
    _now = Tally()
    return _now


@contextmanager
def attempt(times: int = 1) -> Iterator[None]:
    """Count `times` tries, and as many refusals if the block ends without an exception."""
    tally = _now
    with _lock:
        tally.tries += times
    yield
    with _lock:
        tally.refused += times


def tried(times: int = 1) -> None:
    """Count tries that are refused unless the test fails."""
    with attempt(times):
        pass


@contextmanager
def refusal(kind: type[BaseException] | tuple[type[BaseException], ...], match: str | None = None) -> Iterator[Any]:
    """One try that ends with an error of this kind; what `pytest.raises` knows of it."""
    with attempt(), pytest.raises(kind, match=match) as caught:
        yield caught
