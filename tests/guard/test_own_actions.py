"""What a pack says of a kind of personal data holds by class, beside what a plant has set; checks of a plant's patterns never fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.guard.checks import FOR_PLANTS
from appliance.guard.pii import find_own, patterns_of
from appliance.guard.sanitising import PiiRule, Sanitiser, kinds
from appliance.guard.settings import rule_of
from appliance.policy.patterns import CHECKS, KINDS, STRICTNESS, PlantPattern, Then, default_of

PHONE, SECRET = "call 555-867-5309", "password: hunter2hunter2X9"
THEN = st.sampled_from(["warn", "redact", "block"])


def test_the_pack_knows_the_kinds_and_checks_of_the_guard() -> None:
    assert set(kinds()) == KINDS
    assert set(FOR_PLANTS) == set(CHECKS)
    assert {kind: default_of(kind) for kind in kinds()} == {kind: PiiRule().action_of(kind) for kind in kinds()}


@given(st.sampled_from(CHECKS), st.text(max_size=40) | st.from_regex(r"[A-Z0-9 .-]{1,30}", fullmatch=True))
def test_no_check_fails_whatever_a_pattern_finds(check: str, text: str) -> None:
    assert FOR_PLANTS[check](text) in {True, False}


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        ("luhn", "7992-7398-713", "7992-7398-710"), ("mod97", "3214282912345698765432161182", "3214282912345698765432161183"),
        ("iban", "DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 01"),
    ],
)  # fmt: skip
def test_a_pattern_finds_only_what_passes_its_check(check: str, right: str, wrong: str) -> None:
    own = patterns_of([PlantPattern("BADGE_ID", "[A-Z0-9][A-Z0-9 -]{8,40}", check=check)])

    assert len(find_own(right, own)) == 1
    assert find_own(wrong, own) == []


def test_a_pack_speaks_where_the_plant_has_set_nothing() -> None:
    rule = rule_of(None).at(1, 3, {"PHONE_NUMBER": "warn"})
    guard = Sanitiser(rule)

    assert guard.given(PHONE) == PHONE
    assert [one.kinds for one in guard.warnings()] == [("PHONE_NUMBER",)]


@given(THEN, THEN, st.booleans())
def test_what_a_plant_has_set_is_never_made_weaker_nor_makes_the_pack_weaker(mine: Then, said: Then, on: bool) -> None:
    rule = rule_of({"enabled": on, "action": mine}).at(1, 3, {"PHONE_NUMBER": said})

    strict = STRICTNESS.index(rule.action_of("PHONE_NUMBER"))
    assert strict >= STRICTNESS.index(said)
    assert not on or strict >= STRICTNESS.index(mine)


@given(THEN)
def test_from_the_class_that_is_forced_nothing_is_only_warned_of(said: Then) -> None:
    rule = rule_of(None).at(3, 3, {"PHONE_NUMBER": said})

    assert rule.action_of("PHONE_NUMBER") == max("redact", said, key=STRICTNESS.index)


def test_one_kind_may_block_where_another_is_taken_out() -> None:
    guard = Sanitiser(rule_of(None).at(1, 3, {"PHONE_NUMBER": "block"}))

    assert guard.blocked([PHONE, "mail ann@plant.example"]) == ("PHONE_NUMBER",)
    assert guard.said("Mail ann@plant.example.", 1) == "Mail [EMAIL_ADDRESS]."
    assert guard.said("Call 555-867-5309.", 1) is None


@given(THEN)
def test_no_pack_gives_a_secret_away(said: Then) -> None:
    guard = Sanitiser(rule_of({"enabled": False}).at(1, 4, dict.fromkeys(kinds(), said)))

    assert "hunter2" not in guard.given(SECRET)
