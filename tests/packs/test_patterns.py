"""Patterns of a pack are staged, compared and put in force with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from appliance.packs import InForce, Packs, diff
from appliance.packs.errors import NeedsConfirmation, PackNotSound
from appliance.packs.facts import fact_changes
from appliance.policy.pack import Pack, parse
from appliance.store import Admitted, Tenant
from tests.packs.variants import RELEASE

BADGE = "[[pattern]]\nkind = 'BADGE_ID'\nis = '''\\bE-\\d{5}\\b'''\n"
LINE = "[[pattern]]\nkind = 'LINE_SPEED'\nis = 'speed [0-9]{2,4}'\n"


def having(pii: str) -> Mapping[str, str]:
    return {**RELEASE, "pii.toml": pii}


def packed(pii: str) -> Pack:
    return parse(having(pii))


def told(now: str, then: str) -> list[tuple[str, bool]]:
    return [(one.thing, one.widens) for one in diff.left_to_models(packed(now), packed(then))]


def test_a_pattern_added_narrows_and_one_taken_away_widens() -> None:
    assert told(BADGE, BADGE + LINE) == [("LINE_SPEED: speed [0-9]{2,4}", False)]
    assert told(BADGE + LINE, BADGE) == [("LINE_SPEED: speed [0-9]{2,4}", True)]
    assert told(BADGE + LINE, LINE + BADGE) == []


def test_a_phrase_added_narrows_and_one_that_gets_an_exception_widens() -> None:
    bare, own = parse(RELEASE), parse({**RELEASE, "guard.toml": "[[ADMIN]]\nasks = 'new roster'\n"})
    milder = parse({**RELEASE, "guard.toml": "[[ADMIN]]\nasks = 'new roster'\nunless = 'please'\n"})

    added = diff.left_to_models(bare, own)
    assert [(one.action, one.thing, one.widens) for one in added] == [("question.word", "ADMIN: new roster", False)]
    assert ("ADMIN: new roster", True) in [(one.thing, one.widens) for one in diff.left_to_models(own, milder)]


def test_a_rule_for_orders_that_is_taken_away_or_made_weak_widens() -> None:
    rule = "[[{}]]\nname = 'the-box'\nis = 'tell outpost'\n"
    bare, strong, weak = (
        parse({**RELEASE, "guard.toml": text}) for text in ("", rule.format("strong"), rule.format("weak"))
    )

    def told(now: Pack, then: Pack) -> list[tuple[str, str, bool]]:
        return [(one.action, one.thing, one.widens) for one in diff.left_to_models(now, then)]

    lost = ("orders.read", "strong own:the-box: tell outpost", True)
    assert told(bare, strong) == [(*lost[:2], False)]
    assert told(strong, bare) == [lost]
    assert lost in told(strong, weak)


def test_a_check_that_is_added_finds_less_and_widens() -> None:
    assert (r"BADGE_ID: \bE-\d{5}\b", True) in told(BADGE, BADGE + "check = 'luhn'\n")


@pytest.mark.parametrize(
    ("now", "then", "found"),
    [
        ("block", "redact", [True, True, True, True]),
        ("block", "warn", [True, True, True, True]),
        ("redact", "block", [False, False, False, False]),
        ("redact", "warn", [True, True]),
        ("redact", "redact", []),
    ],
)
def test_a_weaker_action_widens_where_none_is_forced(now: str, then: str, found: list[bool]) -> None:
    action = "[[action]]\nkind = 'PERSON'\nthen = '{}'\n"

    changes = fact_changes(packed(action.format(now)), packed(action.format(then)))

    assert [one.widens for one in changes] == found
    assert all("PERSON in sources of class" in one.thing for one in changes)


def test_an_action_that_goes_leaves_the_releases() -> None:
    changes = fact_changes(packed("[[action]]\nkind = 'URL'\nthen = 'block'\nfrom_class = '4'\n"), packed(""))

    assert [(one.thing, one.widens) for one in changes] == [("URL in sources of class 4: block now, left then", True)]


def test_a_pattern_that_reads_like_anothers_words_is_another() -> None:
    assert told(LINE, "[[pattern]]\nkind = 'LINE_SPEED'\nis = 'speed [0-9]{2,4} '\n")[0][1]


def test_a_word_that_must_stand_before_it_widens() -> None:
    assert (r"BADGE_ID: \bE-\d{5}\b", True) in told(BADGE, BADGE + "after = 'employee'\n")


async def test_the_patterns_of_a_plant_are_in_force_with_its_pack_and_go_only_by_the_word(
    packs: Packs, policy: InForce, other_process: InForce, admin: Callable[[], Admitted], tenant: Tenant
) -> None:
    with_badge = (await packs.stage(admin(), having(BADGE))).version
    assert policy.pack_of(tenant.id).data.patterns == ()
    await packs.activate(admin(), with_badge, None)
    await policy.follow()
    await other_process.follow()
    assert [one.kind for one in policy.pack_of(tenant.id).data.patterns] == ["BADGE_ID"]
    assert other_process.pack_of(tenant.id).data.patterns == policy.pack_of(tenant.id).data.patterns
    assert [one.kind for one in other_process.patterns()] == ["BADGE_ID"]  # what its log leaves out

    bare = (await packs.stage(admin(), having(""))).version
    with pytest.raises(NeedsConfirmation):
        await packs.activate(admin(), bare, None)
    preview = await packs.preview(admin(), bare)
    assert [(one.who, one.action, one.widens) for one in preview.changes] == [
        ("chat model", "personal-data.read", True)
    ]
    await packs.activate(admin(), bare, preview.confirm)

    await policy.follow()
    assert policy.pack_of(tenant.id).data.patterns == ()
    await packs.rollback(admin())
    await policy.follow()
    assert [one.kind for one in policy.pack_of(tenant.id).data.patterns] == ["BADGE_ID"]


async def test_a_pack_with_an_unsafe_pattern_is_not_staged(packs: Packs, admin: Callable[[], Admitted]) -> None:
    with pytest.raises(PackNotSound, match="without end"):
        await packs.stage(admin(), having("[[pattern]]\nkind = 'BADGE_ID'\nis = '(?:a+)+b'\n"))

    assert len(await packs.all(admin())) == 1
