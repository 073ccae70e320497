"""The built UI: pages, hashed files, conditional requests, nothing outside its directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.edge import Edge
from appliance.static import BuiltUi, UiNotBuilt


@pytest.fixture
def ui(tmp_path: Path) -> BuiltUi:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Outpost</title>" + " " * 600)
    (tmp_path / "assets" / "app-1a2b.js").write_text("export {};")
    return BuiltUi(tmp_path)


async def fetch(app: Any, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    await app({"type": "http", "path": path, "method": method, "headers": raw}, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


async def test_every_path_that_is_no_file_is_the_application(ui: BuiltUi) -> None:
    for path in ("/", "/kiosk", "/console/documents/1"):
        status, _, body = await fetch(ui, path)
        assert (status, body[:9]) == (200, b"<!doctype")


async def test_a_missing_file_is_not_the_application(ui: BuiltUi) -> None:
    assert (await fetch(ui, "/assets/gone.js"))[0] == 404
    assert (await fetch(ui, "/../../etc/passwd.txt"))[0] == 404


async def test_what_has_not_changed_is_not_sent_again(ui: BuiltUi) -> None:
    _, headers, _ = await fetch(ui, "/")
    status, _, body = await fetch(ui, "/", if_none_match=headers[b"etag"].decode())

    assert (status, body) == (304, b"")


async def test_hashed_files_are_kept_for_ever_and_pages_are_asked_for_again(ui: BuiltUi) -> None:
    assert b"immutable" in (await fetch(ui, "/assets/app-1a2b.js"))[1][b"cache-control"]
    assert (await fetch(ui, "/"))[1][b"cache-control"] == b"no-cache"


async def test_a_browser_that_takes_gzip_gets_it(ui: BuiltUi) -> None:
    _, headers, body = await fetch(ui, "/", accept_encoding="gzip, br")

    assert headers[b"content-encoding"] == b"gzip"
    assert body[:2] == b"\x1f\x8b"


async def test_the_edge_sends_a_strict_policy_with_every_page(ui: BuiltUi) -> None:
    _, headers, _ = await fetch(Edge(ui, ui), "/kiosk")

    policy = headers[b"content-security-policy"].decode()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http:" not in policy
    assert headers[b"x-request-id"]


def test_a_node_without_its_interface_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UiNotBuilt) as caught:
        BuiltUi(tmp_path)
    assert "make" in caught.value.hint
