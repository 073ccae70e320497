"""Whatever goes wrong, the answer is problem details that a person and a program can use."""

from __future__ import annotations

import json
import uuid

import httpx
import pytest

from tests.api.plant import QUESTION, Plant, problem_of

NOWHERE = str(uuid.UUID(int=0))
JSON = {"content-type": "application/json"}


def test_nobody_signed_in_is_401(plant: Plant) -> None:
    with plant.stranger() as client:
        problem = problem_of(client.get("/v1/conversations"))

    assert (problem["status"], problem["code"]) == (401, "unauthenticated")


def test_a_role_that_may_not_is_403_and_names_the_policy(plant: Plant) -> None:
    problem = problem_of(plant.person("viewer").get("/v1/admin/users"))

    assert (problem["status"], problem["code"]) == (403, "policy-denied")
    assert problem["policies"]


@pytest.mark.parametrize(
    "path",
    [f"/v1/conversations/{NOWHERE}", f"/v1/documents/{NOWHERE}", f"/v1/jobs/{NOWHERE}", "/v1/nowhere", "/v1/chat/x"],
)
def test_what_is_not_there_is_404(plant: Plant, path: str) -> None:
    assert problem_of(plant.person("admin").get(path))["status"] == 404


def test_a_method_that_a_path_does_not_take_is_405_and_names_those_it_takes(plant: Plant) -> None:
    response = plant.person("viewer").put("/v1/chat", json={})

    assert problem_of(response)["code"] == "method-not-allowed"
    assert "POST" in response.headers["allow"]


def test_a_method_that_nobody_knows_is_405(plant: Plant) -> None:
    answer = plant.raw(b"FROBNICATE /v1/chat HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 405")
    assert b"application/problem+json" in answer


def test_a_page_image_of_a_document_without_pages_is_409(plant: Plant) -> None:
    document = plant.person("viewer").get("/v1/documents").json()["items"][0]["document_id"]

    assert problem_of(plant.person("viewer").get(f"/v1/documents/{document}/pages/1"))["status"] == 409


def test_a_file_of_a_kind_that_is_not_taken_is_415(plant: Plant) -> None:
    files = {"file": ("tool.exe", b"MZ\x90\x00" + bytes(100))}

    assert problem_of(plant.person("operator").post("/v1/documents/upload", files=files))["status"] == 415


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "message"),
        ({"message": ""}, "message"),
        ({"message": "   "}, "message"),
        ({"message": "x" * 4001}, "message"),
        ({"message": 5}, "message"),
        ({"message": "x", "surprise": 1}, "surprise"),
        ({"message": "x", "conversation_id": "1"}, "conversation_id"),
        ({"message": "x", "stream": "perhaps"}, "stream"),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not_repeated(
    plant: Plant, body: dict[str, object], field: str
) -> None:
    response = plant.person("viewer").post("/v1/chat", json=body)

    problem = problem_of(response)
    assert (problem["status"], problem["code"]) == (400, "invalid-input")
    assert [one["field"] for one in problem["fields"]] == [field]
    assert "xxxx" not in response.text
    assert "perhaps" not in response.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'"message"',
        b"{",
        b"{nope}",
        b'{"message": "a"} trailing',
        b"\xff\xfe{",
        b"message=a",
    ],
)
def test_a_body_that_is_no_json_object_is_400(plant: Plant, body: bytes) -> None:
    assert problem_of(plant.person("viewer").post("/v1/chat", content=body, headers=JSON))["status"] == 400


def test_a_body_of_another_kind_is_400(plant: Plant) -> None:
    for kind in (
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
    ):
        response = plant.person("viewer").post("/v1/chat", content=b"<a/>", headers={"content-type": kind})
        assert problem_of(response)["status"] == 400


@pytest.mark.parametrize("query", ["page_size=0", "page_size=101", "page_size=-1", "page_size=many", "page_size=1e9"])
def test_a_page_size_out_of_range_is_400(plant: Plant, query: str) -> None:
    for path in ("/v1/conversations", "/v1/documents", "/v1/jobs"):
        problem = problem_of(plant.person("viewer").get(f"{path}?{query}"))
        assert (problem["status"], problem["fields"][0]["field"]) == (400, "page_size")


