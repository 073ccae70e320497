"""What a plant sets for the guard: kept beside its data on both databases, counted at once, recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.guard.disclosure import chosen, shipped
from appliance.guard.sanitising import PiiRule
from appliance.guard.settings import DISCLOSURE, PII, GuardSettings, Settings, UnknownKind
from appliance.store import Admitted, Store, Tenant

RULE = {"enabled": True, "patterns": ["employee_id", "ip_address"], "action": "redact"}


async def test_what_nobody_has_set_is_as_the_release_has_it(store: Store, admitted: Callable[..., Admitted]) -> None:
    assert await Settings(store).of(admitted()) == GuardSettings(PiiRule(), {})


async def test_what_is_set_counts_at_once_for_this_plant_alone_and_stands_in_the_record(
    store: Store, admitted: Callable[..., Admitted], other_tenant: Tenant
) -> None:
    settings, who = Settings(store), admitted(role="admin", action="guard.manage")

    await settings.change(who, PII, RULE)
    await settings.change(admitted(principal=who.principal), PII, RULE | {"action": "block"})
    await settings.change(admitted(principal=who.principal), DISCLOSURE, {"de": "Bitte prüfen."})

    found = await settings.of(admitted())
    assert found.pii == PiiRule(True, frozenset({"EMPLOYEE_ID", "IP_ADDRESS"}), "block")
    assert found.disclosure == {"de": "Bitte prüfen."}
    assert who.outcome.metadata == {"before": None, "after": RULE}
    assert await settings.of(admitted(tenant=other_tenant)) == GuardSettings()


async def test_two_who_set_it_at_once_for_the_first_time_are_both_heard(
    store: Store, admitted: Callable[..., Admitted]
) -> None:
    settings = Settings(store)
    rules = [RULE | {"action": action} for action in ("redact", "warn", "block")]

    await asyncio.gather(*(settings.change(admitted(), PII, rule) for rule in rules))

    assert (await settings.of(admitted())).pii.named == {"EMPLOYEE_ID", "IP_ADDRESS"}


async def test_a_kind_that_is_not_looked_for_is_refused_and_nothing_is_kept(
    store: Store, admitted: Callable[..., Admitted]
) -> None:
    with pytest.raises(UnknownKind):
        await Settings(store).change(admitted(), PII, RULE | {"patterns": ["shoe_size"]})

    assert await Settings(store).of(admitted()) == GuardSettings()


@pytest.mark.parametrize(
    ("texts", "accepted", "language"),
    [
        ({}, None, "en"),
        ({}, "de-AT,de;q=0.9,en;q=0.8", "de"),
        ({}, "en;q=0.3, DE;q=0.9", "de"),
        ({}, "fr, cs;q=0.5", "en"),
        ({}, "de;q=0, *", "en"),
        ({}, "nonsense;;q=x, de", "de"),
    ],
)
def test_the_disclosure_is_in_the_language_wanted_most(
    texts: dict[str, str], accepted: str | None, language: str
) -> None:
    assert chosen(texts, accepted) == shipped()[language]


def test_a_plants_own_words_go_before_the_releases() -> None:
    own = {"de": "Von KI.", "cs": "Od AI.", "de-AT": "Von KI, gelt."}

    assert chosen(own, "de-AT") == "Von KI, gelt."
    assert chosen(own, "de-CH") == "Von KI."
    assert chosen(own, "cs") == "Od AI."
    assert chosen(own, "fr") == shipped()["en"]


@given(st.text(max_size=200))
def test_any_header_gives_some_disclosure(header: str) -> None:
    assert chosen({}, header) in shipped().values()
