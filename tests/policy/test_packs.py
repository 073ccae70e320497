"""A pack is taken whole and checked, or refused with its reason."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from appliance.policy import (
    DEFAULT_PACK,
    PackRefused,
    PolicyEngine,
    Resource,
    Scope,
    ScopeDisagrees,
    UnsupportedOperator,
)
from appliance.policy.agreement import check
from appliance.policy.conditions import ALWAYS
from appliance.policy.pack import parse, read
from appliance.store import Principal
from tests.policy.people import OPERATOR, VIEWER, document

Altered = Callable[..., Path]


@pytest.fixture
def altered(tmp_path: Path) -> Altered:
    """`altered(policies="…")` copies the shipped pack and adds to one of its files."""

    def make(*, policies: str = "", facts: str = "") -> Path:
        directory = tmp_path / "pack"
        shutil.copytree(DEFAULT_PACK, directory)
        path = directory / "policies.cedar"
        path.write_text(path.read_text() + policies)
        (directory / "pack.toml").write_text(facts + (directory / "pack.toml").read_text())
        return directory

    return make


def forbid(condition: str) -> str:
    return f'@id("extra") @question("6") @reason("No.")\nforbid (principal, action, resource is Document) when {{ {condition} }};'


@pytest.mark.parametrize(
    "condition",
    [
        'resource.tags.containsAny(["a", "b"])',
        'resource has owner && resource.owner like "n*"',
        "resource.level + 1 > 3",
        "(if resource.level > 2 then true else false)",
        'resource.tags == ["a"]',
        "resource.tags.isEmpty()",
        "resource.tags.contains(resource.tenant)",
        'resource == Document::"d-1"',
        'resource in [Document::"d-1"]',
        "resource.level == resource.level",
    ],
)
def test_a_policy_that_lists_cannot_be_filtered_by_is_refused(altered: Altered, condition: str) -> None:
    with pytest.raises(UnsupportedOperator):
        PolicyEngine(altered(policies=forbid(condition)))


@pytest.mark.parametrize(
    "condition",
    [
        '["draft", "secret"].contains(resource.tenant)',
        "[2, 9].contains(resource.level)",
        'resource has owner && resource.owner == "nobody"',
        "!(resource has owner && resource.owner == principal.subject)",
        "2 == resource.level || 1 >= resource.level",
        'resource.tags.contains("draft") && !resource.acl.contains(principal.subject)',
    ],
)
def test_a_policy_in_the_small_language_is_taken_and_its_lists_agree(altered: Altered, condition: str) -> None:
    PolicyEngine(altered(policies=forbid(condition)))


def test_a_scope_that_disagrees_with_cedar_is_found_out(engine: PolicyEngine) -> None:
    class Forgetful:
        """Decides as the engine does, but forgets to filter."""

        def permits(self, principal: Principal, action: str, resources: Sequence[Resource]) -> list[bool]:
            return engine.permits(principal, action, resources)

        def scope(self, principal: Principal, action: str, resource_type: str = "document") -> Scope:
            return Scope(ALWAYS, str(principal.tenant_id), engine.pack_version)

    with pytest.raises(ScopeDisagrees):
        check(Forgetful(), engine.pack)


@pytest.mark.parametrize(
    ("policies", "says"),
    [
        ("permit (principal, action, resource);", "no @id"),
        ('@id("own-tenant-only") permit (principal, action, resource);', "Two policies are called own-tenant-only"),
        ('@id("new") forbid (principal, action, resource);', "needs @question"),
        ('@id("new") permit (principal, action, resource) when { resource.colour == "red" };', "does not validate"),
        ('@id("new") permit (principal == ?principal, action, resource);', "templates"),
        ('@id("new") permit (principal, action, resource', "does not validate"),
    ],
)
def test_a_malformed_policy_is_refused_with_what_is_wrong(altered: Altered, policies: str, says: str) -> None:
    with pytest.raises(PackRefused, match=says):
        PolicyEngine(altered(policies=policies))


def test_a_pack_with_a_missing_file_is_refused(altered: Altered) -> None:
    directory = altered()
    (directory / "schema.cedarschema").unlink()

    with pytest.raises(PackRefused, match="cannot be read"):
        PolicyEngine(directory)


def test_facts_that_cannot_be_read_are_refused(altered: Altered) -> None:
    with pytest.raises(PackRefused, match="malformed"):
        PolicyEngine(altered(facts="name = \n"))


def test_a_changed_policy_decides_at_once_and_changes_the_version(altered: Altered, engine: PolicyEngine) -> None:
    closed = PolicyEngine(altered(policies=forbid('resource.tags.contains("draft")')))
    draft = document(1, tags=("draft",))

    assert engine.decide(OPERATOR, "documents.read", draft).allowed
    refused = closed.decide(OPERATOR, "documents.read", draft)

    assert (refused.policies, refused.reason) == (("extra",), "No.")
    assert refused.pack_version == closed.pack_version != engine.pack_version
    assert not closed.scope(VIEWER, "search.query").admits(dict(draft.attrs))


def test_the_same_pack_has_the_same_version_everywhere(altered: Altered, engine: PolicyEngine) -> None:
    assert PolicyEngine(altered()).pack_version == engine.pack_version
    assert len(engine.pack_version) == 12


def test_every_forbid_tells_people_why(engine: PolicyEngine) -> None:
    for name, found in engine.pack.forbids.items():
        assert found.reason.endswith("."), name


def test_a_pack_that_groups_actions_is_refused_since_a_group_would_hide_what_they_apply_to() -> None:
    grouped = (
        '\naction "everything";\n'
        'action "doors.open" in ["everything"] '
        "appliesTo { principal: [Person], resource: [Document], context: { action: String } };\n"
    )
    texts = read(DEFAULT_PACK)

    with pytest.raises(PackRefused, match="group"):
        parse({**texts, "schema.cedarschema": texts["schema.cedarschema"] + grouped})
