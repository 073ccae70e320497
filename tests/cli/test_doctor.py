"""What the doctor says of passwords that stand in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.commands.doctor import look_at_people
from appliance.identity import Passwords
from appliance.identity.seed import seed_people
from appliance.identity.values import PersonChange
from appliance.processes import CREDENTIALS
from appliance.seeding import keep
from appliance.settings import Settings, load
from appliance.store import Store, Tenant
from tests.identity.site import Site


@pytest.fixture
def settings(node_store: Store) -> Settings:
    return load({}, data=str(node_store.data))


@pytest.fixture
def site(node_store: Store) -> Iterator[Site]:
    site = Site(node_store)
    yield site
    site.close()


async def test_first_passwords_are_bad_until_they_are_changed(site: Site, settings: Settings, tenant: Tenant) -> None:
    passwords = Passwords(memory_kib=8, passes=1)
    path = Path(settings.data / CREDENTIALS)
    await seed_people(site.store, [tenant], passwords=passwords, keep=lambda made: keep(path, made))
    passwords.close()

    (found,) = await look_at_people(settings, site.store)
    assert (found.state, found.fact[:23]) == ("bad", "3 of 3 people have the ")

    for person in await site.people.page(site.admitted(tenant), limit=9):
        await site.people.update(site.admitted(tenant), person.id, PersonChange(password="a password of their own"))
    assert [one.state for one in await look_at_people(settings, site.store)] == ["note"]
