"""Upkeep over HTTP and on the command line: the database, the schedules, a second worker."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import Any

import httpx
import pytest

from tests.api.plant import TENANT, Plant
from tests.api.test_jobs import ended
from tests.node import ROOT

DB, INTERNAL, SCHEDULES = "/v1/admin/db", "/v1/internal/db", "/v1/admin/schedules"


def outpost(plant: Plant, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "appliance.cli", *words, "--data", str(plant.node.data)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_an_admin_has_the_database_checked(plant: Plant) -> None:
    admin = plant.person("admin")
    made = admin.post(f"{DB}/jobs", json={"type": "db.check"})
    assert made.status_code == 202
    job_id = made.json()["job_id"]

    assert ended(admin, job_id, seconds=60)["result"] == {"found": []}
    assert admin.get(f"{DB}/jobs/{job_id}").json()["state"] == "finished"
    assert admin.delete(f"{DB}/jobs/{job_id}").status_code == 200
    assert admin.get(f"{DB}/counts").json()["tables"]["jobs"] >= 1


def test_that_door_has_jobs_of_the_database_alone(plant: Plant) -> None:
    admin = plant.person("admin")
    other = admin.post("/v1/jobs", json={"type": "test"}).json()["job_id"]

    assert admin.post(f"{DB}/jobs", json={"type": "test"}).status_code == 400
    assert admin.get(f"{DB}/jobs/{other}").status_code == 404
    assert admin.delete(f"{DB}/jobs/{other}").status_code == 404


def test_the_owner_of_the_box_has_the_same_from_inside_and_an_admin_has_not(plant: Plant) -> None:
    with plant.node.owner(TENANT) as door:
        job_id = door.post(f"{INTERNAL}/jobs", json={"type": "cleanup"}).raise_for_status().json()["job_id"]
        assert ended(door, job_id)["state"] == "finished"
        assert door.get(f"{INTERNAL}/jobs/{job_id}").status_code == 200
        assert door.get(f"{INTERNAL}/counts").json()["rows"] > 0
    admin = plant.person("admin")
    for answer in (
        admin.get(f"{INTERNAL}/counts"),
        admin.post(f"{INTERNAL}/jobs", json={"type": "cleanup"}),
        admin.get(f"{INTERNAL}/jobs/{job_id}"),
        admin.delete(f"{INTERNAL}/jobs/{job_id}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "policy-denied")


@pytest.mark.parametrize("kind", ["db.check", "cleanup", "record.export", "health.check"])
def test_upkeep_is_not_for_those_who_run_nothing(plant: Plant, kind: str) -> None:
    assert plant.person("operator").post("/v1/jobs", json={"type": kind}).json()["code"] == "policy-denied"


def test_the_record_is_exported_as_a_job_and_proven_without_us(plant: Plant) -> None:
    admin = plant.person("admin")
    done = ended(admin, admin.post("/v1/jobs", json={"type": "record.export"}).json()["job_id"])
    (file,) = plant.node.data.glob(f"exports/*/{done['result']['file']}")

    proof = subprocess.run(
        [sys.executable, "packaging/verify_audit.py", str(file)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert proof.returncode == 0, proof.stdout + proof.stderr


def test_a_schedule_is_shown_run_now_and_its_outcome_stands_beside_it(plant: Plant) -> None:
    admin = plant.person("admin")
    assert {one["name"] for one in listed(admin)} == {
        "health",
        "approvals",
        "backup",
        "cleanup",
        "optimize",
        "index",
        "check",
        "retention",
    }
    assert all(one["next_run_at"] for one in listed(admin))

    job = admin.post(f"{SCHEDULES}/health/run").raise_for_status().json()
    done = ended(admin, job["job_id"])

    assert done["result"]["parts"]["models"]["up"] is True
    (health,) = [one for one in listed(admin) if one["name"] == "health"]
    assert (health["last"]["job_id"], health["last"]["state"]) == (job["job_id"], "finished")
    assert admin.post(f"{SCHEDULES}/nothing/run").json()["code"] == "unknown-schedule"


def listed(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(SCHEDULES).raise_for_status().json()["items"]
    return found


def test_the_command_line_lists_and_runs_schedules(plant: Plant) -> None:
    ran = outpost(plant, "schedule", "run", "cleanup", "--wait", "--json")
    shown = outpost(plant, "schedule", "list")

    assert (ran.returncode, json.loads(ran.stdout)["state"]) == (0, "finished"), ran.stderr
    assert "cleanup" in shown.stdout
    assert "finished" in shown.stdout
    assert outpost(plant, "schedule", "run", "nothing").returncode == 12


def test_a_worker_beside_the_nodes_own_shares_the_work_and_drains_when_told(plant: Plant) -> None:
    command = [sys.executable, "-m", "appliance.cli", "worker", "--types", "demo", "--data", str(plant.node.data)]
    viewer = plant.person("viewer")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as second:
        plant.node.wait_for(
            lambda: list((plant.node.data / "run").glob("worker-*.sock")), "the second worker", seconds=60
        )
        slow = {"type": "demo", "payload": {"steps": 8, "seconds": 0.25}}
        jobs = [viewer.post("/v1/jobs", json=slow).json()["job_id"] for _ in range(4)]
        states: set[int] = set()
        while not all(viewer.get(f"/v1/jobs/{one}").json()["state"] == "finished" for one in jobs):
            running = viewer.get("/v1/jobs", params={"state": "running", "page_size": 100}).json()["items"]
            states.add(sum(one["job_id"] in jobs for one in running))
            time.sleep(0.05)
        second.send_signal(signal.SIGTERM)
        assert second.wait(20) == 0
    assert max(states) == 2
    assert all(viewer.get(f"/v1/jobs/{one}").json()["attempt"] == 1 for one in jobs)


def test_a_worker_for_nothing_that_there_is_says_so(plant: Plant) -> None:
    refused = outpost(plant, "worker", "--types", "nonsense")

    assert refused.returncode == 2 or refused.returncode >= 10
    assert "nonsense" in refused.stderr
