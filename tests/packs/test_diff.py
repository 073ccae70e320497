"""What one pack decides otherwise than another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.packs import diff
from appliance.packs.values import Asked, Preview
from appliance.policy import PackRefused, PolicyEngine, Resource
from appliance.policy.pack import parse
from tests.packs.variants import KIOSKS, RELEASE, no_drafts, swapped, uploads_for_viewers
from tests.policy.people import KIOSK, VIEWER, document, principal

NOW = PolicyEngine(parse(RELEASE))

CONDITIONS = st.lists(
    st.sampled_from(
        [
            "resource.level >= 2",
            "resource.level > principal.clearance",
            'resource.tags.contains("draft")',
            'resource.tags.contains("restricted")',
            "!resource.acl.contains(principal.subject)",
        ]
    ),
    min_size=1,
    max_size=3,
    unique=True,
)


def engine(texts: Mapping[str, str]) -> PolicyEngine:
    return PolicyEngine(parse(texts))


def forbidding(condition: str) -> Mapping[str, str]:
    added = f'@id("extra") @question("6") @reason("No.") forbid (principal, action, resource is Document) when {{ {condition} }};'
    return {**RELEASE, "policies.cedar": RELEASE["policies.cedar"] + added}


def opens(now: PolicyEngine, then: PolicyEngine) -> bool:
    return diff.differences(now, then).widen


def previewed(
    now: PolicyEngine, then: PolicyEngine, asked: list[Asked], looked_at: int, library: list[Mapping[str, Any]]
) -> Preview:
    return diff.preview(now, then, diff.differences(now, then), asked, looked_at, library)


def permitting(principal: str, action: str, condition: str = "true") -> Mapping[str, str]:
    added = f'@id("more") @says("More.") permit ({principal}, action == Action::"{action}", resource) when {{ {condition} }};'
    return {**RELEASE, "policies.cedar": RELEASE["policies.cedar"] + added}


def test_a_pack_changes_nothing_beside_itself() -> None:
    preview = previewed(NOW, NOW, [Asked(VIEWER, "chat.ask", Resource("chat"))], 1, [document().attrs])

    assert (preview.changes, preview.kinds, preview.documents, preview.widens) == ((), (), (), False)
    assert not opens(NOW, NOW)


@settings(max_examples=4, deadline=None)
@given(CONDITIONS)
def test_one_more_forbid_never_widens_and_its_removal_never_narrows(conditions: list[str]) -> None:
    then = engine(forbidding(" && ".join(conditions)))

    kinds = diff.all_kinds(NOW, then)
    assert not opens(NOW, then)
    assert all(one.gained == 0 for one in kinds)
    assert all(one.lost == 0 for one in diff.all_kinds(then, NOW))
    if kinds:
        assert opens(then, NOW)


@pytest.mark.parametrize(
    "condition",
    [
        'principal.eligible.contains("EAR") && resource has team && principal.leads.contains(resource.team)',
        'resource.export == "EAR" && resource has team && principal.teams.contains(resource.team)',
        'resource.export == "ITAR" && principal.teams != principal.leads',
    ],
)
def test_a_policy_that_reads_both_a_team_and_eligibility_is_compared(condition: str) -> None:
    kinds = diff.all_kinds(NOW, engine(forbidding(condition)))

    assert any(one.lost for one in kinds)
    assert all(one.gained == 0 for one in kinds)


@pytest.mark.parametrize(
    ("texts", "who", "action"),
    [
        (uploads_for_viewers(), "viewer", "documents.upload"),
        (swapped(KIOSKS, KIOSKS + '    Action::"chat.delete",\n'), "kiosk", "chat.delete"),
        (
            swapped('Action::"models.list",', 'Action::"models.list", Action::"people.list",'),
            "operator",
            "people.list",
        ),
        (swapped('operator = ["viewer"]', 'operator = ["viewer", "admin"]', "pack.toml"), "operator", "people.update"),
    ],
)
def test_what_a_role_may_do_more_is_found(texts: Mapping[str, str], who: str, action: str) -> None:
    found = diff.all_changes(NOW, engine(texts))

    assert (who, action, True) in {(one.who, one.action, one.widens) for one in found}
    assert opens(NOW, engine(texts))


@pytest.mark.parametrize(
    ("old", "new", "who"),
    [
        ("when { resource.level > principal.clearance }", "when { resource.level > 3 }", "operator"),
        ('when { resource.tags.contains("restricted") }', 'when { resource.tags.contains("secret") }', "viewer"),
        ("when { resource.level >= 4 && !resource.appr", "when { resource.level >= 5 && !resource.appr", "operator"),
        ("when { resource.level == 3 && !resource.acl", "when { resource.level == 5 && !resource.acl", "operator"),
    ],
)
def test_documents_that_are_seen_more_of_are_found_though_the_library_is_empty(old: str, new: str, who: str) -> None:
    then = engine(swapped(old, new))
    gained = {one.who for one in diff.all_kinds(NOW, then) if one.gained}

    assert who in gained
    assert opens(NOW, then)


ANYBODYS = "Conversation, owner: somebody or something else, team: nobody"


@pytest.mark.parametrize(
    ("texts", "who", "action", "thing"),
    [
        (
            swapped(
                "when { resource.owner != principal.subject }", "when { resource.owner != principal.subject && false }"
            ),
            "viewer",
            "chat.read",
            ANYBODYS,
        ),
        (
            swapped("when { resource.requester == principal.subject };", "when { false };"),
            "admin",
            "approvals.decide",
            None,
        ),
        (
            swapped("when { principal.narrowed && !principal.scopes", "when { false && !principal.scopes"),
            "narrowed viewer",
            "chat.ask",
            "",
        ),
        (permitting("principal is Service", "people.list"), "service viewer", "people.list", ""),
        (permitting("principal is Owner", "people.list"), None, "people.list", ""),
        (permitting("principal", "people.list", "principal.clearance >= 3"), "viewer", "people.list", ""),
        (permitting("principal", "people.list", 'principal.eligible.contains("ITAR")'), "viewer", "people.list", ""),
    ],
)
def test_what_is_opened_to_some_and_for_some_things_alone_is_found(
    texts: Mapping[str, str], who: str | None, action: str, thing: str | None
) -> None:
    then = engine(texts)
    found = [one for one in diff.all_changes(NOW, then) if one.widens]

    if who is None:  # the owner may already
        assert found == []
        assert not opens(NOW, then)
        return
    assert (who, action) in {(one.who, one.action) for one in found if thing is None or one.thing == thing}
    assert opens(NOW, then)


def test_a_forbid_that_needs_two_tags_at_once_is_not_overlooked_when_it_goes() -> None:
    both = engine(forbidding('resource.tags.contains("draft") && resource.tags.contains("north")'))

    assert not opens(NOW, both)
    assert opens(both, NOW)


def test_packs_that_tell_too_much_apart_are_not_compared_by_halves() -> None:
    many = " || ".join(f'resource.tags.contains("t{number}")' for number in range(16))

    with pytest.raises(PackRefused, match="nobody could compare"):
        diff.differences(NOW, engine(forbidding(many)))


def test_what_holds_for_a_person_is_not_said_of_programs_and_each_clearance_again() -> None:
    found = diff.all_changes(NOW, engine(uploads_for_viewers()))

    assert [(one.who, one.clearance, one.action, one.thing) for one in found if one.who != "kiosk"] == [
        ("viewer", 0, "documents.upload", "")
    ]


def test_the_word_does_not_depend_on_what_was_asked_meanwhile() -> None:
    then = engine(uploads_for_viewers())
    quiet = previewed(NOW, then, [], 0, [])
    busy = previewed(NOW, then, [Asked(VIEWER, "documents.upload", Resource("document"))] * 3, 3, [])

    assert quiet.confirm == busy.confirm
    (change,) = (one for one in busy.changes if one.who == "viewer")
    assert (change.requests, change.people, busy.now_allowed) == (3, 1, 3)


def test_people_are_counted_and_never_named() -> None:
    asked = [Asked(principal(number=number), "documents.read", document(1, tags=("draft",))) for number in (11, 12, 12)]
    preview = previewed(NOW, engine(no_drafts()), asked, 3, [document(1, tags=("draft",), acl=("0197",)).attrs])

    assert [(one.requests, one.people) for one in preview.changes if one.action == "documents.read"] == [(3, 2)]
    for one in asked:
        assert str(one.principal.id) not in repr(preview)
        assert one.principal.name not in repr(preview)


def test_a_kiosk_is_told_apart_from_a_viewer() -> None:
    asked = [Asked(KIOSK, "documents.read", document(1, tags=("draft",)))]
    preview = previewed(NOW, engine(no_drafts()), asked, 1, [])

    assert {one.who for one in preview.changes} == {"kiosk"}


def test_an_action_or_role_that_one_pack_does_not_know_is_refused_by_it() -> None:
    without = swapped('"policy.activate", ', "", "schema.cedarschema")
    without = {**without, "policies.cedar": without["policies.cedar"].replace('Action::"policy.activate", ', "")}
    found = diff.all_changes(NOW, engine(without))

    assert [(one.who, one.action, one.widens) for one in found] == [("admin", "policy.activate", False)]


def test_a_model_that_is_withheld_shows_as_a_thing_that_is_lost() -> None:
    added = """
@id("heavy-is-for-operators") @question("3") @reason("No.")
forbid (principal, action == Action::"models.use", resource is Model)
when { resource.tiers.contains("heavy") } unless { principal in Role::"operator" };
"""
    narrower = engine({**RELEASE, "policies.cedar": RELEASE["policies.cedar"] + added})

    found = diff.all_changes(NOW, narrower)

    assert {one.action for one in found} == {"models.use"}
    assert not any(one.widens for one in found)
    assert all("tiers: heavy" in one.thing for one in found)
    assert {"kiosk", "viewer"} <= {one.who for one in found}
    assert opens(narrower, NOW)


@pytest.mark.parametrize("duties", [("supervisor",), ("approver", "supervisor")])
def test_what_duties_give_together_is_seen(duties: tuple[str, ...]) -> None:
    condition = " && ".join(f'principal.duties.contains("{one}")' for one in duties)

    assert opens(NOW, engine(permitting("principal", "people.update", condition)))
