"""What the doctor says of passwords that stand in a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.commands.doctor import first_passwords
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


async def test_first_passwords_are_bad_where_others_reach_the_node_until_they_are_changed(
    site: Site, settings: Settings, tenant: Tenant
) -> None:
    passwords = Passwords(memory_kib=8, passes=1)
    path = Path(settings.data / CREDENTIALS)
    await seed_people(site.store, [tenant], passwords=passwords, keep=lambda made: keep(path, made))
    passwords.close()
    reachable = replace(settings, host="10.1.2.3")

    assert (await first_passwords(settings, site.store)).state == "note"
    found = await first_passwords(reachable, site.store)
    assert (found.state, found.fact) == ("bad", "3 people still have theirs")

    for person in await site.people.page(site.admitted(tenant), limit=9):
        await site.people.update(site.admitted(tenant), person.id, PersonChange(password="a password of their own"))
    assert (await first_passwords(reachable, site.store)).state == "ok"
