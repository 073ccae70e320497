"""A node that sends its traces: what a question and a document leave at the collector, and what they do not."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

from appliance.logs import last_lines
from tests.api.plant import MANUAL, QUESTION, TENANT, TEXT, TORQUE, running_plant
from tests.collector import collecting

KNOWN = {
    "outpost." + name
    for name in (
        "action", "attempt", "by_meaning", "correlation_id", "flagged", "job_id", "kind", "new", "outcome", "passages", "reason", "records",
        "request_id", "texts",
    )
} | {"http.request.method", "http.route", "http.response.status_code", "error.type"}  # fmt: skip


def test_a_question_and_a_document_leave_spans_and_not_one_of_their_words(tmp_path: Path) -> None:
    with (
        collecting() as collector,
        running_plant(tmp_path, environment={"OUTPOST_TRACE_COLLECTOR": collector.address}) as plant,
    ):
        answered = plant.person("viewer").post("/v1/chat", json={"message": QUESTION}).raise_for_status()
        refused = plant.person("viewer").post("/v1/kiosks/enrolment-codes", json={})
        assert refused.status_code == 403
        plant.node.wait_for(lambda: len(collector.named("POST /v1/chat")) > 0, "the spans", seconds=30)
        plant.node.wait_for(
            lambda: any(one.facts.get("error.type") == "policy-denied" for one in list(collector.spans)),
            "the span of the refusal", seconds=30,
        )  # fmt: skip
        with plant.node.owner(TENANT) as door:
            entries = door.get("/v1/admin/audit", params={"page_size": "100"})
        secrets = {one["password"] for one in plant.node.credentials()}
        mine = plant.person("viewer").get("/v1/auth/me").raise_for_status().json()["id"]

    question = collector.named("POST /v1/chat")[0]
    assert question.trace == UUID(answered.headers["x-request-id"])
    assert question.facts["http.response.status_code"] == 200
    within = [one for one in collector.spans if one.trace == question.trace]
    assert {"gate.admit", "record.append", "retrieval.first", "retrieval.rerank"} <= {one.name for one in within}
    admitted = next(one for one in within if one.name == "gate.admit" and one.facts["outpost.action"] == "chat.ask")
    assert admitted.within == question.id
    assert str(admitted.facts["outpost.correlation_id"]) in entries.text

    ingest = collector.named("job ingest")[0]
    assert ingest.trace == UUID(str(ingest.facts["outpost.job_id"]))
    assert ingest.facts["outpost.outcome"] == "finished"
    assert "guard.screen" in {one.name for one in collector.spans if one.trace == ingest.trace}
    assert not [one for one in collector.spans if "health" in one.name or "metrics" in one.name]

    assert {name for one in collector.spans for name in one.facts} <= KNOWN
    sent = b"".join(collector.bodies)
    pieces = {QUESTION, TORQUE, MANUAL, "torque", "bolts", "P-101A", str(mine), *secrets}
    assert not [piece for piece in pieces | set(filter(None, TEXT.splitlines())) if piece.encode() in sent]


def test_a_node_whose_collector_is_gone_answers_as_before(tmp_path: Path) -> None:
    with collecting() as collector:
        address = collector.address
    with running_plant(tmp_path, environment={"OUTPOST_TRACE_COLLECTOR": address}) as plant:
        for _ in range(3):
            answer = plant.person("viewer").post("/v1/chat", json={"message": QUESTION}).raise_for_status().json()
            assert TORQUE in answer["answer"]

        def told() -> bool:
            lines = (tmp_path / "data.log").read_text().splitlines()
            return any("the collector of traces does not take them" in line for line in lines)

        plant.node.wait_for(told, "the node to say so", seconds=60)
        said = [json.loads(line) for line in (tmp_path / "data.log").read_text().splitlines() if line.startswith("{")]
    assert any("collector" in one["event"] for one in last_lines(tmp_path / "data" / "logs"))
    told_by = [one["process"] for one in said if "collector" in one["event"]]
    assert len(told_by) == len(set(told_by)), "each process says it once"
