"""Every route is called as everybody, and what the gate did is compared with the page that says who may."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from appliance.compose import described_application
from appliance.matrix import CALLERS, Caller, Row, Undeclared, principal, rows
from appliance.policy import PolicyEngine, Resource
from tests.api.plant import TENANT, Plant, running_plant
from tests.attacks.routes import described
from tests.attacks.tally import tried

POLICY = PolicyEngine()
ENDS_THE_SESSION = "logout"
STEP_UP = "step-up-required"
"""Whoever may is asked to show again that it is them."""


@dataclass
class Seen:
    """What became of one request: the answer, and the records that carry its id."""

    response: httpx.Response
    records: list[dict[str, Any]] = field(default_factory=list)

    @property
    def code(self) -> str:
        kind = self.response.headers.get("content-type", "")
        return str(self.response.json()["code"]) if kind == "application/problem+json" else ""

    @property
    def actions(self) -> set[str]:
        return {record["metadata"]["action"] for record in self.records if "action" in record["metadata"]}

    @property
    def denials(self) -> list[dict[str, Any]]:
        return [one for one in self.records if one["event_type"] == "policy.denied" and one["phase"] == "single"]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    hosts = {"OUTPOST_WEBHOOK_HOSTS": "hooks.plant.test:443"}
    with running_plant(tmp_path_factory.mktemp("matrix"), environment=hosts) as plant:
        yield plant


@pytest.fixture(scope="module")
def seen(plant: Plant) -> dict[tuple[str, Caller], list[Seen]]:
    """Every operation, called by everybody; sign-outs come last."""
    everything = described(plant)
    everything.sort(key=lambda one: one.id == ENDS_THE_SESSION)
    found: dict[tuple[str, Caller], list[Seen]] = defaultdict(list)
    create = next(one for one in everything if one.id == "create_webhook")
    with closing(_client(plant, "admin")) as admin:
        made = [create.send(admin, create.bodies()[0]).raise_for_status().json() for _ in range(2)]
    kept, doomed = (one["webhook"]["id"] for one in made)
    for caller in CALLERS:
        with closing(_client(plant, caller)) as client:
            for operation in everything:
                webhook = doomed if operation.id == "remove_webhook" else kept
                for body in operation.bodies():
                    found[operation.name, caller].append(Seen(operation.send(client, body, webhook_id=webhook)))
    _look_up(plant, found)
    return found


def _client(plant: Plant, caller: Caller) -> httpx.Client:
    match caller:
        case "nobody":
            return plant.stranger()
        case "kiosk":
            return plant.kiosk("Line of the matrix")
        case "owner":
            return plant.node.owner(TENANT)
        case _:
            return plant.node.sign_in(caller, TENANT)


def _look_up(plant: Plant, found: dict[tuple[str, Caller], list[Seen]]) -> None:
    """Give every request the records that name it."""
    by_id = {one.response.headers["x-request-id"]: one for each in found.values() for one in each}
    token = None
    with plant.node.owner(TENANT) as door:
        while True:
            wanted = {"limit": 100} | ({"page_token": token} if token else {})
            page = door.get("/v1/admin/audit", params=wanted).raise_for_status().json()
            for item in page["items"]:
                if (one := by_id.get(item["record"]["metadata"].get("request", ""))) is not None:
                    one.records.append(item["record"])
            if (token := page["next_page_token"]) is None:
                return


@pytest.fixture(scope="module")
def matrix() -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows(described_application(), POLICY):
        found[f"{row.method} {row.path}"].append(row)
    return found


def test_every_route_of_the_description_has_a_row(
    matrix: dict[str, list[Row]], seen: dict[tuple[str, Caller], list[Seen]]
) -> None:
    assert {name for name, _ in seen} == set(matrix)


def test_a_route_that_does_not_say_what_it_asks_is_named() -> None:
    application = described_application()
    handler = next(
        one for route in application.routes for one in getattr(route, "route_handlers", ()) if one.opt.get("asks")
    )
    handler.opt.pop("asks")

    with pytest.raises(Undeclared, match="No action stands at"):
        rows(application, POLICY)


@pytest.mark.parametrize("caller", CALLERS)
def test_the_gate_does_what_the_page_says(
    matrix: dict[str, list[Row]],
    seen: dict[tuple[str, Caller], list[Seen]],
    caller: Caller,
) -> None:
    wrong: list[str] = []
    refused = 0
    for name, stated in matrix.items():
        may = any(caller in row.callers for row in stated)
        if not may:
            tried(len(seen[name, caller]))
        for one in seen[name, caller]:
            refused += one.response.status_code in {401, 403}
            wrong += [f"{name} as {caller}: {why}" for why in _differences(caller, stated, one, may=may)]
    assert not wrong, "\n".join(wrong)
    assert refused or caller in {"admin", "owner"}


def _differences(caller: Caller, stated: list[Row], one: Seen, *, may: bool) -> Iterator[str]:
    status, code = one.response.status_code, one.code
    if status >= 500:
        yield f"{status} {one.response.text[:200]}"
    declared = {row.action for row in stated if row.action}
    if not one.actions <= declared:
        yield f"asked {sorted(one.actions - declared)}, its decorator says {sorted(declared)}"
    if not may:
        if caller == "nobody":
            if (status, code) != (401, "unauthenticated"):
                yield f"{status} {code}, not 401"
        elif status != 403:
            yield f"{status} {code}, not 403"
        return
    if code == "unauthenticated":
        yield "was asked to sign in"
    allowed = {row.action for row in stated if caller in row.callers}
    if allowed == {None}:
        return
    if status == 403 and code != STEP_UP and declared <= allowed:
        yield f"403 {code}"
    if not one.actions:
        yield f"no record of it ({status} {one.response.text[:200]})"


@pytest.mark.parametrize("caller", [one for one in CALLERS if one != "nobody"])
def test_a_refusal_is_recorded_once_with_the_policy_that_decided(
    seen: dict[tuple[str, Caller], list[Seen]], caller: Caller
) -> None:
    who = principal(caller)
    assert who is not None
    refused = [one for (_, by), each in seen.items() if by == caller for one in each if one.code == "policy-denied"]
    for one in refused:
        denial, *others = one.denials
        assert not others
        decided = POLICY.decide(who, denial["metadata"]["action"], Resource("node"))
        assert not decided.allowed
        assert tuple(denial["policies"]) == decided.policies == tuple(one.response.json()["policies"])
        assert denial["pack_version"] == POLICY.pack_version

    assert refused or caller in {"admin", "owner"}


def test_every_action_that_a_route_names_is_asked_by_somebody(
    matrix: dict[str, list[Row]], seen: dict[tuple[str, Caller], list[Seen]]
) -> None:
    asked: dict[str, set[str]] = defaultdict(set)
    for (name, _), each in seen.items():
        for one in each:
            asked[name] |= one.actions

    assert {name: {row.action for row in stated if row.action} for name, stated in matrix.items()} == {
        name: asked[name] for name in matrix
    }


def test_operations_are_told_apart_by_method_and_path(plant: Plant) -> None:
    found = described(plant)

    assert len({one.name for one in found}) == len({one.id for one in found}) == len(found) > 80
