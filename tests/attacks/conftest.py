"""Every attack says how often it tried and how often it was refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.tally import begin, tried


@pytest.fixture(autouse=True)
def _tallied(request: pytest.FixtureRequest) -> Iterator[None]:
    tally = begin()
    if request.node.get_closest_marker("one_try"):
        tried()
    yield
    request.node.user_properties += [("tries", tally.tries), ("refused", tally.refused)]
