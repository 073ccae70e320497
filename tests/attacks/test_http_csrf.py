"""The cookie of a browser, attacked: from other origins, planted beforehand, over a line in the clear."""

from __future__ import annotations

import json
import re
from http.cookies import SimpleCookie
from typing import Any
from uuid import UUID

import httpx
import pytest

from appliance.cookies import Cookie, NoSessionCookie, SessionCookies
from appliance.crossing import SENT
from tests.api.plant import TENANT, Plant, problem_of, shared_plant

pytestmark = pytest.mark.one_try

NOWHERE = str(UUID(int=0))
ASKING = {"x-outpost-session": "cookie"}


@pytest.fixture(scope="session")
def plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return shared_plant(request.config, tmp_path_factory.mktemp("plant"))


def login(plant: Plant, browser: httpx.Client, role: str = "viewer") -> httpx.Response:
    body = plant.node.own(role, TENANT)
    return browser.post("/v1/auth/login", json=body, headers=ASKING).raise_for_status()


def refresh(browser: httpx.Client, **headers: str) -> httpx.Response:
    return browser.post(
        "/v1/auth/refresh", headers=ASKING | {name.replace("_", "-"): value for name, value in headers.items()}
    )


def test_a_browser_gets_its_refresh_token_where_no_script_can_read_it(plant: Plant) -> None:
    with plant.stranger() as browser:
        answer = login(plant, browser)
        (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()

        assert answer.json()["refresh_token"] is None
        assert morsel.value not in answer.text
        assert (morsel["path"], morsel["httponly"], morsel["samesite"]) == ("/v1/auth", True, "Strict")
        assert (morsel["domain"], morsel["max-age"], morsel["expires"]) == ("", "", "")
        fresh = refresh(browser)
        assert fresh.status_code == 200
        assert fresh.json()["refresh_token"] is None
        assert fresh.json()["user"] == answer.json()["user"]


def test_a_program_that_does_not_ask_gets_its_token_in_the_body_and_no_cookie(plant: Plant) -> None:
    body = plant.node.own("viewer", TENANT)
    with plant.stranger() as client:
        answer = client.post("/v1/auth/login", json=body).raise_for_status()
        assert "set-cookie" not in answer.headers
        again = client.post("/v1/auth/refresh", json={"refresh_token": answer.json()["refresh_token"]})
        assert isinstance(again.raise_for_status().json()["refresh_token"], str)


def test_a_cookie_alone_does_nothing_anywhere(plant: Plant) -> None:
    """What a form or an image of another page would send: the cookie, and no header of ours."""
    with plant.stranger() as browser:
        login(plant, browser)
        cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
        paths = httpx.get(f"{plant.node.url}/openapi.json").json()["paths"]
        reached = []
        for path, methods in paths.items():
            for method, operation in methods.items():
                if operation.get("security") != [{}]:
                    where = plant.node.url + re.sub(r"{\w+}", NOWHERE, re.sub(r"{number}|{pid}", "1", path))
                    reached += [path] if httpx.request(method, where, headers=cookie).status_code != 401 else []
        for content, kind in ((b"", "text/plain"), (b"refresh_token=x", "application/x-www-form-urlencoded")):
            answer = httpx.post(
                f"{plant.node.url}/v1/auth/refresh", content=content, headers=cookie | {"content-type": kind}
            )
            assert answer.status_code == 400
            assert "set-cookie" not in answer.headers

        assert reached == []
        assert refresh(browser).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"origin": "https://evil.example", "sec_fetch_site": "same-origin"},
    ],
)
@pytest.mark.parametrize("path", ["refresh", "login", "logout"])
def test_a_page_of_another_origin_is_refused_and_the_session_goes_on(
    plant: Plant, headers: dict[str, str], path: str
) -> None:
    with plant.stranger() as browser:
        login(plant, browser)
        sent = ASKING | {name.replace("_", "-"): value for name, value in headers.items()}
        refused = browser.post(f"/v1/auth/{path}", json={}, headers=sent)

        assert (refused.status_code, problem_of(refused)["code"]) == (403, "another-origin")
        assert "set-cookie" not in refused.headers
        assert refresh(browser, origin=plant.node.url, sec_fetch_site="same-origin").status_code == 200


def test_no_origin_is_ever_allowed_to_send_the_header() -> None:
    assert b"x-outpost-session" not in SENT


