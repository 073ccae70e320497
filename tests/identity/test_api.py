"""Sign-in, people, kiosks and tenants over HTTP, through the real gate."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from appliance.policy import PolicyEngine
from appliance.store import Store, Tenant
from tests.identity.site import PASSWORD, Device
from tests.identity.web import Web, web

ENGINE = PolicyEngine()


@pytest.fixture
async def node(node_store: Store, tenant: Tenant) -> AsyncIterator[Web]:
    async with web(node_store, ENGINE) as node:
        for name, role in (("ada", "admin"), ("olga", "operator"), ("vera", "viewer")):
            await node.site.add(tenant, name, role)  # type: ignore[arg-type]
        yield node


async def test_login_answers_with_tokens_and_who_it_is(node: Web) -> None:
    response = await node.login("north", "ada", PASSWORD)

    assert response.status_code == 200
    body = response.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token", "must_change_password", "user"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    del body["user"]["id"]
    assert body["user"] == {
        "username": "ada", "display_name": "Ada", "role": "admin", "clearance": 3, "tenant": "north",
    }  # fmt: skip


async def test_a_refused_login_is_a_problem_with_a_hint(node: Web) -> None:
    response = await node.login("north", "ada", "a wrong guess")

    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "sign-in-refused"
    assert "ada" not in response.text
    assert (await node.login("nowhere", "ada", PASSWORD)).json()["code"] == "sign-in-refused"


@pytest.mark.parametrize(
    "body", [{}, {"tenant": "north"}, {"tenant": "north", "username": "ada", "password": "x", "role": "admin"}]
)
async def test_a_login_of_another_shape_is_refused(node: Web, body: dict[str, str]) -> None:
    async with node.client() as anybody:
        assert (await anybody.post("/v1/auth/login", json=body)).status_code == 400


async def test_refresh_me_and_logout(node: Web) -> None:
    tokens = (await node.login("north", "vera", PASSWORD)).json()
    async with node.client() as anybody:
        tokens = (await anybody.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})).json()
    async with node.client(tokens["access_token"]) as vera:
        me = (await vera.get("/v1/auth/me")).json()
        assert (me["username"], me["role"], me["tenant"], me["kind"]) == ("vera", "viewer", "north", "person")
        assert me["display_name"] == "Vera"

        assert (await vera.post("/v1/auth/logout")).status_code == 204
        assert (await vera.get("/v1/auth/me")).status_code == 401


async def test_everything_but_the_way_in_needs_a_token(node: Web) -> None:
    async with node.client() as anybody:
        for path in ("/v1/auth/me", "/v1/kiosks", "/v1/admin/users", "/v1/admin/tenants"):
            assert (await anybody.get(path)).status_code == 401
        assert (await anybody.post("/v1/kiosks/enrolment-codes")).status_code == 401


@pytest.mark.parametrize("name", ["olga", "vera"])
async def test_only_admins_see_or_change_people_kiosks_and_tenants(node: Web, name: str) -> None:
    async with await node.signed_in("north", name, PASSWORD) as person:
        refused = [
            await person.get("/v1/admin/users"),
            await person.post("/v1/admin/users", json={"username": "x", "display_name": "X", "role": "admin"}),
            await person.get("/v1/admin/tenants"),
            await person.get("/v1/kiosks"),
            await person.post("/v1/kiosks/enrolment-codes"),
        ]

    assert [one.status_code for one in refused] == [403] * 5
    assert all(one.json()["policies"] == ["default-deny"] for one in refused)


async def test_an_admin_adds_changes_and_lists_people(node: Web) -> None:
    async with await node.signed_in("north", "ada", PASSWORD) as ada:
        made = await ada.post("/v1/admin/users", json={"username": "Nora", "display_name": "Nora N", "role": "viewer"})
        assert made.status_code == 201
        nora = made.json()
        assert (nora["username"], nora["clearance"], nora["is_active"]) == ("nora", 2, True)
        assert (await node.login("north", "nora", nora["password"])).status_code == 200

        change, path = {"role": "operator", "clearance": 1}, f"/v1/admin/users/{nora['id']}"
        assert (await ada.patch(path, json=change)).json()["code"] == "step-up-required"
        changed = await ada.patch(
            path, json=change, headers=await node.step_up(ada, "people.update", resource=nora["id"])
        )
        assert (changed.json()["role"], changed.json()["clearance"]) == ("operator", 1)
        assert "password" not in changed.json()

        eligible = {"export_eligibility": ["EAR"]}
        assert (await ada.patch(path, json=eligible)).json()["code"] == "step-up-required"
        changed = await ada.patch(
            path, json=eligible, headers=await node.step_up(ada, "people.update", resource=nora["id"])
        )
        assert changed.json()["export_eligibility"] == ["EAR"]
        assert (await ada.patch(path, json={"export_eligibility": ["NATO"]})).status_code == 400

        first = (await ada.get("/v1/admin/users", params={"page_size": 3})).json()
        rest = (
            await ada.get("/v1/admin/users", params={"page_size": 3, "page_token": first["next_page_token"]})
        ).json()
        assert [one["username"] for one in first["items"] + rest["items"]] == ["ada", "nora", "olga", "vera"]
        assert rest["next_page_token"] is None
        assert not any({"password", "password_hash"} & set(one) for one in first["items"])


async def test_what_an_admin_gets_wrong_is_said_in_a_problem(node: Web) -> None:
    async with await node.signed_in("north", "ada", PASSWORD) as ada:
        taken = await ada.post("/v1/admin/users", json={"username": "vera", "display_name": "V", "role": "viewer"})
        weak = await ada.post(
            "/v1/admin/users", json={"username": "n", "display_name": "N", "role": "viewer", "password": "short"}
        )
        me = (await ada.get("/v1/auth/me")).json()["id"]
        own = await ada.patch(f"/v1/admin/users/{me}", json={"role": "viewer"})
        four = await ada.post(
            "/v1/admin/users", json={"username": "n", "display_name": "N", "role": "viewer", "clearance": 4}
        )

    assert (taken.status_code, taken.json()["code"]) == (409, "username-taken")
    assert (weak.status_code, weak.json()["code"]) == (400, "weak-password")
    assert (own.status_code, own.json()["code"]) == (403, "own-account")
    assert four.status_code == 400


async def test_a_kiosk_is_enrolled_asks_for_itself_and_is_revoked(node: Web) -> None:
    device = Device()
    async with await node.signed_in("north", "ada", PASSWORD) as ada, node.client() as anybody:
        confirmed = await node.step_up(ada, "kiosks.enrol")
        code = (await ada.post("/v1/kiosks/enrolment-codes", headers=confirmed)).json()
        enrolled = await anybody.post(
            "/v1/kiosks/enrol", json={"code": code["code"], "name": "Line 1", "public_key": device.public_jwk}
        )
        assert (enrolled.status_code, enrolled.json()["tenant"]) == (201, "north")
        kiosk_id = enrolled.json()["kiosk_id"]
        challenge = (await anybody.post("/v1/kiosks/challenge", json={"kiosk_id": kiosk_id})).json()["challenge"]
        proof = {"kiosk_id": kiosk_id, "challenge": challenge, "signature": device.sign(challenge)}
        token = (await anybody.post("/v1/kiosks/token", json=proof)).json()

        async with node.client(token["access_token"]) as kiosk:
            me = (await kiosk.get("/v1/auth/me")).json()
            assert (me["kind"], me["display_name"], me["clearance"]) == ("kiosk", "Line 1", 2)
            assert (await kiosk.get("/v1/admin/users")).status_code == 403

        assert [one["name"] for one in (await ada.get("/v1/kiosks")).json()["items"]] == ["Line 1"]
        revoked = await ada.delete(f"/v1/kiosks/{kiosk_id}")
        assert (revoked.status_code, revoked.json()["is_active"]) == (200, False)
        assert (await anybody.post("/v1/kiosks/token", json=proof)).status_code == 401


async def test_an_admin_sees_their_own_plant_and_nothing_of_another(
    node: Web, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with await node.signed_in("north", "ada", PASSWORD) as ada:
        assert [one["slug"] for one in (await ada.get("/v1/admin/tenants")).json()["items"]] == ["north"]
        assert (await ada.get(f"/v1/admin/tenants/{tenant.id}")).json()["name"] == "North plant"
        assert (await ada.get(f"/v1/admin/tenants/{other_tenant.id}")).status_code == 404