@pytest.mark.parametrize(
    "token", ["", "x", "ä", "=" * 50, "A" * 5000, "eyJhdCI6IjIwMjYiLCJpZCI6IjEifQ", "../../etc/passwd"]
)
def test_a_page_token_that_is_not_ours_is_400(plant: Plant, token: str) -> None:
    for path in ("/v1/conversations", "/v1/documents", "/v1/jobs", "/v1/admin/users", "/v1/kiosks", "/v1/audit"):
        response = plant.person("admin").get(path, params={"page_token": token})
        if token or response.status_code != 200:
            assert problem_of(response)["code"] == "invalid-cursor"


def test_a_page_token_of_another_list_is_400(plant: Plant) -> None:
    admin = plant.person("admin")
    users = admin.get("/v1/admin/users?page_size=1").json()["next_page_token"]
    records = admin.get("/v1/audit?limit=1").json()["next_page_token"]
    lists = ("conversations", "documents", "jobs", "admin/jobs", "audit", "admin/audit", "kiosks")

    for path, token in [(one, users) for one in lists] + [(one, records) for one in (*lists[:4], "admin/users")]:
        assert problem_of(admin.get(f"/v1/{path}", params={"page_token": token}))["code"] == "invalid-cursor", path


def test_a_body_beyond_the_limit_is_413_whether_or_not_it_says_how_long_it_is(plant: Plant) -> None:
    viewer, question = plant.person("viewer"), json.dumps({"message": "x" * 5_000_000}).encode()

    assert problem_of(viewer.post("/v1/chat", content=question, headers=JSON))["status"] == 413
    chunks = (question[start : start + 65536] for start in range(0, len(question), 65536))
    assert problem_of(viewer.post("/v1/chat", content=chunks, headers=JSON))["status"] == 413


def test_a_request_without_a_token_is_refused_before_its_body_is_read(plant: Plant) -> None:
    with plant.stranger() as client:
        assert client.post("/v1/chat", content=b"{" * 1_000_000, headers=JSON).status_code == 401


def test_a_refusal_that_leaves_the_body_unread_says_that_the_line_ends_and_no_other_does(plant: Plant) -> None:
    body = json.dumps({"message": "x" * 5_000_000}).encode()
    for _ in range(3):
        refused = plant.person("viewer").post("/v1/chat", content=body, headers=JSON)
        assert (refused.status_code, refused.headers["connection"]) == (413, "close")
        assert "connection" not in plant.person("viewer").post("/v1/chat", json={}).headers
        assert "connection" not in plant.person("viewer").get("/v1/auth/me").headers
        assert "connection" not in plant.person("viewer").post("/v1/search", json={"query": QUESTION}).headers


def test_headers_beyond_reason_are_refused_or_ignored_and_the_node_goes_on(plant: Plant) -> None:
    for headers in (b"x: " + b"a" * 1_000_000, b"\r\n".join(b"x-%d: a" % index for index in range(2000))):
        answer = plant.raw(b"GET /v1/auth/me HTTP/1.1\r\nhost: node\r\nconnection: close\r\n" + headers + b"\r\n\r\n")
        assert answer == b"" or 400 <= int(answer.split()[1]) < 500

    assert plant.person("viewer").post("/v1/chat", json={"message": QUESTION}).status_code == 200


@pytest.mark.parametrize(
    "line", [b"nonsense", b"GET", b"GET / HTTP/9.9", b"\x16\x03\x01\x02\x00\x01\x00", b"PRI * HTTP/2.0"]
)
def test_what_is_no_request_is_turned_away(plant: Plant, line: bytes) -> None:
    answer = plant.raw(line + b"\r\n\r\n")

    assert b"200 OK" not in answer
    assert plant.person("viewer").get("/v1/auth/me").status_code == 200


def test_each_problem_is_found_again_in_the_log_of_requests_by_its_id(plant: Plant) -> None:
    viewer = plant.person("viewer")
    responses: list[httpx.Response] = [viewer.get("/v1/nowhere") for _ in range(3)]

    assert len({problem_of(response)["correlation_id"] for response in responses}) == 3
