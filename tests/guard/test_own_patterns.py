"""A plant's own patterns are looked for beside those of the release, by the pack that is in force."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.guard.pii import find, find_own, patterns_of, redact
from appliance.guard.sanitising import PiiRule, Sanitiser
from appliance.guard.settings import PII, Settings, UnknownKind
from appliance.policy import PolicyEngine
from appliance.policy.pack import Pack, parse
from appliance.policy.patterns import PlantPattern
from appliance.store import Admitted, Store, TenantId
from tests.packs.variants import RELEASE

BADGE = PlantPattern("EMPLOYEE_ID", r"\bE-\d{5}\b")
SERIAL = PlantPattern("SERIAL", r"\b[A-Z]{2}\d{4,6}\b", after=("serial",), never_after=("part",))
FORMS = st.sampled_from([BADGE, SERIAL, PlantPattern("ANY", r"\w{3,9}"), PlantPattern("MAIL", r"@[a-z.]{3,9}")])
TEXTS = st.lists(
    st.sampled_from(["E-12345", "serial XY12345", "+420 602 123 456", "jan@plant.example", "E-0417", "a", "P-101A"]),
    max_size=8,
).map(" ".join)


def with_pii(form: str) -> PolicyEngine:
    return PolicyEngine(parse({**RELEASE, "pii.toml": f"[[pattern]]\nkind = 'BADGE_ID'\nis = '{form}'\n"}))


class Switching(PolicyEngine):
    """Says what the pack of the moment says."""

    def __init__(self) -> None:
        super().__init__()
        self.now = with_pii(r"\bE-\d{5}\b").pack

    def pack_of(self, _tenant_id: TenantId) -> Pack:
        return self.now


def covered(text: str, *patterns: PlantPattern) -> set[int]:
    found = [*find(text), *find_own(text, patterns_of(patterns))]
    return {at for one in found for at in range(one.start, one.end)}


def test_a_plants_number_is_taken_out_in_and_out_and_what_it_does_not_name_stays() -> None:
    guard = Sanitiser(PiiRule(own=frozenset({"EMPLOYEE_ID", "SERIAL"})), own=patterns_of([BADGE, SERIAL]))

    assert guard.given("E-12345 reset E-0417 of P-101A.") == "[EMPLOYEE_ID] reset E-0417 of P-101A."
    assert guard.said("Its serial is XY12345, part XY12346.", 1) == "Its serial is [SERIAL], part XY12346."
    assert [(one.code, one.kinds) for one in guard.warnings()] == [
        ("personal-data", ("EMPLOYEE_ID",)),
        ("output", ("SERIAL",)),
    ]


def test_a_plants_number_within_what_the_rule_lets_pass_is_taken_out_of_it() -> None:
    guard = Sanitiser(PiiRule(own=frozenset({"EMPLOYEE_ID"})), own=patterns_of([BADGE]))

    assert "E-12345" not in guard.given("See https://hr.example.com/E-12345/file for it.")


def test_a_plants_kind_blocks_and_warns_as_the_rule_says() -> None:
    own = frozenset({"EMPLOYEE_ID"})
    blocks = Sanitiser(PiiRule(action="block", own=own), own=patterns_of([BADGE]))
    warns = Sanitiser(PiiRule(action="warn", own=own), own=patterns_of([BADGE]))
    forced = Sanitiser(PiiRule(enabled=False, own=own).at(3, 3), own=patterns_of([BADGE]))

    assert blocks.blocked(["Who is E-12345?"]) == ("EMPLOYEE_ID",)
    assert warns.given("E-12345") == "E-12345"
    assert [one.kinds for one in warns.warnings()] == [("EMPLOYEE_ID",)]
    assert forced.given("E-12345") == "[EMPLOYEE_ID]"


@given(TEXTS, st.lists(FORMS, max_size=3), FORMS)
def test_adding_a_pattern_never_unfinds_what_was_found(
    text: str, before: list[PlantPattern], added: PlantPattern
) -> None:
    assert covered(text, *before) <= covered(text, *before, added)


@given(TEXTS, st.lists(FORMS, max_size=4))
def test_nothing_that_was_found_is_left_by_redacting_however_findings_overlap(
    text: str, own: list[PlantPattern]
) -> None:
    found = [*find(text), *find_own(text, patterns_of(own))]
    left = [at for at in range(len(text)) if at not in covered(text, *own)]
    marks = {f"[{one.kind}]" for one in found}

    told = redact(text, found)
    for mark in marks:
        told = told.replace(mark, "")

    assert told == "".join(text[at] for at in left)


async def test_the_plants_kinds_are_known_by_the_pack_in_force(store: Store, admitted: Callable[..., Admitted]) -> None:
    policy = Switching()
    settings = Settings(store, policy)
    rule = {"enabled": True, "patterns": ["badge_id"], "action": "redact"}

    await settings.change(admitted(role="admin", action="guard.manage"), PII, rule)

    found = await settings.of(admitted())
    assert found.pii.named == {"BADGE_ID"}
    assert find_own("E-12345", found.own)[0].kind == "BADGE_ID"
    with pytest.raises(UnknownKind):
        await settings.change(admitted(), PII, rule | {"patterns": ["shoe_size"]})


async def test_a_kind_that_the_next_pack_does_not_have_leaves_no_rule_that_lets_all_pass(
    store: Store, admitted: Callable[..., Admitted]
) -> None:
    policy = Switching()
    settings = Settings(store, policy)
    await settings.change(admitted(), PII, {"enabled": True, "patterns": ["badge_id"], "action": "redact"})

    policy.now = PolicyEngine().pack

    found = await settings.of(admitted())
    assert found.own == ()
    assert found.pii.named == PiiRule().named
