"""The whole way in a running node: an admin adds a program, something happens, the worker sends it, signed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.api.plant import TENANT, problem_of
from tests.node import RunningNode, free_port
from tests.notices.test_rules import verifier


class Hook(BaseHTTPRequestHandler):
    got: list[tuple[dict[str, str], bytes]] = []  # noqa: RUF012 - one list for one test

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture
def hook() -> Iterator[HTTPServer]:
    Hook.got.clear()
    with HTTPServer(("127.0.0.1", free_port()), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


def test_a_ping_and_a_locked_account_reach_the_program_signed_and_no_secret_stays_behind(
    tmp_path: Path, hook: HTTPServer
) -> None:
    host = f"127.0.0.1:{hook.server_port}"
    allowed = {"OUTPOST_WEBHOOK_HOSTS": host}
    with RunningNode(tmp_path / "data", demo=False, environment=allowed) as node, node.owner(TENANT) as door:
        elsewhere = {"name": "x", "url": "http://127.0.0.1:9/", "kinds": ["disk.low"]}
        assert problem_of(door.post("/v1/webhooks", json=elsewhere))["code"] == "webhook-address-refused"
        new = {"name": "Shift book", "url": f"http://{host}/hook", "kinds": ["account.locked"]}
        made = door.post("/v1/webhooks", json=new).raise_for_status().json()
        door.post(f"/v1/webhooks/{made['webhook']['id']}/test").raise_for_status()
        viewer = next(one for one in node.credentials() if one["tenant"] == TENANT and one["role"] == "viewer")
        wrong = {"tenant": TENANT, "username": viewer["username"], "password": "not the password"}
        for _ in range(6):
            door.post("/v1/auth/login", json=wrong)

        node.wait_for(lambda: len(Hook.got) >= 2, "both deliveries", seconds=30)

        checked, seen = verifier(), set[str]()
        kinds = [
            checked(made["secret"], headers, body, now=int(headers["webhook-timestamp"]), seen=seen)["type"]
            for headers, body in Hook.got
        ]
        assert kinds == ["ping", "account.locked"]
        assert viewer["username"] not in json.dumps([body.decode() for _, body in Hook.got])
        shown = door.get("/v1/webhooks").text + door.get("/v1/audit", params={"page_size": "100"}).text
        assert made["secret"] not in shown
        assert made["secret"] not in node.log_tail()
        with node.sign_in("operator", TENANT) as operator:
            assert problem_of(operator.get("/v1/webhooks"))["code"] == "policy-denied"
