"""Every test of a fault says what it has tried and found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.counted import Count


@pytest.fixture
def counted(request: pytest.FixtureRequest) -> Iterator[Count]:
    count = Count()
    yield count
    numbers = {"tries": count.tries, "acknowledged": count.acknowledged}
    numbers |= {"lost": len(count.lost), "corrupt": len(count.wrong)}
    request.node.user_properties += list(numbers.items())
