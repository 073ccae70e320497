"""A hub's database beyond its own machine is used only over a line that proves who it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from appliance.store import open_store
from appliance.store.errors import UnsecuredDatabase
from appliance.store.postgres import secured


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///outpost",
        "postgresql://app@localhost/outpost",
        "postgresql://app@127.0.0.1:5433/outpost",
        "postgresql://app@[::1]/outpost",
        "postgresql://app@/outpost?host=/run/postgresql",
        "postgresql://app@db.plant/outpost?sslmode=verify-full",
        "postgresql://app@db.plant/outpost?sslmode=verify-full&sslrootcert=/etc/ssl/plant.pem",
    ],
)
def test_this_machine_and_a_proven_line_are_secured(url: str) -> None:
    assert secured(make_url(url))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app@db.plant/outpost",
        "postgresql://app@10.0.0.7/outpost?sslmode=require",
        "postgresql://app@db.plant/outpost?sslmode=verify-ca",
        "postgresql://app@db.plant/outpost?sslmode=disable&sslmode=verify-full",
        "postgresql://app@/outpost?host=/run/postgresql,db.plant",
        "postgresql://app@/outpost?host=localhost:5432&host=db.plant:5432",
        "postgresql://app@localhost/outpost?hostaddr=10.0.0.7",
        "postgresql://app@/outpost?service=plant",
    ],
)
def test_every_other_line_is_not(url: str) -> None:
    assert not secured(make_url(url))


async def test_a_hub_does_not_begin_on_such_a_line(tmp_path: Path) -> None:
    with pytest.raises(UnsecuredDatabase):
        await open_store(tmp_path / "data", "postgresql://app@db.plant/outpost?sslmode=prefer")