def test_a_cookie_planted_before_a_sign_in_is_replaced_and_leads_nowhere(plant: Plant) -> None:
    with plant.stranger() as attacker, plant.stranger() as victim:
        login(plant, attacker, "operator")
        planted = dict(attacker.cookies)
        for name, value in planted.items():
            victim.cookies.set(name, value, domain="127.0.0.1", path="/v1/auth")
        login(plant, victim)

        assert dict(victim.cookies) != planted
        assert refresh(victim).json()["user"]["role"] == "viewer"
        assert refresh(attacker).json()["user"]["role"] == "operator"


def test_a_second_cookie_of_the_same_name_is_taken_for_planted(plant: Plant) -> None:
    with plant.stranger() as browser:
        login(plant, browser)
        ((name, value),) = browser.cookies.items()
        both = ASKING | {"cookie": f"{name}=planted; {name}={value}"}
        refused = httpx.post(f"{plant.node.url}/v1/auth/refresh", headers=both)

        assert (refused.status_code, problem_of(refused)["code"]) == (401, "no-session-cookie")
        assert refresh(browser).status_code == 200


def test_a_cookie_that_was_copied_ends_the_session_when_it_is_used_again(plant: Plant) -> None:
    with plant.stranger() as browser:
        login(plant, browser)
        copied = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        assert refresh(browser).status_code == 200
        stolen = ASKING | {"cookie": copied, "user-agent": "another browser"}
        thief = httpx.post(f"{plant.node.url}/v1/auth/refresh", headers=stolen)

        assert thief.status_code == 401
        assert "Max-Age=0" in thief.headers["set-cookie"]
        assert refresh(browser).status_code == 401


def test_a_page_loaded_again_in_the_middle_of_a_refresh_stays_signed_in(plant: Plant) -> None:
    with plant.stranger() as browser:
        login(plant, browser)
        sent = ASKING | {"cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
        answers = [httpx.post(f"{plant.node.url}/v1/auth/refresh", headers=sent) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200] * 3
        assert len({answer.headers["set-cookie"] for answer in answers}) == 1


@pytest.mark.parametrize("token", [None, "Bearer altered"])
def test_a_sign_out_takes_the_cookie_away_whatever_became_of_the_token(plant: Plant, token: str | None) -> None:
    with plant.stranger() as browser:
        access = login(plant, browser).json()["access_token"]
        browser.post("/v1/auth/logout", headers=ASKING | {"authorization": token or f"Bearer {access}"})

        assert dict(browser.cookies) == {}


async def over(scheme: str, cookie: str) -> tuple[Any, list[dict[str, Any]]]:
    """A refresh over a line of that kind: what the handler was sent, and what was answered."""
    sent: dict[str, Any] = {}
    heard: list[dict[str, Any]] = []

    async def handler(scope: Any, receive: Any, send: Any) -> None:
        sent.update(json.loads((await receive())["body"]))
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = json.dumps({"refresh_token": "new"}).encode()
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def receive() -> Any:
        raise AssertionError

    async def send(message: Any) -> None:
        heard.append(message)

    scope: Any = {
        "type": "http", "method": "POST", "path": "/v1/auth/refresh", "scheme": scheme, "server": ("node", 8443),
        "headers": [(b"host", b"node:8443"), (b"x-outpost-session", b"cookie"), (b"cookie", cookie.encode())],
    }  # fmt: skip
    await SessionCookies(handler)(scope, receive, send)
    return sent, heard


async def test_over_tls_the_cookie_is_secure_and_only_such_a_one_is_looked_at() -> None:
    sent, heard = await over("https", "outpost-refresh-8443=planted; __Secure-outpost-refresh-8443=good")
    cookie = dict(heard[0]["headers"])[b"set-cookie"].decode()

    assert sent == {"refresh_token": "good"}
    assert cookie == "__Secure-outpost-refresh-8443=new; Path=/v1/auth; HttpOnly; SameSite=Strict; Secure"
    with pytest.raises(NoSessionCookie):
        await over("https", "outpost-refresh-8443=planted-in-the-clear")


async def test_over_a_line_in_the_clear_a_secure_cookie_is_not_looked_at() -> None:
    with pytest.raises(NoSessionCookie):
        await over("http", "__Secure-outpost-refresh-8443=good")


def test_two_nodes_of_one_host_do_not_share_a_cookie() -> None:
    names = {
        Cookie({"scheme": "https", "server": ("node", port), "headers": []}).name  # type: ignore[typeddict-item]
        for port in (8000, 8001)
    }

    assert len(names) == 2
