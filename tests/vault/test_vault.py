"""Secrets are kept for connectors, change without an interruption, and are told to nobody."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from appliance.compose import probes
from appliance.health import NotWell
from appliance.store import CONTROL, Admitted, Purpose, Store, Tenant
from appliance.store.errors import KeyMissing
from appliance.vault import rules
from appliance.vault.errors import BadSecret, NoSuchSecret, SecretChanged, SecretDamaged
from appliance.vault.service import Vault
from appliance.vault.tables import SecretRow
from appliance.vault.values import MASK, Masks
from tests.vault.conftest import Clock

Admit = Callable[..., Admitted]
DAY = dt.timedelta(days=1)


async def test_a_secret_reaches_a_connector_and_its_record_names_it(vault: Vault, admitted: Admit) -> None:
    kept = await vault.put(admitted(), "sap.rfc", "Gr1nd-stone")
    call = admitted(kind="service")
    found = await vault.reveal(call, "sap.rfc")

    assert (kept.name, kept.version, kept.last_used) == ("sap.rfc", 1, None)
    assert (found.value, found.version, found.before) == ("Gr1nd-stone", 1, None)
    assert call.outcome.metadata == {"secret": "sap.rfc", "secret_version": 1}
    assert "Gr1nd" not in repr(found)


async def test_what_is_listed_is_names_and_dates(vault: Vault, admitted: Admit, clock: Clock) -> None:
    await vault.put(admitted(), "mes", "first value")
    clock.go(hours=1)
    await vault.reveal(admitted(), "mes")
    clock.go(hours=1)
    await vault.rotate(admitted(), "mes", "second value", DAY)
    await vault.put(admitted(), "crm", "another value")

    crm, mes = await vault.listed(admitted())
    assert (crm.name, crm.version, crm.last_used, crm.before_until) == ("crm", 1, None, None)
    assert (mes.name, mes.version, mes.last_used) == ("mes", 2, None)
    assert mes.before_until == clock.now + DAY
    assert "value" not in repr([crm, mes])


async def test_the_last_use_is_kept(vault: Vault, admitted: Admit, clock: Clock) -> None:
    await vault.put(admitted(), "mes", "first value")
    clock.go(hours=1)
    used = clock.now
    await vault.reveal(admitted(), "mes")
    clock.go(seconds=30)
    await vault.reveal(admitted(), "mes")

    assert (await vault.listed(admitted()))[0].last_used == used


async def test_the_value_before_stays_good_for_its_grace_and_no_longer(
    vault: Vault, admitted: Admit, clock: Clock
) -> None:
    await vault.put(admitted(), "mes", "first value")
    await vault.rotate(admitted(), "mes", "second value", DAY)

    clock.go(hours=23, minutes=59)
    found = await vault.reveal(admitted(), "mes")
    assert (found.value, found.before) == ("second value", "first value")
    clock.go(minutes=1)
    found = await vault.reveal(admitted(), "mes")
    assert (found.value, found.before) == ("second value", None)
    assert (await vault.listed(admitted()))[0].before_until is None


async def test_only_one_value_before_is_kept_and_a_plain_change_keeps_none(
    vault: Vault, admitted: Admit, store: Store
) -> None:
    await vault.put(admitted(), "mes", "value 1")
    await vault.rotate(admitted(), "mes", "value 2", DAY)
    await vault.rotate(admitted(), "mes", "value 3", DAY)
    assert (await vault.reveal(admitted(), "mes")).before == "value 2"

    changed = await vault.put(admitted(), "mes", "value 4")
    assert changed.version == 4
    assert (await vault.reveal(admitted(), "mes")).before is None
    async with store.open_internal(Purpose.VERIFY, CONTROL) as session:
        assert len((await session.scalars(select(SecretRow))).all()) == 1


async def test_a_removed_secret_is_gone_with_all_its_versions(vault: Vault, admitted: Admit, store: Store) -> None:
    await vault.put(admitted(), "mes", "value 1")
    await vault.rotate(admitted(), "mes", "value 2", DAY)
    await vault.remove(admitted(), "mes")

    for attempt in (vault.reveal(admitted(), "mes"), vault.remove(admitted(), "mes")):
        with pytest.raises(NoSuchSecret):
            await attempt
    with pytest.raises(NoSuchSecret):
        await vault.rotate(admitted(), "mes", "value 3", DAY)
    async with store.open_internal(Purpose.VERIFY, CONTROL) as session:
        assert (await session.scalars(select(SecretRow))).all() == []


async def test_two_tenants_have_secrets_of_the_same_name_and_know_nothing_of_each_other(
    vault: Vault, admitted: Admit, other_tenant: Tenant
) -> None:
    await vault.put(admitted(), "mes", "of the north")
    await vault.put(admitted(tenant=other_tenant), "mes", "of the south")
    await vault.put(admitted(), "crm", "of the north")

    assert (await vault.reveal(admitted(), "mes")).value == "of the north"
    assert (await vault.reveal(admitted(tenant=other_tenant), "mes")).value == "of the south"
    with pytest.raises(NoSuchSecret):
        await vault.reveal(admitted(tenant=other_tenant), "crm")
    await vault.remove(admitted(tenant=other_tenant), "mes")
    assert (await vault.reveal(admitted(), "mes")).value == "of the north"


async def test_no_value_lies_in_the_database_in_the_clear_and_none_opens_in_another_place(
    vault: Vault, admitted: Admit, store: Store
) -> None:
    await vault.put(admitted(), "mes", "value of mes")
    await vault.put(admitted(), "crm", "value of crm")
    async with store.open_internal(Purpose.VERIFY, CONTROL, write=True) as session:
        rows = {row.name: row for row in await session.scalars(select(SecretRow))}
        assert b"value of" not in rows["mes"].sealed
        await session.execute(update(SecretRow).where(SecretRow.name == "crm").values(sealed=rows["mes"].sealed))

    with pytest.raises(SecretDamaged):
        await vault.reveal(admitted(), "crm")
    assert await vault.checked() == (2, 1)
    with pytest.raises(NotWell, match="1 of 2"):
        await probes.vault(vault)
    assert (await vault.reveal(admitted(), "mes")).value == "value of mes"


async def test_the_secrets_of_an_erased_tenant_are_gone_with_its_key(
    vault: Vault, admitted: Admit, store: Store, tenant: Tenant
) -> None:
    await vault.put(admitted(), "mes", "value of mes")
    assert await vault.checked() == (1, 0)
    store._keyring.destroy(f"tenant-{tenant.id}")
    assert await vault.checked() == (0, 0)

    with pytest.raises(KeyMissing):
        await vault.reveal(admitted(), "mes")


async def test_of_two_who_change_a_secret_at_once_both_are_told_what_became_of_it(
    vault: Vault, admitted: Admit
) -> None:
    await vault.put(admitted(), "mes", "value 1")
    done = await asyncio.gather(
        *(vault.rotate(admitted(), "mes", f"value of {who}", DAY) for who in ("Nora", "Otto")), return_exceptions=True
    )

    versions = sorted(one.version for one in done if not isinstance(one, BaseException))
    assert versions in ([2, 3], [2])
    assert all(isinstance(one, SecretChanged) for one in done if isinstance(one, BaseException))
    assert (await vault.listed(admitted()))[0].version == versions[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [("", "value"), ("Upper", "value"), ("a/b", "value"), ("../x", "value"), ("a" * 65, "value"), (".a", "value"),
     ("mes", ""), ("mes", "abc"), ("mes", "x" * 8193), ("mes", "with\0zero")],
)  # fmt: skip
async def test_what_the_vault_does_not_take_changes_nothing(
    vault: Vault, admitted: Admit, name: str, value: str
) -> None:
    with pytest.raises(BadSecret) as caught:
        await vault.put(admitted(), name, value)
    assert len(value) < 4 or value not in str(caught.value) or value == "value"
    assert await vault.listed(admitted()) == []


@pytest.mark.parametrize("grace", [dt.timedelta(seconds=-1), 31 * DAY])
async def test_a_grace_without_end_is_refused(vault: Vault, admitted: Admit, grace: dt.timedelta) -> None:
    await vault.put(admitted(), "mes", "value 1")
    with pytest.raises(BadSecret):
        await vault.rotate(admitted(), "mes", "value 2", grace)
    assert (await vault.reveal(admitted(), "mes")).value == "value 1"


async def test_a_vault_has_room_for_so_many_and_a_known_name_always_has_it(
    vault: Vault, admitted: Admit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST_NAMES", 2)
    for name in ("mes", "crm"):
        await vault.put(admitted(), name, "value")
    with pytest.raises(BadSecret):
        await vault.put(admitted(), "erp", "value")
    assert (await vault.put(admitted(), "mes", "next value")).version == 2


async def test_what_was_kept_or_revealed_is_masked(vault: Vault, admitted: Admit, store: Store, masks: Masks) -> None:
    await vault.put(admitted(), "mes", "Gr1nd stone&")
    elsewhere = Masks()
    await Vault(store, elsewhere).reveal(admitted(), "mes")

    for known in (masks, elsewhere):
        assert known.masked("said Gr1nd stone& to P-101A") == f"said {MASK} to P-101A"
        assert known.masked("http://mes/?key=Gr1nd%20stone%26") == f"http://mes/?key={MASK}"
        assert known.masked("http://mes/?key=Gr1nd+stone%26&x=1") == f"http://mes/?key={MASK}&x=1"


@given(values=st.lists(st.text(min_size=4, max_size=30), max_size=5), text=st.text(max_size=60))
def test_no_known_secret_is_left_in_a_text(values: list[str], text: str) -> None:
    masks = Masks()
    for value in values:
        masks.learn(value)
    said = masks.masked(text + "".join(values))

    assert all(value not in said.replace(MASK, "\0") for value in values)
