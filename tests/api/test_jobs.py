"""Jobs that people ask for over HTTP: made once, watched, cancelled, and whose they are."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import httpx
import pytest

from tests.api.plant import TENANT, Plant

JOBS, ADMIN = "/v1/jobs", "/v1/admin/jobs"


def ended(client: httpx.Client, job_id: str, *, seconds: float = 30) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found: dict[str, Any] = client.get(f"{JOBS}/{job_id}").raise_for_status().json()
        if found["state"] not in {"queued", "running"}:
            return found
        time.sleep(0.05)
    raise AssertionError("the job did not end")


def asked(client: httpx.Client, kind: str, *, path: str = JOBS, **more: Any) -> dict[str, Any]:
    response = client.post(path, json={"type": kind, **more})
    assert response.status_code == 202, response.text
    assert response.headers["location"] == f"{JOBS}/{response.json()['job_id']}"
    found: dict[str, Any] = response.json()
    return found


def stream(client: httpx.Client, job_id: str, last: int | None = None) -> list[tuple[str, str, dict[str, Any]]]:
    """Event, id and data of everything that a watcher is sent until the end."""
    headers = {} if last is None else {"last-event-id": str(last)}
    found = []
    with client.stream("GET", f"{JOBS}/{job_id}/events", headers=headers) as response:
        for block in "".join(response.iter_text()).split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if lines:
                found.append((lines["event"], lines.get("id", ""), json.loads(lines["data"])))
    return found


def test_a_viewer_has_a_job_done_and_watches_it_to_its_end(plant: Plant) -> None:
    viewer = plant.person("viewer")
    job = asked(viewer, "demo", payload={"steps": 3, "seconds": 0.6})

    seen = stream(viewer, job["job_id"])

    names = [name for name, _, _ in seen]
    assert (names[:2], names[-2:]) == (["queued", "running"], ["finished", "end"])
    assert [int(number) for _, number, _ in seen[:-1]] == list(range(1, len(seen)))
    assert seen[-1][2]["result"] == {"steps": 3}


def test_a_watcher_that_comes_back_is_sent_what_it_missed_and_nothing_twice(plant: Plant) -> None:
    viewer = plant.person("viewer")
    job = asked(viewer, "demo", payload={"steps": 2, "seconds": 0})
    whole = stream(viewer, job["job_id"])

    assert stream(viewer, job["job_id"], last=2) == whole[2:]


def test_the_same_key_is_the_same_job_and_another_body_is_refused(plant: Plant) -> None:
    viewer = plant.person("viewer")
    key = {"idempotency-key": uuid.uuid4().hex}
    first = viewer.post(JOBS, json={"type": "test"}, headers=key)
    again = viewer.post(JOBS, json={"type": "test"}, headers=key)
    other = viewer.post(JOBS, json={"type": "demo"}, headers=key)

    assert first.json()["job_id"] == again.json()["job_id"]
    assert other.status_code in {409, 422}


def test_a_job_is_cancelled_with_202_and_from_then_on_200(plant: Plant) -> None:
    viewer = plant.person("viewer")
    job = asked(viewer, "long-running", payload={"steps": 1000, "seconds": 0.1})

    assert viewer.delete(f"{JOBS}/{job['job_id']}").status_code == 202
    assert viewer.delete(f"{JOBS}/{job['job_id']}").status_code == 200
    assert ended(viewer, job["job_id"])["state"] == "cancelled"
    assert viewer.delete(f"{JOBS}/{job['job_id']}").status_code == 200


def test_a_job_that_has_not_changed_is_not_sent_again(plant: Plant) -> None:
    viewer = plant.person("viewer")
    job_id = asked(viewer, "test")["job_id"]
    ended(viewer, job_id)
    first = viewer.get(f"{JOBS}/{job_id}")

    assert viewer.get(f"{JOBS}/{job_id}", headers={"if-none-match": first.headers["etag"]}).status_code == 304


def test_a_dead_letter_says_why(plant: Plant) -> None:
    viewer = plant.person("viewer")
    failed = ended(viewer, asked(viewer, "demo", payload={"steps": 1, "seconds": 0, "fails": True})["job_id"])
    late = ended(viewer, asked(viewer, "long-running", payload={"steps": 900}, deadline_seconds=1)["job_id"])

    assert (failed["state"], failed["reason"], failed["error"]["code"]) == ("failed", "refused", "asked-to-fail")
    assert (late["state"], late["reason"]) == ("failed", "deadline")


def test_what_a_viewer_asks_for_another_viewer_does_not_see_and_an_admin_does(plant: Plant) -> None:
    job_id = asked(plant.person("viewer"), "test")["job_id"]

    assert plant.person("operator").get(f"{JOBS}/{job_id}").status_code == 404
    assert plant.person("operator").get(f"{ADMIN}/{job_id}").status_code == 403
    assert plant.person("admin").get(f"{ADMIN}/{job_id}").json()["job_id"] == job_id


def test_an_admin_has_a_job_done_for_somebody_and_cancels_it(plant: Plant) -> None:
    viewer, admin = plant.person("viewer"), plant.person("admin")
    me = viewer.get("/v1/auth/me").raise_for_status().json()["id"]
    payload = {"steps": 1000, "seconds": 0.1}
    job = asked(admin, "long-running", path=ADMIN, owner_id=me, payload=payload)

    assert job["owner_id"] == me
    assert viewer.get(f"{JOBS}/{job['job_id']}").status_code == 200
    assert admin.delete(f"{ADMIN}/{job['job_id']}").status_code == 202
    assert ended(viewer, job["job_id"])["state"] == "cancelled"


def test_nobody_is_given_a_job_who_is_not_there(plant: Plant) -> None:
    response = plant.person("admin").post(ADMIN, json={"type": "test", "owner_id": str(uuid.uuid4())})

    assert response.status_code == 404


@pytest.mark.parametrize(
    "wrong", [{"type": "no-such"}, {"type": "demo", "payload": {"steps": 0}}, {}, {"type": "test", "x": 1}]
)
def test_a_wrong_job_is_refused(plant: Plant, wrong: dict[str, Any]) -> None:
    assert plant.person("viewer").post(JOBS, json=wrong).status_code == 400


def test_one_person_does_not_fill_the_queue(plant: Plant) -> None:
    with plant.node.owner(TENANT) as door:
        made = [door.post(JOBS, json={"type": "long-running", "payload": {"seconds": 60}}) for _ in range(51)]
        for one in made[:-1]:
            door.delete(f"{JOBS}/{one.json()['job_id']}").raise_for_status()

    assert [one.status_code for one in made] == [202] * 50 + [429]


def test_a_stream_says_once_when_to_come_back(plant: Plant) -> None:
    viewer = plant.person("viewer")
    job = asked(viewer, "test")
    with viewer.stream("GET", f"{JOBS}/{job['job_id']}/events") as response:
        text = "".join(response.iter_text())

    assert text.startswith("retry: 3000\n")
    assert text.count("retry:") == 1


def test_a_dead_letter_is_done_again_once(plant: Plant) -> None:
    admin, viewer = plant.person("admin"), plant.person("viewer")
    job = asked(viewer, "demo", payload={"steps": 1, "seconds": 0, "fails": True})
    stream(viewer, job["job_id"])
    again = f"{ADMIN}/{job['job_id']}/retry"

    assert viewer.post(again).status_code == 403
    first, second = admin.post(again), admin.post(again)

    assert first.status_code == second.status_code == 202, first.text
    assert first.json()["job_id"] == second.json()["job_id"] != job["job_id"]
    assert first.json()["owner_id"] == job["owner_id"]
    assert stream(viewer, first.json()["job_id"])[-1][2]["reason"] == "refused"


def test_what_has_not_failed_is_not_done_again(plant: Plant) -> None:
    admin = plant.person("admin")
    job = asked(admin, "test")
    stream(admin, job["job_id"])
    refused = admin.post(f"{ADMIN}/{job['job_id']}/retry")

    assert (refused.status_code, refused.json()["code"]) == (409, "not-repeatable")
    assert admin.post(f"{ADMIN}/{uuid.uuid4()}/retry").status_code == 404
