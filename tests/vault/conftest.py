from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest

from appliance.store import Store
from appliance.vault.service import Vault
from appliance.vault.values import Masks


@dataclass
class Clock:
    now: dt.datetime = dt.datetime(2026, 5, 4, 6, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def go(self, **by: float) -> None:
        self.now += dt.timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def masks() -> Masks:
    return Masks()


@pytest.fixture
def vault(store: Store, masks: Masks, clock: Clock) -> Vault:
    """Over SQLCipher, then over PostgreSQL."""
    return Vault(store, masks, clock=clock)
