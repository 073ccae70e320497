"""What every answer carries, API and pages alike, and what the node says of itself."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from litestar.enums import ScopeType

from appliance.edge import Edge, RequestStalled
from appliance.static import BuiltUi
from tests.api.plant import QUESTION, TORQUE, Plant

PATHS = [
    "/",
    "/kiosk",
    "/console/documents",
    "/v1",
    "/v1/nowhere",
    "/v1/auth/me",
    "/health/live",
    "/metrics",
    "/gone.js",
]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_forbids_what_a_page_of_ours_never_needs(plant: Plant, path: str) -> None:
    with plant.stranger() as client:
        headers = client.get(path).headers

    policy = dict(directive.split(" ", 1) for directive in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["server"] == "outpost"


def test_every_answer_has_an_id_of_its_own_that_the_asker_cannot_choose(plant: Plant) -> None:
    with plant.stranger() as client:
        ids = {client.get(path, headers={"x-request-id": "chosen"}).headers["x-request-id"] for path in PATHS}

    assert len(ids) == len(PATHS)
    assert all(re.fullmatch(r"[0-9a-f-]{36}", one) for one in ids)


def test_no_answer_of_the_api_is_kept_by_a_browser(plant: Plant) -> None:
    viewer = plant.person("viewer")
    answers = [
        viewer.get("/v1/auth/me"),
        viewer.get("/v1/nowhere"),
        viewer.post("/v1/chat", json={"message": QUESTION}),
    ]

    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}


def test_pages_and_hashed_files_come_with_a_tag_and_are_not_sent_twice(plant: Plant) -> None:
    with plant.stranger() as client:
        page = client.get("/")
        script = re.search(r'src="(/assets/[^"]+\.js)"', page.text)
        assert script is not None
        for path in ("/", script[1]):
            first = client.get(path)
            again = client.get(path, headers={"if-none-match": first.headers["etag"]})
            assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
            among = client.get(path, headers={"if-none-match": f'"other", W/{first.headers["etag"]}'})
            assert among.status_code == 304
            assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200
        assert "immutable" in client.get(script[1]).headers["cache-control"]
        assert page.headers["cache-control"] == "no-cache"


def test_a_page_refers_to_nothing_outside_the_node(plant: Plant) -> None:
    with plant.stranger() as client:
        page = client.get("/").text

    assert re.findall(r"(?:src|href)=\"(?!/)[^\"]*\"", page) == []


def test_the_node_says_which_it_is_to_anybody_and_nothing_more(plant: Plant) -> None:
    with plant.stranger() as client:
        facts = client.get("/v1").json()

    assert facts.keys() == {"name", "version", "role", "authority", "demo", "languages", "kiosk_idle_seconds"}
    assert (facts["role"], facts["demo"]) == ("node", False)


def test_health_is_told_to_anybody_in_one_word(plant: Plant) -> None:
    with plant.stranger() as client:
        assert client.get("/health/live").json() == {"status": "alive"}
        for path in ("/health", "/health/ready", "/ready", "/v1/health", "/v1/health/ready"):
            response = client.get(path)
            assert response.status_code == 200
            assert response.json() == {"status": "healthy", "database": "connected", "cache": "connected"}
        told = client.get("/health/db").raise_for_status().json()
    assert told.pop("ms") > 0
    assert told == {"status": "healthy", "database": "connected"}


def test_that_the_node_has_started_is_told_to_anybody_part_by_part(plant: Plant) -> None:
    parts = ("database", "record", "policy", "models", "worker")
    with plant.stranger() as client:
        told = client.get("/v1/health/startup").raise_for_status().json()

    assert told["status"] == "started"
    assert {name: told["components"][name] for name in parts} == dict.fromkeys(parts, "ok")


def test_the_parts_of_the_node_are_told_to_those_who_signed_in(plant: Plant) -> None:
    found = plant.person("admin").get("/v1/health/components").json()

    assert found["status"] == "healthy"
    assert {part["name"] for part in found["components"]} == {
        "database",
        "record",
        "policy",
        "index",
        "models",
        "chat",
        "vault",
        "worker",
        "queue",
        "disk",
        "clock",
        "limits",
        "tls",
    }
    assert all((part["hint"] == "") is (part["state"] == "ok") and part["ms"] >= 0 for part in found["components"])
    one = plant.person("admin").get("/v1/health/components/models").json()
    assert (one["name"], one["state"]) == ("models", "ok")
    assert plant.person("admin").get("/v1/health/components/coffee").status_code == 404


def series(client: httpx.Client) -> dict[tuple[str, str, str], float]:
    """Requests counted so far, by method, route and status."""
    pattern = r'outpost_http_requests_total\{method="([^"]*)",route="([^"]*)",status="([^"]*)"\} (\S+)'
    return {(one[0], one[1], one[2]): float(one[3]) for one in re.findall(pattern, client.get("/metrics").text)}


def test_metrics_count_by_the_template_of_a_route_and_never_by_what_a_client_wrote(plant: Plant) -> None:
    with plant.stranger() as client:
        for name in ("a", "b", "c"):
            client.get(f"/v1/conversations/{name * 8}-0000-0000-0000-000000000000")
            client.get(f"/v1/nowhere/{name}")
            client.get(f"/page/{name}")
            plant.raw(f"FROB{name} /v1 HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n".encode())
        counted = series(client)
        text = client.get("/metrics").text

    routes, methods = {route for _, route, _ in counted}, {method for method, _, _ in counted}
    assert any(route.startswith("/v1/conversations/{conversation_id") for route in routes)
    assert {"unmatched", "ui"} <= routes
    assert not any("nowhere" in route or "0000" in route for route in routes)
    assert "other" in methods
    assert not any(method.startswith("FROB") for method in methods)
    for name in (
        "outpost_http_request_seconds_bucket",
        "outpost_answers_total",
        "outpost_jobs",
        "outpost_component_up",
    ):
        assert name in text


def test_metrics_name_no_person_no_question_and_no_document(plant: Plant) -> None:
    plant.person("viewer").post("/v1/chat", json={"message": QUESTION})
    with plant.stranger() as client:
        text = client.get("/metrics").text

    assert not any(word in text for word in ("viewer", "torque", "P-101A", "pump"))


def test_no_process_of_the_node_listens_or_speaks_beyond_loopback(plant: Plant) -> None:
    lines = []
    for pid in plant.node.pids().values():
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            lines += one.net_connections("inet")

    assert any(line.status == psutil.CONN_LISTEN and line.laddr.port == plant.node.port for line in lines)
    for line in lines:
        assert ipaddress.ip_address(line.laddr.ip).is_loopback
        assert not line.raddr or ipaddress.ip_address(line.raddr.ip).is_loopback


def test_many_at_once_are_all_answered_each_with_its_own_answer(plant: Plant) -> None:
    viewer, operator = plant.person("viewer"), plant.person("operator")

    def ask(index: int) -> tuple[int, str]:
        if index % 4 == 0:
            answer = viewer.post("/v1/chat", json={"message": QUESTION})
            return answer.status_code, "answered" if TORQUE in answer.json()["answer"] else answer.text
        person, role = (viewer, "viewer") if index % 2 else (operator, "operator")
        me = person.get("/v1/auth/me")
        return me.status_code, role if me.json()["role"] == role else me.text

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(ask, range(48)))

    assert {status for status, _ in found} == {200}
    assert {what for _, what in found} == {"answered", "viewer", "operator"}


def http_scope(**headers: str) -> Any:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": ScopeType.HTTP, "path": "/v1/x", "raw_path": b"/v1/x", "method": "POST", "headers": pairs}


async def nobody_speaks() -> Any:
    await asyncio.Event().wait()


async def unheard(_message: Any) -> None:
    return None


@pytest.fixture
def ui(tmp_path: Path) -> BuiltUi:
    (tmp_path / "index.html").touch()
    return BuiltUi(tmp_path)


async def test_a_request_whose_body_does_not_come_is_given_up(ui: BuiltUi) -> None:
    async def api(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()

    edge = Edge(api, ui, patience=0.01)

    with pytest.raises(RequestStalled):
        await edge(http_scope(content_length="9"), nobody_speaks, unheard)
    await edge.finish()


async def test_what_is_being_worked_on_is_finished_before_the_node_ends(ui: BuiltUi) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def api(_scope: Any, _receive: Any, _send: Any) -> None:
        begun.set()
        await may_end.wait()

    edge = Edge(api, ui, patience=60)
    request = asyncio.create_task(edge(http_scope(), nobody_speaks, unheard))
    await begun.wait()
    finishing = asyncio.create_task(edge.finish())
    done, _ = await asyncio.wait({finishing}, timeout=0.01)
    assert not done

    may_end.set()

    await finishing
    assert request.done()


async def test_a_listener_who_has_said_everything_may_stay_silent(ui: BuiltUi) -> None:
    """The answer to a question streams for as long as it takes; its asker is only listened to for a hang-up."""
    hung_up = asyncio.Event()
    said: list[dict[str, Any]] = [{"type": "http.request", "body": b"{}", "more_body": False}]

    async def receive() -> Any:
        if said:
            return said.pop()
        await hung_up.wait()
        return {"type": "http.disconnect"}

    async def api(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()
        asyncio.get_running_loop().call_later(0.1, hung_up.set)
        assert (await receive())["type"] == "http.disconnect"

    await Edge(api, ui, patience=0.001)(http_scope(content_length="2"), receive, unheard)
