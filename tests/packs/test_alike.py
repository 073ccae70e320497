"""What is not tried when two packs are compared, since they cannot decide it otherwise."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.packs.alike import Unlike
from appliance.packs.everybody import everybody
from appliance.policy import PolicyEngine, Resource
from appliance.policy.agreement import some_row
from appliance.policy.pack import parse
from tests.packs.variants import RELEASE, pack, swapped
from tests.policy.people import KIOSK, VIEWER

NOW = PolicyEngine(parse(RELEASE))
NAMES = {entity: name for name, entity in sorted(NOW.pack.resources.items(), reverse=True)}
PEOPLE = everybody(NOW.pack)
ACTIONS = [action for action in NOW.pack.actions if NOW.pack.applies[action]]
WHOM = st.sampled_from(
    [
        "principal",
        "principal is Kiosk",
        "principal is Person",
        'principal in Role::"viewer"',
        'principal in Role::"operator"',
        'principal is Person in Role::"admin"',
    ]
)
BODY = st.sampled_from(
    [
        "true",
        "principal.clearance >= 2",
        "principal.subject == resource.tenant",
        'principal.duties.contains("approver")',
    ]
)


@st.composite
def policies(draw: st.DrawFn) -> str:
    actions = draw(st.lists(st.sampled_from(ACTIONS), max_size=3, unique=True))
    what = "action in [" + ", ".join(f'Action::"{one}"' for one in actions) + "]" if actions else "action"
    things = NOW.pack.applies[actions[0]] if actions else ("Document", "Job")
    which = draw(st.sampled_from(["resource", *(f"resource is {one}" for one in things)]))
    head = f"{draw(WHOM)}, {what}, {which}"
    effect = draw(st.sampled_from(["permit", "forbid"]))
    notes = '@says("More.")' if effect == "permit" else '@question("6") @reason("No.")'
    return f'\n@id("extra") {notes} {effect} ({head}) when {{ {draw(BODY)} }};'


@st.composite
def changed(draw: st.DrawFn) -> Mapping[str, str]:
    """The shipped pack with a policy more, a policy less, or an action less in some policy."""
    text = RELEASE["policies.cedar"]
    match draw(st.integers(0, 2)):
        case 0:
            text += draw(policies())
        case 1:
            pieces = text.split("@id(")
            gone = draw(st.integers(1, len(pieces) - 1))
            text = "@id(".join(pieces[:gone] + pieces[gone + 1 :])
        case _:
            action = draw(st.sampled_from(ACTIONS))
            text = re.sub(f'(?<!== )Action::"{action}", ', "", text)
    return {**RELEASE, "policies.cedar": text}


@settings(max_examples=10, deadline=None)
@given(changed(), st.randoms(use_true_random=False))
def test_what_is_not_tried_is_decided_alike(texts: Mapping[str, str], dice: random.Random) -> None:
    then = PolicyEngine(parse(texts))
    unlike = Unlike(NOW, then)

    for principal in dice.sample(PEOPLE, 4):
        may_be = unlike.for_(principal)
        asked = [
            (action, Resource(NAMES[entity], "one", some_row(dice, NOW.pack, entity, principal)))
            for action in ACTIONS
            for entity in NOW.pack.applies[action]
            if not may_be(action, "" if entity == "Collection" else entity)
        ]
        assert NOW.permits_each(principal, asked) == then.permits_each(principal, asked)
        for action in NOW.pack.scopes["Document"]:
            if not may_be(action, "Document"):
                assert NOW.scope(principal, action).condition == then.scope(principal, action).condition


def test_nothing_is_tried_of_packs_that_differ_in_words_alone() -> None:
    reworded = pack(name="another")
    reworded = {**reworded, "policies.cedar": reworded["policies.cedar"].replace("Your role", "Your part")}

    assert tried(reworded) == set()


def test_only_the_action_that_a_list_gained_is_tried_and_for_no_other_thing() -> None:
    texts = swapped(
        'action == Action::"jobs.cancel", resource is Job',
        'action in [Action::"jobs.cancel", Action::"jobs.read"], resource is Job',
    )

    assert tried(texts) == {("jobs.read", "Job")}


def test_an_action_that_a_list_of_two_lost_is_tried() -> None:
    texts = swapped(
        'action in [Action::"teams.list", Action::"teams.read"], resource',
        'action in [Action::"teams.read"], resource',
    )

    assert {action for action, _ in tried(texts)} == {"teams.list"}


@pytest.mark.parametrize(
    ("old", "new", "file"),
    [
        ('operator = ["viewer"]', 'operator = ["viewer", "admin"]', "pack.toml"),
        ('[attributes.Team]\nteam = "string"', '[attributes.Team]\nteam = "string?"', "pack.toml"),
        ('job = "Job"', 'job = "Collection"', "pack.toml"),
        ("entity Team = {", "entity Other;\nentity Team = {", "schema.cedarschema"),
    ],
)
def test_everything_is_tried_where_policies_are_told_otherwise(old: str, new: str, file: str) -> None:
    assert {action for action, _ in tried(swapped(old, new, file))} == set(ACTIONS)


def test_an_action_that_is_declared_otherwise_is_tried_and_no_other() -> None:
    added = RELEASE["schema.cedarschema"] + (
        '\naction "doors.open" appliesTo { principal: [Person], resource: [Collection], context: { action: String } };'
    )
    unlike = Unlike(NOW, PolicyEngine(parse({**RELEASE, "schema.cedarschema": added})))

    may_be = unlike.for_(VIEWER)
    assert may_be("doors.open", "")
    assert not any(may_be(action, "") for action in ACTIONS)


def test_a_policy_over_kiosks_is_tried_on_kiosks_alone() -> None:
    more = '@id("extra") @says("More.") permit (principal is Kiosk, action == Action::"people.list", resource);'
    unlike = Unlike(NOW, PolicyEngine(parse({**RELEASE, "policies.cedar": RELEASE["policies.cedar"] + more})))

    assert unlike.for_(KIOSK)("people.list", "")
    assert not unlike.for_(VIEWER)("people.list", "")


def tried(texts: Mapping[str, str]) -> set[tuple[str, str]]:
    """What would be tried on somebody."""
    unlike = Unlike(NOW, PolicyEngine(parse(texts)))
    things = [(action, entity) for action in ACTIONS for entity in ("", *NOW.pack.applies[action])]
    asked = [unlike.for_(one) for one in PEOPLE]
    return {thing for thing in things if any(may_be(*thing) for may_be in asked)}
