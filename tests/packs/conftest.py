"""Packs over a real store, with a record and a library that a test fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from appliance.identity import Attempts, Kiosks, Passwords, People
from appliance.packs import InForce, Packs
from appliance.policy import PolicyEngine, Resource
from appliance.policy.trial import judged
from appliance.store import Admitted, Store
from tests.identity.site import HandClock, RecordBook

RELEASE = PolicyEngine()


@dataclass
class Known:
    """What the record and the library hold."""

    decisions: list[Mapping[str, Any]] = field(default_factory=list)
    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    models: list[Resource] = field(default_factory=list)

    async def writers(self) -> Sequence[Resource]:
        return self.models

    async def last(self, _admitted: Admitted, limit: int) -> Sequence[Mapping[str, Any]]:
        return self.decisions[:limit]

    async def attributes(self, _admitted: Admitted, limit: int) -> Mapping[str, Mapping[str, Any]]:
        return dict(list(self.documents.items())[:limit])


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
def policy(store: Store, clock: HandClock) -> InForce:
    return InForce(store, RELEASE, monotonic=clock.seconds, day=lambda: clock().date())


@pytest.fixture
def other_process(store: Store, clock: HandClock) -> InForce:
    """What another process of the same node decides by."""
    return InForce(store, RELEASE, monotonic=clock.seconds, day=lambda: clock().date())


@pytest.fixture
def people(store: Store) -> Iterator[People]:
    passwords = Passwords(memory_kib=8, passes=1)
    yield People(store, passwords=passwords)
    passwords.close()


@pytest.fixture
def packs(store: Store, policy: InForce, people: People, known: Known, clock: HandClock) -> Packs:
    kiosks = Kiosks(store, RecordBook(), attempts=Attempts())
    return Packs(store, policy, people, kiosks, known.last, known, judged, clock=clock, writers=known.writers)


@pytest.fixture
def admin(admitted: Callable[..., Admitted]) -> Callable[[], Admitted]:
    return lambda: admitted(role="admin", clearance=3, action="policy.activate")
