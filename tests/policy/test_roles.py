"""The matrix of roles, as one table: who may do what at all, before any resource is looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.policy import PolicyEngine, Resource
from tests.policy.people import ADMIN, KIOSK, OPERATOR, OWNER, VIEWER, principal

# action, a name of what it acts on, and who may: v(iewer) o(perator) a(dmin) k(iosk)
MATRIX = (
    ("chat.ask", "conversation", "voak"),
    ("kiosks.ask", "conversation", "k"),
    ("chat.start", "conversation", "voa"),
    ("chat.read", "conversation", "voa"),
    ("chat.rename", "conversation", "voa"),
    ("chat.delete", "conversation", "voa"),
    ("feedback.give", "message", "voak"),
    ("search.query", "document", "voak"),
    ("documents.read", "document", "voak"),
    ("documents.list", "document", "voa"),
    ("documents.upload", "document", "oa"),
    ("documents.delete", "document", "oa"),
    ("documents.reindex", "document", "oa"),
    ("documents.ingest", "document", "oa"),
    ("jobs.read", "job", "voa"),
    ("jobs.list", "job", "voa"),
    ("jobs.cancel", "job", "voa"),
    ("jobs.submit", "job", "voa"),
    ("jobs.read_all", "job", "a"),
    ("jobs.manage", "job", "a"),
    ("jobs.create", "job", "oa"),
    ("audit.read_own", "record", "voa"),
    ("audit.read_all", "record", "a"),
    ("audit.cosign", "checkpoint", "a"),
    ("people.list", "person", "a"),
    ("people.create", "person", "a"),
    ("people.update", "person", "a"),
    ("factors.reset", "person", "a"),
    ("badges.set", "person", "a"),
    ("badges.remove", "person", "a"),
    ("kiosks.person", "person", "k"),
    ("kiosks.enrol", "kiosk", "a"),
    ("kiosks.list", "kiosk", "a"),
    ("kiosks.revoke", "kiosk", "a"),
    ("api_keys.list", "api_key", "a"),
    ("api_keys.create", "api_key", "a"),
    ("api_keys.rotate", "api_key", "a"),
    ("api_keys.revoke", "api_key", "a"),
    ("tenants.list", "tenant", "a"),
    ("tenants.read", "tenant", "a"),
    ("models.list", "model", "oa"),
    ("models.manage", "model", "a"),
    ("models.activate", "model", "a"),
    ("models.test", "model", "a"),
    ("usage.read", "model", "a"),
    ("budgets.manage", "model", "a"),
    ("vault.list", "secret", "a"),
    ("vault.manage", "secret", "a"),
    ("limits.read", "limit", "a"),
    ("limits.reset", "limit", "a"),
    ("sign_in.read", "sign_in", "a"),
    ("sign_in.manage", "sign_in", "a"),
    ("intent.admin", "conversation", "a"),
    ("intent.security", "conversation", "a"),
    ("intent.dangerous", "conversation", ""),
    ("guard.manage", "guard", "a"),
    ("node.health", "node", "a"),
    ("guard.violations", "guard", "a"),
    ("holds.read", "hold", "a"),
    ("holds.manage", "hold", "a"),
    ("privacy.manage", "person", "a"),
    ("privacy.erase", "person", "a"),
    ("auth.me", "person", "voak"),
)
WHO = {"v": VIEWER, "o": OPERATOR, "a": ADMIN, "k": KIOSK}


@pytest.mark.parametrize(("action", "resource", "allowed"), MATRIX, ids=[row[0] for row in MATRIX])
def test_each_role_may_do_what_the_matrix_says(engine: PolicyEngine, action: str, resource: str, allowed: str) -> None:
    decided = {letter: engine.decide(who, action, Resource(resource)) for letter, who in WHO.items()}

    assert "".join(letter for letter, decision in decided.items() if decision.allowed) == allowed
    for decision in decided.values():
        assert decision.policies
        assert decision.pack_version == engine.pack_version
        if not decision.allowed:
            assert decision.policies == ("default-deny",)
            assert decision.reason == "Your role does not allow this."


@pytest.mark.parametrize("action", [row[0] for row in MATRIX])
def test_the_owner_of_the_data_directory_is_an_admin(engine: PolicyEngine, action: str) -> None:
    resource = next(Resource(row[1]) for row in MATRIX if row[0] == action)

    assert engine.decide(OWNER, action, resource).allowed == engine.decide(ADMIN, action, resource).allowed


def test_a_service_may_do_what_its_role_may(engine: PolicyEngine) -> None:
    worker = principal("operator", kind="service")

    assert engine.decide(worker, "documents.ingest", Resource("document")).allowed
    assert not engine.decide(worker, "people.list", Resource("person")).allowed


def test_a_kiosk_gets_nothing_from_the_role_it_carries(engine: PolicyEngine) -> None:
    promoted = principal("admin", kind="kiosk", clearance=4)

    assert not engine.decide(promoted, "people.list", Resource("person")).allowed
    assert not engine.decide(promoted, "chat.read", Resource("conversation")).allowed


def test_what_is_permitted_names_the_policy_that_permits_it(engine: PolicyEngine) -> None:
    assert engine.decide(VIEWER, "search.query", Resource("search")).policies == ("viewers-ask-and-read",)
    assert engine.decide(ADMIN, "people.create", Resource("person")).policies == ("admins-run-the-site",)


@pytest.mark.parametrize(
    "action", ["factors.read", "factors.enrol", "factors.remove", "badges.pin", "passwords.change", "privacy.own"]
)
def test_second_factors_belong_to_people_and_to_nobody_else(engine: PolicyEngine, action: str) -> None:
    service = replace(ADMIN, kind="service")

    assert all(engine.decide(who, action, Resource("person")).allowed for who in (VIEWER, OPERATOR, ADMIN))
    assert not any(engine.decide(who, action, Resource("person")).allowed for who in (KIOSK, OWNER, service))


def test_the_heads_of_all_logs_are_the_owners_alone(engine: PolicyEngine) -> None:
    assert engine.decide(OWNER, "audit.heads", Resource("node")).allowed
    assert not any(engine.decide(one, "audit.heads", Resource("node")).allowed for one in WHO.values())


def test_the_door_for_the_nodes_own_programs_is_the_owners_alone(engine: PolicyEngine) -> None:
    door = Resource("node")

    assert engine.decide(OWNER, "node.programs", door).allowed
    assert not any(engine.decide(one, "node.programs", door).allowed for one in WHO.values())
