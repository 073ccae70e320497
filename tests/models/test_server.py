"""The contract of the model server, over a real process and socket."""

import asyncio
import base64
import json
import signal
import socket as sockets
import stat
from collections.abc import AsyncIterator, Callable
from functools import partial

import httpx
import numpy as np
import pytest

from tests.models.conftest import ServerProcess, until


@pytest.fixture
async def http(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.AsyncHTTPTransport(uds=str(server.socket))
    async with httpx.AsyncClient(transport=transport, base_url="http://models", timeout=60) as connected:
        yield connected


async def bulk_waits(http: httpx.AsyncClient, expected: bool) -> bool:
    return bool((await http.get("/health")).json()["waiting"]["bulk"]) == expected


async def test_embeddings_come_as_openai_sends_them(http: httpx.AsyncClient) -> None:
    answer = (await http.post("/v1/embeddings", json={"model": "minilm-embed", "input": ["one", "two"]})).json()

    assert answer["object"] == "list"
    assert answer["model"] == "minilm-embed"
    assert [row["index"] for row in answer["data"]] == [0, 1]
    assert all(row["object"] == "embedding" and len(row["embedding"]) == 384 for row in answer["data"])
    assert answer["usage"]["total_tokens"] == 6


async def test_a_single_string_is_one_input(http: httpx.AsyncClient) -> None:
    answer = (await http.post("/v1/embeddings", json={"input": "one"})).json()

    assert len(answer["data"]) == 1


async def test_base64_and_floats_are_the_same_vector(http: httpx.AsyncClient) -> None:
    plain = (await http.post("/v1/embeddings", json={"input": "valve"})).json()
    packed = (await http.post("/v1/embeddings", json={"input": "valve", "encoding_format": "base64"})).json()

    vector = np.frombuffer(base64.b64decode(packed["data"][0]["embedding"]), "<f4")
    assert np.allclose(vector, plain["data"][0]["embedding"], atol=1e-6)
    assert abs(float(np.linalg.norm(vector)) - 1) < 1e-5


async def test_rerank_sorts_best_first_and_keeps_the_index(http: httpx.AsyncClient) -> None:
    documents = ["The canteen opens at noon.", "The pump trips at 8 bar.", "Pumps are painted blue."]
    body = {"query": "at what pressure does the pump trip", "documents": documents}

    results = (await http.post("/v1/rerank", json=body)).json()["results"]
    first = (await http.post("/v1/rerank", json={**body, "top_n": 1, "return_documents": True})).json()["results"]

    assert [row["index"] for row in results] == [1, 2, 0]
    assert sorted((row["relevance_score"] for row in results), reverse=True) == [r["relevance_score"] for r in results]
    assert [row["document"]["text"] for row in first] == [documents[1]]


async def test_read_keeps_the_order_and_quotes_verbatim(http: httpx.AsyncClient) -> None:
    passages = ["The canteen opens at noon.", "The feed pump trips at 8 bar."]

    answer = await http.post("/v1/read", json={"question": "When does the canteen open?", "passages": passages})

    results = answer.json()["results"]
    assert [row["index"] for row in results] == [0, 1]
    for row, passage in zip(results, passages, strict=True):
        assert 0 <= row["answerable"] <= 1
        assert row["spans"]
        assert all(passage[span["start"] : span["end"]] == span["text"] for span in row["spans"])


async def test_an_empty_passage_answers_nothing(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/read", json={"question": "What?", "passages": ["", "   "]})

    assert [(row["answerable"], row["spans"]) for row in answer.json()["results"]] == [(0, []), (0, [])]


async def test_models_health_and_metrics_tell_what_is_served(http: httpx.AsyncClient) -> None:
    await http.post("/v1/embeddings", json={"input": "counted"})

    names = [row["id"] for row in (await http.get("/v1/models")).json()["data"]]
    health = (await http.get("/health")).json()
    metrics = (await http.get("/metrics")).text

    assert names == ["minilm-embed", "minilm-read", "minilm-injection"]
    assert health["status"] == "ok"
    assert health["kinds"] == ["embed", "rerank", "read", "classify"]
    assert 'models_requests_total{path="/v1/embeddings",status="200"}' in metrics
    assert "counted" not in metrics


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/embeddings", "{", 400, "invalid_value"),
        ("/v1/embeddings", '{"input": []}', 400, "invalid_value"),
        ("/v1/embeddings", '{"input": [1]}', 400, "invalid_value"),
        ("/v1/embeddings", json.dumps({"input": ["x"] * 513}), 400, "invalid_value"),
        ("/v1/embeddings", json.dumps({"input": "x" * 40_000}), 400, "invalid_value"),
        ("/v1/embeddings", '{"input": "x", "model": "gpt-4"}', 404, "model_not_found"),
        ("/v1/rerank", '{"query": "", "documents": ["x"]}', 400, "invalid_value"),
        ("/v1/read", '{"question": "x"}', 400, "invalid_value"),
        ("/v1/read", '{"question": "\\ud800", "passages": ["x"]}', 400, "invalid_value"),
        ("/v1/chat/completions", "{}", 404, "not_found"),
    ],
)
async def test_a_bad_request_is_refused_in_openais_shape(
    http: httpx.AsyncClient, path: str, body: str, status: int, code: str
) -> None:
    answer = await http.post(path, content=body)

    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["type"] == "invalid_request_error"
    assert error["message"]


async def test_the_wrong_method_is_refused(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v1/read")).status_code == 405
    assert (await http.delete("/health")).status_code == 405


async def test_a_request_beyond_the_limit_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/embeddings", content=b" " * (5 * 1024 * 1024))

    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


async def test_more_requests_than_the_lane_holds_are_told_to_wait(http: httpx.AsyncClient) -> None:
    body = {"input": ["A long sentence about valves, pumps and their seals. " * 12] * 6}
    bulk = {"x-priority": "bulk"}

    answers = await asyncio.gather(*(http.post("/v1/embeddings", json=body, headers=bulk) for _ in range(24)))

    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    assert all(answer.json()["error"]["type"] == "rate_limit_error" for answer in refused)
    assert {answer.status_code for answer in answers} == {200, 429}


async def test_a_question_overtakes_bulk_work(http: httpx.AsyncClient) -> None:
    body = {"input": ["A long sentence about valves, pumps and their seals. " * 12] * 120}
    order: list[str] = []

    async def post(name: str, path: str, body: object, headers: dict[str, str]) -> None:
        assert (await http.post(path, json=body, headers=headers)).status_code == 200
        order.append(name)

    bulk = asyncio.create_task(post("bulk", "/v1/embeddings", body, {"x-priority": "bulk"}))
    await until(partial(bulk_waits, http, True))
    await post("question", "/v1/read", {"question": "How hot?", "passages": ["It is 80 °C hot."]}, {})
    await bulk

    assert order == ["question", "bulk"]


async def test_work_of_a_client_that_hung_up_is_dropped(http: httpx.AsyncClient, server: ServerProcess) -> None:
    body = json.dumps({"input": ["A long sentence about valves, pumps and their seals. " * 12] * 400}).encode()
    _, writer = await asyncio.open_unix_connection(str(server.socket))
    head = f"POST /v1/embeddings HTTP/1.1\r\nhost: m\r\nx-priority: bulk\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    await until(partial(bulk_waits, http, True))

    writer.close()
    await writer.wait_closed()

    await until(partial(bulk_waits, http, False), seconds=5)


def test_the_socket_is_for_its_owner_alone(server: ServerProcess) -> None:
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o600


def test_sigterm_ends_the_server_and_removes_its_socket(own_server: Callable[..., ServerProcess]) -> None:
    server = own_server("embed")
    assert "serving" in server.start()

    code, out, err = server.end(signal.SIGTERM)

    assert (code, err) == (0, "")
    assert "stopped" in out
    assert not server.socket.exists()


def test_a_second_server_leaves_the_first_its_socket(own_server: Callable[..., ServerProcess]) -> None:
    first, second = own_server("embed"), own_server("embed")
    assert "serving" in first.start()

    assert second.start() == ""
    code, _, err = second.end()

    assert code == 1
    assert "already answers" in err
    with sockets.socket(sockets.AF_UNIX) as probe:
        probe.connect(str(first.socket))


def test_the_socket_left_by_a_killed_server_is_taken_over(own_server: Callable[..., ServerProcess]) -> None:
    server = own_server("embed")
    assert "serving" in server.start()
    assert server.end(signal.SIGKILL)[0] == -signal.SIGKILL
    assert server.socket.exists()

    assert "serving" in server.start()


def test_a_server_holds_only_the_kinds_it_was_asked_for(own_server: Callable[..., ServerProcess]) -> None:
    server = own_server("embed")
    server.start()

    with httpx.Client(transport=httpx.HTTPTransport(uds=str(server.socket)), base_url="http://models") as http:
        assert http.get("/health").json()["kinds"] == ["embed"]
        assert http.post("/v1/read", json={"question": "x", "passages": ["x"]}).status_code == 404
