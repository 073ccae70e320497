"""Documents and jobs over HTTP: the real application, signed in without passwords."""

from __future__ import annotations

import asyncio
import io
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from reportlab.pdfgen.canvas import Canvas

from appliance.app import build
from appliance.documents import api as documents_api
from appliance.documents.receiving import sweep
from appliance.jobs import api as jobs_api
from appliance.store import Principal
from tests.documents.plant import Plant

STATES = ("pending", "processing", "ready", "failed")
MANUAL = b"# Pump P-101A\n\nTighten the M12 casing bolts to 47 Nm.\n"


@dataclass
class Doorman:
    """Stands where sign-in does: a token is the name of somebody known."""

    known: dict[str, Principal]

    async def authenticate(self, token: str, *, kiosk_token: str | None = None) -> Principal:
        return self.known[token]

    async def owner(self, tenant_slug: str | None) -> Principal:
        return self.known["admin"]

    async def turn_away(self, principal: Principal) -> None:
        raise AssertionError(principal)


def pdf(*pages: str) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    for text in pages:
        canvas.drawString(72, 720, text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


@pytest.fixture
def app(node_plant: Plant) -> Litestar:
    plant = node_plant
    people = {role: plant.person(role, 3 if role == "admin" else 2) for role in ("viewer", "operator", "admin")}
    services = {
        "library": plant.library,
        "moving": plant.moving,
        "jobs": plant.jobs,
        "submitting": None,
        "gate": plant.gate,
    }
    return build([*documents_api.ROUTES, *jobs_api.ROUTES], services, Doorman(people))


@asynccontextmanager
async def signed_in(app: Litestar, role: str = "operator") -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {role}"}
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://node", headers=headers) as client:
        yield client


async def send(client: httpx.AsyncClient, name: str, content: bytes, **form: Any) -> httpx.Response:
    return await client.post("/v1/documents/upload", files={"file": (name, content)}, data=form)


async def test_upload_follow_read_and_delete(app: Litestar, node_plant: Plant) -> None:
    node_plant.start()
    async with signed_in(app) as client:
        metadata = json.dumps({"revision": "4", "assets": ["P-101A"], "department": "maintenance"})
        answer = await send(
            client, "manual.pdf", pdf("Impeller nut 62 Nm", "Storage"), metadata=metadata, tags='["pump","alder"]'
        )
        assert answer.status_code == 202
        body = answer.json()
        assert body.keys() == {"document_id", "status", "job_id"}
        assert body["status"] == "processing"
        await node_plant.until(UUID(body["document_id"]), "ready")

        detail = (await client.get(f"/v1/documents/{body['document_id']}")).json()
        assert (detail["status"], detail["pages"], detail["revision"]) == ("ready", 2, "4")
        assert (detail["tags"], detail["metadata"]) == (["pump", "alder"], {"department": "maintenance"})
        assert detail["chunks"][0]["text"] == "Impeller nut 62 Nm\nStorage"
        (x0, y0, x1, y1), *_ = detail["chunks"][0]["boxes"]
        assert 0.1 < x0 < x1 < 0.4
        assert 0.1 < y0 < y1 < 0.2

        image = await client.get(f"/v1/documents/{body['document_id']}/pages/2", params={"width": 300})
        assert image.headers["content-type"] == "image/png"
        assert image.content.startswith(b"\x89PNG")
        assert (await client.get(f"/v1/documents/{body['document_id']}/pages/3")).status_code == 422

        file = await client.get(f"/v1/documents/{body['document_id']}/file")
        assert file.content.startswith(b"%PDF")
        assert file.headers["content-disposition"] == "attachment; filename*=UTF-8''manual.pdf"

        assert (await client.delete(f"/v1/documents/{body['document_id']}")).status_code == 204
        assert (await client.get(f"/v1/documents/{body['document_id']}")).status_code == 404


async def test_a_job_is_followed_by_server_sent_events_and_cached_by_its_etag(app: Litestar, node_plant: Plant) -> None:
    node_plant.start()
    async with signed_in(app) as client:
        job = f"/v1/jobs/{(await send(client, 'a.md', MANUAL)).json()['job_id']}"
        stream = (await client.get(f"{job}/events")).text
        kinds = [line.removeprefix("event: ") for line in stream.splitlines() if line.startswith("event: ")]
        assert (kinds[0], kinds[-2], kinds[-1]) == ("queued", "finished", "end")
        numbers = [int(line.removeprefix("id: ")) for line in stream.splitlines() if line.startswith("id: ")]
        assert numbers == list(range(1, len(numbers) + 1))

        resumed = (await client.get(f"{job}/events", headers={"last-event-id": str(numbers[-2])})).text
        assert [line for line in resumed.splitlines() if line.startswith("id: ")] == [f"id: {numbers[-1]}"]

        first = await client.get(job)
        assert first.json()["state"] == "finished"
        again = await client.get(job, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_cancelling_is_accepted_once_and_then_only_confirmed(app: Litestar, node_plant: Plant) -> None:
    async with signed_in(app) as client:
        body = (await send(client, "a.md", MANUAL)).json()
        answers = [(await client.delete(f"/v1/jobs/{body['job_id']}")).status_code for _ in range(2)]
        detail = (await client.get(f"/v1/documents/{body['document_id']}")).json()

    assert answers == [202, 200]
    assert detail["status"] == "failed"
    assert detail["reason"] == "Reading it in was cancelled. Start it again to use the document."


async def test_what_was_accepted_leads_to_what_to_follow(app: Litestar, node_plant: Plant) -> None:
    async with signed_in(app) as client:
        taken = await send(client, "a.md", MANUAL)
        cancelled = await client.delete(taken.headers["location"])
        confirmed = await client.delete(cancelled.headers["location"])
        node_plant.start()
        again = await send(client, "a.md", MANUAL)
        row = await node_plant.until(UUID(again.json()["document_id"]), "ready")
        known = await send(client, "a.md", MANUAL)
        anew = await client.post(f"{known.headers['location']}/reindex")
        followed = (await client.get(anew.headers["location"])).json()

    assert [one.status_code for one in (taken, cancelled, confirmed, again, known, anew)] == [
        202,
        202,
        200,
        202,
        202,
        202,
    ]
    assert taken.headers["location"] == cancelled.headers["location"] == f"/v1/jobs/{taken.json()['job_id']}"
    assert "location" not in confirmed.headers
    assert again.headers["location"] == f"/v1/jobs/{row.job_id}"
    assert known.headers["location"] == f"/v1/documents/{row.id}"
    assert followed["job_id"] == anew.json()["job_id"]


@pytest.mark.parametrize(
    ("name", "form", "status", "code"),
    [
        ("a.md", {"classification": "SECRET"}, 400, "unknown-classification"),
        ("a.md", {"metadata": '{"owner": "nobody"}'}, 400, "unsuitable-data-owner"),
        ("a.md", {"metadata": '{"field_labels": {"price": "III"}}'}, 400, "invalid-document"),
        ("a.md", {"metadata": '{"field_labels": ["III"]}'}, 400, "invalid-document"),
        ("a.md", {"metadata": '{"price": 1, "field_labels": {"price": "V"}}'}, 400, "unknown-classification"),
        ("a.md", {"metadata": "{"}, 400, "invalid-document"),
        ("a.md", {"metadata": "[]"}, 400, "invalid-document"),
        ("a.md", {"metadata": '{"effective_from": "soon"}'}, 400, "invalid-document"),
        ("a.md", {"tags": "[1"}, 400, "invalid-document"),
        ("a.xlsx", {}, 415, "unsupported-file"),
        ("a", {}, 415, "unsupported-file"),
        ("..", {}, 400, "invalid-document"),
    ],
)
async def test_a_wrong_upload_says_what_is_wrong(
    app: Litestar, name: str, form: dict[str, str], status: int, code: str
) -> None:
    async with signed_in(app) as client:
        answer = await send(client, name, MANUAL, **form)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_what_is_no_upload_is_refused(app: Litestar) -> None:
    async with signed_in(app) as client:
        assert (await client.post("/v1/documents/upload", json={})).status_code == 400
        assert (await client.post("/v1/documents/upload", data={"a": "b"})).status_code == 400
        broken = {"content-type": "multipart/form-data; boundary=x"}
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\nhalf'
        assert (await client.post("/v1/documents/upload", content=body, headers=broken)).status_code == 400
        two = [("file", ("a.md", MANUAL)), ("file", ("b.md", MANUAL))]
        assert (await client.post("/v1/documents/upload", files=two)).status_code == 400


async def test_a_body_without_end_is_cut_off_at_the_limit_and_leaves_nothing(app: Litestar, node_plant: Plant) -> None:
    node_plant.library.limit = 3 * 2**20
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\n'
        while True:
            sent += 2**20
            yield b"a" * 2**20
            await asyncio.sleep(0)

    async with signed_in(app) as client:
        answer = await client.post(
            "/v1/documents/upload", content=endless(), headers={"content-type": "multipart/form-data; boundary=x"}
        )

    assert (answer.status_code, answer.json()["code"]) == (413, "file-too-large")
    assert sent <= 6 * 2**20
    assert list(node_plant.library.folder.iterdir()) == []


async def test_who_may_upload_nothing_is_turned_away_before_the_file_is_taken_in(
    app: Litestar, node_plant: Plant
) -> None:
    taken = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        taken += 1
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\n'

    async with signed_in(app, "viewer") as client:
        answer = await client.post(
            "/v1/documents/upload", content=body(), headers={"content-type": "multipart/form-data; boundary=x"}
        )

    assert (answer.status_code, answer.json()["code"], taken) == (403, "policy-denied", 0)
    assert not node_plant.library.folder.exists()


async def test_an_upload_that_the_disk_has_no_room_for_is_refused_with_the_reason(
    app: Litestar, node_plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> tuple[int, str]:
        return os.open("/dev/full", os.O_WRONLY), str(node_plant.library.folder / "upload-full")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    async with signed_in(app) as client:
        answer = await send(client, "a.md", MANUAL)

    assert (answer.status_code, answer.json()["code"]) == (503, "disk-nearly-full")


async def test_a_list_by_state_names_the_state_that_does_not_exist(app: Litestar, node_plant: Plant) -> None:
    waiting = await node_plant.upload("a.md", MANUAL)
    async with signed_in(app) as client:
        listed = {state: (await client.get("/v1/documents", params={"status": state})).json() for state in STATES}
        wrong = await client.get("/v1/documents", params={"status": "lost"})

    assert [[one["document_id"] for one in listed[state]["items"]] for state in STATES] == [
        [str(waiting.document_id)], [], [], []
    ]  # fmt: skip
    assert (wrong.status_code, [one["field"] for one in wrong.json()["fields"]]) == (400, ["status"])


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/admin/jobs"])
async def test_a_list_of_jobs_names_the_state_that_does_not_exist(app: Litestar, node_plant: Plant, path: str) -> None:
    async with signed_in(app, "admin") as client:
        job_id = (await send(client, "a.md", MANUAL)).json()["job_id"]
        queued, running = [(await client.get(path, params={"state": state})).json() for state in ("queued", "running")]
        wrong = await client.get(path, params={"state": "lost"})

    assert [[one["job_id"] for one in page["items"]] for page in (queued, running)] == [[job_id], []]
    assert (wrong.status_code, [one["field"] for one in wrong.json()["fields"]]) == (400, ["state"])


async def test_viewers_read_and_do_not_write(app: Litestar, node_plant: Plant) -> None:
    uploaded = await node_plant.upload("a.md", MANUAL)
    async with signed_in(app, "viewer") as client:
        assert (await client.get("/v1/documents")).json()["items"][0]["document_id"] == str(uploaded.document_id)
        assert (await send(client, "b.md", MANUAL)).status_code == 403
        assert (await client.delete(f"/v1/documents/{uploaded.document_id}")).status_code == 403
        assert (await client.post(f"/v1/documents/{uploaded.document_id}/reindex")).status_code == 403


async def test_the_upload_is_described_in_the_openapi_document(app: Litestar) -> None:
    operation = app.openapi_schema.to_schema()["paths"]["/v1/documents/upload"]["post"]
    fields = operation["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]

    assert fields.keys() == {"file", "classification", "metadata", "tags", "team"}


async def test_what_a_crash_left_of_an_upload_is_removed_later(tmp_path: Path) -> None:
    old, fresh = tmp_path / "upload-old", tmp_path / "upload-fresh"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    sweep(tmp_path)

    assert (old.exists(), fresh.exists()) == (False, True)
