"""Pages of other origins, deprecated routes, encrypted lines and slow work: what the edge adds to any answer."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from appliance import node_api
from appliance.app import build
from appliance.compose.web import SERVICES
from appliance.deprecation import Deprecated
from appliance.edge import OWNER, Edge
from appliance.settings import InvalidSetting, load
from appliance.static import BuiltUi

LISTED, OTHER = "https://scada.plant:8443", "https://evil.example"


class Heard(list[dict[str, Any]]):
    """What an answer said."""

    async def __call__(self, message: Any) -> None:
        self.append(message)

    @property
    def status(self) -> int:
        return int(self[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self[0]["headers"]}


async def nobody_speaks() -> Any:
    await asyncio.Event().wait()


async def fine(scope: Any, _receive: Any, send: Any) -> None:
    scope["path_template"] = scope["path"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}", "more_body": False})


@pytest.fixture
def ui(tmp_path: Path) -> BuiltUi:
    (tmp_path / "index.html").touch()
    return BuiltUi(tmp_path)


async def asked(
    edge: Edge,
    method: str = "GET",
    path: str = "/v1/things",
    *,
    scheme: str = "http",
    client: tuple[str, int] = ("127.0.0.1", 9),
    owner: bool = False,
    **headers: str,
) -> Heard:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: Any = {"type": "http", "method": method, "path": path, "headers": pairs, "scheme": scheme, "client": client}
    heard = Heard()
    await edge(scope | ({OWNER: True} if owner else {}), nobody_speaks, heard)
    return heard


def crossing(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("access-control")}


async def test_by_default_no_other_origin_is_told_anything(ui: BuiltUi) -> None:
    edge = Edge(fine, ui)

    assert crossing((await asked(edge, origin=OTHER)).headers) == {}
    assert crossing((await asked(edge, "OPTIONS", origin=OTHER, access_control_request_method="POST")).headers) == {}


async def test_a_listed_origin_may_read_and_never_brings_cookies(ui: BuiltUi) -> None:
    edge = Edge(fine, ui, origins=[LISTED])
    headers = (await asked(edge, origin=LISTED)).headers

    assert headers["access-control-allow-origin"] == LISTED
    assert "etag" in headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in headers
    assert headers["vary"] == "origin"


async def test_a_preflight_is_answered_for_a_listed_origin_alone(ui: BuiltUi) -> None:
    edge = Edge(fine, ui, origins=[LISTED])
    listed = await asked(edge, "OPTIONS", origin=LISTED, access_control_request_method="POST")

    assert listed.status == 204
    assert "POST" in listed.headers["access-control-allow-methods"]
    assert "authorization" in listed.headers["access-control-allow-headers"]
    for origin in (OTHER, "null", LISTED.upper(), LISTED + "0", "https://scada.plant"):
        refused = await asked(edge, "OPTIONS", origin=origin, access_control_request_method="POST")
        assert crossing(refused.headers) == {}, origin
        assert refused.headers["vary"] == "origin"


async def test_pages_of_the_interface_are_for_nobody_else(ui: BuiltUi) -> None:
    edge = Edge(fine, ui, origins=[LISTED])

    assert crossing((await asked(edge, path="/", origin=LISTED)).headers) == {}


@pytest.mark.parametrize(
    "origin", ["*", "https://*.plant", "plant.example", "https://a/b", "null", "ftp://a", "https://A b"]
)
def test_an_origin_that_is_none_is_refused(origin: str) -> None:
    with pytest.raises(InvalidSetting, match="cors_allowed_origins"):
        load({"OUTPOST_CORS_ALLOWED_ORIGINS": f"{LISTED},{origin}"})


async def test_what_will_go_away_says_when_and_what_to_use(ui: BuiltUi) -> None:
    old = Deprecated(
        dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2026, 7, 1, tzinfo=dt.UTC), "/v1/others", removed_in="0.9"
    )
    edge = Edge(fine, ui, deprecated={"GET /v1/things": old})
    headers = (await asked(edge)).headers

    assert headers["deprecation"] == "@1767225600"
    assert headers["sunset"] == "Wed, 01 Jul 2026 00:00:00 GMT"
    assert headers["link"] == '</v1/others>; rel="successor-version"'
    assert "deprecation" not in (await asked(edge, path="/v1/others")).headers


def test_the_description_says_which_release_no_longer_has_it() -> None:
    moment = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
    old = Deprecated(moment, moment, "/v1/others", removed_in="0.9")
    application = build(node_api.ROUTES, dict.fromkeys(SERVICES), None, deprecated={"GET /v1/health/components": old})  # type: ignore[arg-type]
    paths = application.openapi_schema.to_schema()["paths"]

    assert paths["/v1/health/components"]["get"]["deprecated"]
    assert paths["/v1/health/components"]["get"]["description"] == (
        "Use /v1/others. This answers until 2026-07-01; release 0.9 has it no more."
    )
    assert not paths["/v1"]["get"]["deprecated"]


async def test_only_an_encrypted_line_asks_to_stay_encrypted(ui: BuiltUi) -> None:
    edge = Edge(fine, ui)

    for path in ("/", "/v1/things", "/gone.js"):
        assert "strict-transport-security" in (await asked(edge, path=path, scheme="https")).headers
        assert "strict-transport-security" not in (await asked(edge, path=path)).headers


async def test_work_that_takes_too_long_is_given_up_and_said_so(ui: BuiltUi) -> None:
    given_up = asyncio.Event()

    async def slow(_scope: Any, _receive: Any, _send: Any) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            given_up.set()
            raise

    heard = await asked(Edge(slow, ui, work=0.01))

    assert (heard.status, heard.headers["content-type"]) == (503, "application/problem+json")
    assert b"took-too-long" in heard[1]["body"]
    assert "content-security-policy" in heard.headers
    assert given_up.is_set()


async def test_an_answer_that_has_begun_may_take_its_time_and_so_may_the_owner(ui: BuiltUi) -> None:
    async def streaming(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.05)
        await send({"type": "http.response.body", "body": b"end", "more_body": False})

    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        await asyncio.sleep(0.05)
        await streaming(_scope, _receive, send)

    assert (await asked(Edge(streaming, ui, work=0.01)))[-1]["body"] == b"end"
    assert (await asked(Edge(slow, ui, work=0.01), owner=True))[-1]["body"] == b"end"


async def test_a_page_takes_no_other_method_and_says_which(ui: BuiltUi) -> None:
    heard = await asked(Edge(fine, ui), "POST", "/console")

    assert (heard.status, heard.headers["allow"]) == (405, "GET, HEAD")


async def test_metrics_are_for_the_box_itself_its_owner_and_who_has_the_token(ui: BuiltUi) -> None:
    monitor, token = ("10.1.2.3", 9), "monitor-of-the-plant"
    closed, opened = Edge(fine, ui), Edge(fine, ui, metrics_token=token)

    for edge in (closed, opened):
        assert (await asked(edge, path="/metrics")).status == 200
        assert (await asked(edge, path="/metrics", client=("::1", 9))).status == 200
        assert (await asked(edge, path="/metrics", client=monitor, owner=True)).status == 200
        for path in ("/metrics", "/metrics/"):
            refused = await asked(edge, path=path, client=monitor, authorization="Bearer None")
            assert (refused.status, refused.headers["content-type"]) == (401, "application/problem+json")
        assert (await asked(edge, path="/v1/things", client=monitor)).status == 200
    assert (await asked(opened, path="/metrics", client=monitor, authorization=f"Bearer {token}")).status == 200
    assert (await asked(closed, path="/metrics", client=monitor, authorization=f"Bearer {token}")).status == 401


def test_a_token_of_metrics_is_long_and_not_shown() -> None:
    with pytest.raises(InvalidSetting, match="metrics_token"):
        load({"OUTPOST_METRICS_TOKEN": "short"})
    assert "monitor-of-the-plant" not in repr(load({"OUTPOST_METRICS_TOKEN": "monitor-of-the-plant"}))
