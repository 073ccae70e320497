"""What the doctor says of passwords that stand in a file, of a demo, of the network and of old secrets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.commands.doctor import Finding, look_at_files, look_at_people, look_at_secrets, show
from appliance.identity import Passwords
from appliance.identity.seed import seed_people
from appliance.identity.values import PersonChange
from appliance.processes import CREDENTIALS, INITIALISED
from appliance.seeding import keep
from appliance.settings import DEMO_MARK, Settings, load
from appliance.store import Store, Tenant
from appliance.vault.service import Vault
from appliance.vault.values import Masks
from tests.cli.shell import outpost
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


@pytest.mark.parametrize(("environment", "state"), [("production", "bad"), ("development", "note"), ("", "note")])
async def test_the_sign_ins_of_a_demo_are_bad_in_production(
    site: Site, tenant: Tenant, environment: str, state: str
) -> None:
    settings = load({"OUTPOST_ENVIRONMENT": environment}, data=str(site.store.data))
    (settings.data / DEMO_MARK).touch()
    passwords = Passwords(memory_kib=8, passes=1)
    await seed_people(
        site.store, [tenant], passwords=passwords, keep=lambda made: keep(settings.data / CREDENTIALS, made)
    )
    passwords.close()

    (found,) = await look_at_people(settings, site.store)
    demo = next(one for one in look_at_files(settings) if one.subject == "demo")

    assert (found.state, demo.state) == (state, state)


def test_a_demo_does_not_go_into_production(tmp_path: Path) -> None:
    ended = outpost("run", "--demo", "--data", tmp_path / "d", environment={"OUTPOST_ENVIRONMENT": "production"})

    assert (ended.code, ended.out) == (13, "")
    assert "OUTPOST_ENVIRONMENT" in ended.err
    assert not (tmp_path / "d").exists()


def test_the_doctor_names_all_that_goes_in_and_out(node_store: Store) -> None:
    hosts = {"OUTPOST_MODEL_HOSTS": "gpu.plant:8000", "OUTPOST_IDENTITY_HOSTS": "idp.plant:443"}
    settings = load(hosts, data=str(node_store.data), listen="0.0.0.0:8443")

    found = next(one for one in look_at_files(settings) if one.subject == "network")

    assert (found.state, found.fact) == (
        "note", "people reach 0.0.0.0:8443; the node asks gpu.plant:8000, idp.plant:443",
    )  # fmt: skip
    alone = next(one for one in look_at_files(load({}, data=str(node_store.data))) if one.subject == "network")
    assert (alone.state, alone.fact[-11:]) == ("ok", "asks nobody")


async def test_secrets_that_nobody_replaced_for_a_year_are_named(
    node_store: Store, site: Site, settings: Settings, tenant: Tenant
) -> None:
    now = dt.datetime.now(dt.UTC)

    def at(days: int) -> Vault:
        return Vault(node_store, Masks(), clock=lambda: now - dt.timedelta(days=days))

    assert (await look_at_secrets(settings, node_store, now)).state == "ok"
    await at(400).put(site.admitted(tenant), "mes.user", "old enough")
    await at(366).put(site.admitted(tenant), "sap.user", "old enough")
    await at(10).rotate(site.admitted(tenant), "sap.user", "a new one", dt.timedelta(hours=1))
    found = await look_at_secrets(settings, node_store, now)
    assert (found.state, found.fact) == ("note", "not replaced for a year: mes.user")

    (settings.data / INITIALISED).touch()
    later = await look_at_secrets(settings, node_store, now + dt.timedelta(days=370))
    assert (later.state, "outpost keys rotate" in later.advice) == ("note", True)


def test_what_stands_in_brackets_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    show([Finding("limits", "note", "of [::1]:8000", "See [limits.tenants].")])

    said = capsys.readouterr().out
    assert "limits: of [::1]:8000" in said
    assert "See [limits.tenants]." in said
