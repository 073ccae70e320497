"""Requests made by schemathesis from the description of the API, good and bad: the node never stumbles, and answers as described.

Half of the requests are about things that are there. `make attacks` sends many more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from schemathesis.core.failures import Failure
from schemathesis.core.result import Err
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.plant import TENANT, Plant, running_plant
from tests.attacks.lists import DEEP
from tests.attacks.routes import STATED
from tests.attacks.tally import attempt

EACH = 40 if DEEP else 6
"""Requests an operation."""
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NOT_FUZZED = {"logout"}
"""It ends the session that the next requests need."""
CALLERS = ("kiosk", "viewer", "admin")
"""In this order: a kiosk's token lives for five minutes."""


@dataclass
class Fuzzed:
    """A node, those who ask it, and a kiosk that may be revoked; made before anybody has tried too often to sign in."""

    plant: Plant
    callers: dict[str, httpx.Client]
    kiosk_id: str


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    with running_plant(tmp_path_factory.mktemp("fuzzed")) as plant, closing(plant.kiosk("To be revoked")) as spare:
        kiosk_id = spare.get("/v1/auth/me").raise_for_status().json()["id"]
        callers = {role: plant.node.sign_in(role, TENANT) for role in ("viewer", "admin")}
        callers["kiosk"] = plant.kiosk("Fuzzed line")
        yield Fuzzed(plant, callers, kiosk_id)
        for client in callers.values():
            client.close()


def here(fuzzed: Fuzzed, caller: httpx.Client) -> dict[str, Any]:
    """A thing that is there for each parameter of a path; made anew, for a request may have removed the last one."""
    with fuzzed.plant.node.owner(TENANT) as door:
        people = door.get("/v1/admin/users", params={"page_size": 100}).raise_for_status().json()["items"]
        files = {"file": ("fuzzed.md", b"# Fuzzed\n\nThe pump P-7 turns at 3 rpm.\n")}
        put = door.post("/v1/documents/upload", files=files).raise_for_status().json()
        return STATED | {
            "document_id": put["document_id"],
            "job_id": put["job_id"],
            "conversation_id": caller.post("/v1/conversations", json={"title": "Fuzzed"}).json().get("id", ""),
            "budget_id": door.put("/v1/admin/budgets", json={"limit_tokens": 10**9}).json()["id"],
            "override_id": door.put(
                "/v1/admin/limits/set", json={"scope": "route", "subject": "POST /v1/search", "minute": 10**6}
            ).json()["id"],
            "tenant_id": door.get("/v1/auth/me").json()["tenant_id"],
            "kiosk_id": fuzzed.kiosk_id,
            "person_id": next(one["id"] for one in people if one["username"] == "operator"),
        }


@pytest.mark.parametrize("name", CALLERS)
def test_every_route_answers_as_it_is_described_whatever_it_is_sent(fuzzed: Fuzzed, name: str) -> None:
    caller = fuzzed.callers[name]
    document = caller.get("/openapi.json").raise_for_status().json()
    wrong: dict[str, str] = {}
    with requests.Session() as session:
        session.headers["authorization"] = caller.headers["authorization"]
        for result in schemathesis.openapi.from_dict(document).get_all_operations():
            assert not isinstance(result, Err), result
            operation = result.ok()
            if operation.definition.raw["operationId"] not in NOT_FUZZED:
                things = here(fuzzed, caller) if "{" in operation.path else {}
                _fuzz(operation, things, fuzzed.plant.node.url, session, wrong)
    assert not wrong, "\n\n".join(f"{what}\n{why}" for what, why in wrong.items())
    assert caller.get("/v1/auth/me").status_code == 200


def _fuzz(
    operation: Any, things: dict[str, Any], url: str, session: requests.Session, wrong: dict[str, str]
) -> None:  # fmt: skip
    """Send requests of one operation; each kind of failure is kept once."""

    @seed(20_260_301)
    @settings(
        max_examples=EACH,
        deadline=None,
        database=None,
        verbosity=Verbosity.quiet,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), about_something=st.booleans())
    def fuzz(case: Any, about_something: bool) -> None:
        if about_something:
            named = {name: str(thing) for name, thing in things.items() if name in case.path_parameters and thing}
            case.path_parameters = case.path_parameters | named
        failures: Sequence[BaseException] = ()
        try:
            with attempt():
                response = case.call(base_url=url, session=session, timeout=60)
                # 503 says that a part is not there, such as a model that writes; any other is a node that stumbled.
                assert response.status_code < 500 or response.status_code == 503, response.text
                case.validate_response(response, checks=CHECKS)
        except (Failure, AssertionError) as failure:
            failures = [failure]
        except BaseExceptionGroup as group:
            failures = group.exceptions
        for one in failures:
            wrong[f"{operation.label}: {type(one).__name__}"] = f"{one}\n{case.as_curl_command()}"[:2000]

    fuzz()
