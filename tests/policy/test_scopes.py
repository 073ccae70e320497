"""A scope filters a list exactly as Cedar would decide each of its rows."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, Integer, String, create_engine, literal, select

from appliance.policy import NotListed, PolicyEngine, Resource, Scope
from appliance.policy.agreement import some_principals, some_row
from appliance.store import CONTROL, Json, Principal, Purpose, Store
from tests.policy.people import ADMIN, KIOSK, NORTH, OPERATOR, SOUTH, VIEWER, described, principal

ENGINE = PolicyEngine()
SQLITE: Engine = create_engine("sqlite://")
ACTIONS = ENGINE.pack.scopes["Document"]
IDS = tuple(UUID(int=number << 64, version=4) for number in (7, 8))

principals = st.builds(
    principal,
    st.sampled_from(["viewer", "operator", "admin"]),
    kind=st.sampled_from(["person", "kiosk", "owner", "service"]),
    clearance=st.integers(1, 4),
    number=st.sampled_from([7, 8]),
    eligibility=st.sampled_from([frozenset(), frozenset({"EAR"}), frozenset({"ITAR"}), frozenset({"EAR", "ITAR"})]),
    teams=st.frozensets(
        st.tuples(st.sampled_from(["pumps", "valves"]), st.sampled_from(["owner", "member", "viewer"])), max_size=2
    ),
    scopes=st.sampled_from([frozenset(), frozenset({"documents.read"}), frozenset({"chat.ask", "search.query"})]),
)
texts = st.sampled_from(["restricted", "RESTRICTED", "pumps", "", 'quo"te', "it's", *map(str, IDS)]) | st.text(
    max_size=4
)
rows = st.fixed_dictionaries(
    {
        "level": st.integers(-1, 6),
        "tags": st.lists(texts, max_size=3),
        "acl": st.lists(texts, max_size=3),
        "owner": st.none() | texts,
        "stage": st.sampled_from(["open", "waiting", ""]),
        "approved": st.lists(texts, max_size=2),
        "export": st.sampled_from(["NONE", "EAR", "ITAR", "", "other"]),
        "team": st.none() | st.sampled_from(["pumps", "valves", "", "other"]),
        "tenant": st.sampled_from([str(NORTH), str(NORTH), str(SOUTH)]),
    }
)


def columns(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "level": literal(row["level"], Integer()),
        "tags": literal(row["tags"], Json()),
        "acl": literal(row["acl"], Json()),
        "owner": literal(row["owner"], String()),
        "stage": literal(row["stage"], String()),
        "approved": literal(row["approved"], Json()),
        "export": literal(row["export"], String()),
        "team": literal(row["team"], String()),
        "tenant": literal(row["tenant"], String()),
    }


@given(who=principals, action=st.sampled_from(ACTIONS), row=rows)
def test_scope_sql_and_cedar_give_the_same_answer(who: Principal, action: str, row: dict[str, Any]) -> None:
    scope = ENGINE.scope(who, action)

    decided = ENGINE.decide(who, action, Resource("document", "d", row)).allowed

    assert ENGINE.permits(who, action, [Resource("document", "d", row)]) == [decided]
    assert scope.admits(row) == decided
    with SQLITE.connect() as connection:
        found = connection.scalars(select(literal(1)).where(scope.where(columns(row)))).all()
    assert bool(found) == decided


async def test_both_databases_filter_as_cedar_decides(store: Store, engine: PolicyEngine) -> None:
    dice = random.Random(4)
    for who in some_principals(dice, engine.pack):
        scope = engine.scope(who, "search.query")
        sample = [some_row(dice, engine.pack, "Document", who) for _ in range(12)]
        async with store.open_internal(Purpose.HEALTH, CONTROL) as session:
            found = [
                bool((await session.scalars(select(literal(1)).where(scope.where(columns(row))))).all())
                for row in sample
            ]
        assert found == engine.permits(who, "search.query", [Resource("document", None, row) for row in sample])


def test_a_scope_without_a_tenant_column_is_for_the_principals_own_database(engine: PolicyEngine) -> None:
    row = {**described(1), "owner": None, "team": None, "tenant": str(SOUTH)}
    own = {name: column for name, column in columns(row).items() if name != "tenant"}
    scope = engine.scope(VIEWER, "documents.list")

    with SQLITE.connect() as connection:
        assert connection.scalar(select(literal(1)).where(scope.where(own))) == 1
        assert connection.scalar(select(literal(1)).where(scope.where(columns(row)))) is None


def test_what_a_role_may_never_do_is_an_empty_scope(engine: PolicyEngine) -> None:
    assert engine.scope(VIEWER, "documents.delete").empty
    assert engine.scope(KIOSK, "documents.list").empty
    assert not engine.scope(OPERATOR, "documents.delete").empty


def test_a_passage_is_filtered_as_its_document_is(engine: PolicyEngine) -> None:
    scope: Scope = engine.scope(ADMIN, "search.query", "passage")

    assert scope == engine.scope(ADMIN, "search.query", "document")


@pytest.mark.parametrize(("action", "kind"), [("people.list", "person"), ("documents.read", "job"), ("x", "nothing")])
def test_a_list_the_pack_does_not_name_has_no_scope(engine: PolicyEngine, action: str, kind: str) -> None:
    with pytest.raises(NotListed):
        engine.scope(ADMIN, action, kind)
