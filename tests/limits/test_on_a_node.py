"""Limits as people meet them: a node in production, with a pack of small tiers read from its own directory."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.api.plant import TENANT, problem_of
from tests.cli.shell import outpost
from tests.node import RunningNode

CEILING = 4


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    setting = {"OUTPOST_ENVIRONMENT": "production", "OUTPOST_RATE_LIMIT_PER_MINUTE": str(CEILING)}
    with RunningNode(tmp_path_factory.mktemp("limits") / "node", demo=False, environment=setting) as running:
        for role in ("viewer", "operator", "admin"):
            running.own(role, TENANT)  # choosing a password counts too
        yield running


@pytest.fixture
def afresh(node: RunningNode) -> None:
    outpost("limits", "reset", "--data", node.data)


def ask(client: httpx.Client) -> httpx.Response:
    return client.get("/v1/conversations")


@pytest.mark.usefixtures("afresh")
def test_who_asks_too_much_is_told_when_to_come_back_and_nobody_else_is_held_up(node: RunningNode) -> None:
    with node.sign_in("viewer", TENANT) as viewer, node.sign_in("operator", TENANT) as operator:
        answers = [ask(viewer) for _ in range(CEILING + 1)]

        assert [answer.status_code for answer in answers] == [200] * CEILING + [429]
        problem = problem_of(answers[-1])
        assert (problem["code"], problem["window"], problem["limit"]) == ("rate-limited", "person-minute", CEILING)
        assert 0 < int(answers[-1].headers["retry-after"]) == problem["retry_after"] <= 61
        assert ask(operator).status_code == 200


@pytest.mark.usefixtures("afresh")
def test_what_is_left_is_told_in_headers(node: RunningNode) -> None:
    with node.sign_in("viewer", TENANT) as viewer:
        headers = ask(viewer).headers

    assert f'"person-minute";q={CEILING};w=60' in headers["ratelimit-policy"]
    assert headers["ratelimit"].startswith(f'"person-minute";r={CEILING - 1};t=')


@pytest.mark.usefixtures("afresh")
def test_what_screens_fetch_by_themselves_is_not_counted(node: RunningNode) -> None:
    with node.sign_in("viewer", TENANT) as viewer:
        for _ in range(CEILING + 2):
            assert viewer.get("/v1/auth/me").status_code == 200
            assert viewer.get("/health/ready").status_code == 200
        assert ask(viewer).status_code == 200


@pytest.mark.usefixtures("afresh")
def test_a_second_sign_in_and_another_address_are_the_same_person(node: RunningNode) -> None:
    with node.sign_in("viewer", TENANT) as one, node.sign_in("viewer", TENANT) as two:
        assert [ask(one).status_code for _ in range(CEILING)] == [200] * CEILING
        assert two.get("/v1/conversations", headers={"x-forwarded-for": "10.1.2.3"}).status_code == 429


@pytest.mark.usefixtures("afresh")
def test_a_refused_request_is_not_put_to_the_policy_nor_recorded(node: RunningNode) -> None:
    with node.sign_in("viewer", TENANT) as viewer, node.owner(TENANT) as owner:
        for _ in range(CEILING):
            ask(viewer)
        before = owner.get("/v1/audit/checkpoint").json()
        assert viewer.get("/v1/admin/users").status_code == 429
        after = owner.get("/v1/audit/checkpoint").json()

    # The owner's own reading of the checkpoint is recorded once in between, before and after.
    assert after["size"] - before["size"] <= 2


@pytest.mark.usefixtures("afresh")
def test_an_admin_sees_what_is_used_and_counts_afresh(node: RunningNode) -> None:
    with node.sign_in("viewer", TENANT) as viewer:
        person = viewer.get("/v1/auth/me").json()["id"]
        for _ in range(CEILING + 1):
            ask(viewer)
        shown = outpost("limits", "show", "--json", "--data", node.data).json
        assert {"subject": person, "what": "person", "seconds": 60, "used": CEILING} in shown["used"]
        assert (shown["environment"], shown["roles"]["viewer"]) == ("production", {"minute": 10, "hour": 50})
        assert viewer.get("/v1/admin/limits").status_code == 429

        assert outpost("limits", "reset", person, "--json", "--data", node.data).json == {"windows": 2}
        assert ask(viewer).status_code == 200
        assert viewer.get("/v1/admin/limits").status_code == 403


@pytest.mark.usefixtures("afresh")
def test_a_restart_is_no_way_around(node: RunningNode) -> None:
    with node.sign_in("viewer", TENANT) as viewer:
        for _ in range(CEILING):
            ask(viewer)
        node.stop()
        node.start()
        assert ask(viewer).status_code == 429


@pytest.mark.usefixtures("afresh")
def test_violations_are_counted_in_the_metrics(node: RunningNode) -> None:
    with node.sign_in("viewer", TENANT) as viewer:
        for _ in range(CEILING + 1):
            ask(viewer)
        metrics = viewer.get("/metrics").text

    assert 'outpost_rate_limit_violations_total{window="person-minute"}' in metrics
    assert 'outpost_rate_limit_checked_total{verdict="refused"}' in metrics
    assert 'outpost_rate_limit_used_ratio_bucket{le="0.5",window="person-minute"}' in metrics


def test_the_doctor_says_that_a_plant_in_production_has_no_limits_of_its_own(node: RunningNode) -> None:
    found = outpost("doctor", "--json", "--data", node.data).json

    assert {"limits": "ok", "limits of plants": "note"}.items() <= {
        one["subject"]: one["state"] for one in found
    }.items()


@pytest.mark.usefixtures("afresh")
def test_a_limit_that_is_set_holds_with_the_next_request_until_it_is_taken_away(node: RunningNode) -> None:
    made = outpost("limits", "set", "--role", "viewer", "--minute", "2", "--data", node.data, "--json").json
    try:
        with node.sign_in("viewer", TENANT) as viewer, node.sign_in("operator", TENANT) as operator:
            assert [ask(viewer).status_code for _ in range(3)] == [200, 200, 429]
            assert [ask(operator).status_code for _ in range(3)] == [200] * 3
        shown = outpost("limits", "show", "--json", "--data", node.data).json["set"]
        assert [(one["scope"], one["subject"], one["minute"], one["hour"]) for one in shown] == [
            ("role", "viewer", 2, None)
        ]
    finally:
        outpost("limits", "unset", made["id"], "--data", node.data)

    with node.sign_in("viewer", TENANT) as viewer:
        assert ask(viewer).status_code == 200
    assert outpost("limits", "show", "--json", "--data", node.data).json["set"] == []


def test_a_limit_wider_than_the_pack_is_refused_with_what_may_be_set(node: RunningNode) -> None:
    done = outpost("limits", "set", "--role", "viewer", "--minute", "999", "--data", node.data)

    assert done.code != 0
    assert "10 a minute and 50 an hour" in done.err
