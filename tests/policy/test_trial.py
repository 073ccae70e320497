"""A stranger's pack is looked at in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from appliance.policy import PackRefused
from appliance.policy.trial import judged, tried
from tests.packs.variants import OTHER_TENANTS, RELEASE, no_drafts, swapped

DEEP = 20_000
SWITCHING = 'Action::"policy.activate", '


async def test_a_sound_pack_passes() -> None:
    await tried(no_drafts())


@pytest.mark.parametrize(
    "condition",
    ["(" * DEEP + "true" + ")" * DEEP, "!" * DEEP + "true", "true" + " && true" * DEEP, "[" * DEEP + "]" * DEEP],
)
async def test_an_endless_condition_ends_the_child_and_nothing_else(condition: str) -> None:
    added = f'@id("deep") @says("Deep.") permit (principal, action, resource) when {{ {condition} }};'

    with pytest.raises(PackRefused):
        await tried({**RELEASE, "policies.cedar": RELEASE["policies.cedar"] + added})


async def test_facts_nested_without_end_are_refused() -> None:
    with pytest.raises(PackRefused):
        await tried({**RELEASE, "pack.toml": f"deep = {'[' * DEEP}{']' * DEEP}\n" + RELEASE["pack.toml"]})


async def test_texts_that_are_too_large_are_not_even_looked_at() -> None:
    with pytest.raises(PackRefused, match="too large"):
        await tried({**RELEASE, "policies.cedar": "/" * 2**20})


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (swapped(OTHER_TENANTS, "when { false }"), "in another tenant"),
        (swapped(OTHER_TENANTS, OTHER_TENANTS + '\nunless { action == Action::"chat.ask" }'), "in another tenant"),
        (swapped(OTHER_TENANTS, OTHER_TENANTS + "\nunless { resource is Conversation }"), "in another tenant"),
        (
            swapped(
                OTHER_TENANTS,
                "when { resource is Document || resource.tenant != principal.tenant } unless { resource is Document }",
            ),
            "in another tenant",
        ),
        (swapped(SWITCHING, ""), "nobody could put it right"),
    ],
)
async def test_what_no_pack_may_do_is_refused(texts: Mapping[str, str], says: str) -> None:
    with pytest.raises(PackRefused, match=says):
        await judged(texts)
