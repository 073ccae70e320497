"""Our chat server as a process: what it promises beyond the contract."""

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.chat.random_gguf import write
from tests.models.chat.conftest import CONTEXT
from tests.models.conftest import ServerProcess, until

COMPLETIONS = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello"}]
SCHEMA = {
    "type": "object",
    "properties": {
        "closed": {"type": "boolean"},
        "valves": {"type": "array", "items": {"enum": ["V1", "V2"]}, "maxItems": 2},
    },
    "required": ["closed", "valves"],
    "additionalProperties": False,
}


def asking(**more: object) -> dict[str, object]:
    return {"messages": HELLO, "temperature": 0, "max_tokens": 12, **more}


def formed(schema: object) -> dict[str, object]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def events(stream: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: {")]


async def metric(http: httpx.AsyncClient, name: str) -> float:
    lines = (await http.get("/metrics")).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"vllm:{name}{{"))


async def test_models_health_and_metrics_tell_what_is_served(http: httpx.AsyncClient) -> None:
    await http.post(COMPLETIONS, json=asking(messages=[{"role": "user", "content": "counted"}]))

    (row,) = (await http.get("/v1/models")).json()["data"]
    metrics = (await http.get("/metrics")).text

    assert (row["id"], row["max_model_len"]) == ("random", CONTEXT)
    assert (await http.get("/health")).json() == {"status": "ok", "kinds": ["chat"], "waiting": 0, "running": 0}
    assert f'models_requests_total{{path="{COMPLETIONS}",status="200"}}' in metrics
    assert await metric(http, "generation_tokens_total") >= 12
    assert "counted" not in metrics


async def test_tokenize_counts_a_text_and_messages(http: httpx.AsyncClient) -> None:
    plain = (await http.post("/tokenize", json={"prompt": "5 µm"})).json()
    asked = (await http.post("/tokenize", json={"messages": HELLO})).json()
    neither = await http.post("/tokenize", json={})

    assert (plain["count"], plain["tokens"], plain["max_model_len"]) == (5, list("5 µm".encode()), CONTEXT)
    assert asked["count"] == len(asked["tokens"]) > 5
    assert neither.status_code == 400


async def test_the_last_chunk_of_a_stream_carries_the_usage(http: httpx.AsyncClient) -> None:
    asked = asking(stream=True, stream_options={"include_usage": True})

    answer = await http.post(COMPLETIONS, json=asked)

    chunks = events(answer.text)
    assert answer.text.endswith("data: [DONE]\n\n")
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == 12
    assert chunks[-2]["choices"][0]["finish_reason"] == "length"
    assert chunks[-2]["choices"][0]["mean_logprob"] < 0
    assert all("usage" not in chunk for chunk in chunks[:-1])


async def test_log_probabilities_stand_beside_each_token(http: httpx.AsyncClient) -> None:
    whole = (await http.post(COMPLETIONS, json=asking(logprobs=True, top_logprobs=2))).json()["choices"][0]
    stream = events((await http.post(COMPLETIONS, json=asking(logprobs=True, top_logprobs=2, stream=True))).text)

    rows = whole["logprobs"]["content"]
    assert "".join(row["token"] for row in rows) == whole["message"]["content"]
    assert all(row["top_logprobs"][0]["token"] == row["token"] for row in rows)
    assert whole["mean_logprob"] == pytest.approx(sum(row["logprob"] for row in rows) / len(rows))
    streamed = [c["choices"][0]["logprobs"]["content"][0] for c in stream if c["choices"][0].get("logprobs")]
    assert [row["token"] for row in streamed] == [row["token"] for row in rows]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_has_the_form_of_its_schema(http: httpx.AsyncClient, stream: bool) -> None:
    asked = asking(response_format=formed(SCHEMA), max_tokens=200, stream=stream)

    answer = await http.post(COMPLETIONS, json=asked)

    assert answer.status_code == 200
    text = (
        "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in events(answer.text))
        if stream
        else answer.json()["choices"][0]["message"]["content"]
    )
    value = json.loads(text)
    assert isinstance(value["closed"], bool)
    assert set(value["valves"]) <= {"V1", "V2"}


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_misses_its_schema_is_not_given_out_as_one(http: httpx.AsyncClient, stream: bool) -> None:
    impossible = {"allOf": [{"type": "boolean"}], "not": {"type": "boolean"}}

    answer = await http.post(COMPLETIONS, json=asking(response_format=formed(impossible), stream=stream))

    error = events(answer.text)[-1]["error"] if stream else answer.json()["error"]
    assert error["code"] == "form_missed"
    assert "[DONE]" not in answer.text


@pytest.mark.parametrize(
    "form",
    [
        {"structured_outputs": {"grammar": "root ::= ("}},
        {"structured_outputs": {"grammar": "root ::= missing"}},
        {"structured_outputs": {"grammar": 'root ::= root "a"'}},
        {"structured_outputs": {"grammar": "root ::= " + "(" * 30_000}},
        {"response_format": formed({"type": "nothing"})},
        {"response_format": formed({"$ref": "https://example.org"})},
        {"response_format": {"type": "json_schema"}},
    ],
)
async def test_an_invalid_form_is_a_400_and_the_server_lives(http: httpx.AsyncClient, form: dict[str, object]) -> None:
    refused = await http.post(COMPLETIONS, json=asking(**form))

    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "invalid_form"
    assert (await http.post(COMPLETIONS, json=asking())).status_code == 200


async def test_what_does_not_fit_is_refused_with_what_would(http: httpx.AsyncClient) -> None:
    room = CONTEXT - (await http.post("/tokenize", json={"messages": HELLO})).json()["count"]

    much = (await http.post(COMPLETIONS, json=asking(max_tokens=room + 1))).json()["error"]
    long = (await http.post(COMPLETIONS, json=asking(messages=[{"role": "user", "content": "x" * 9000}]))).json()[
        "error"
    ]

    assert much["code"] == long["code"] == "context_length_exceeded"
    assert f"{room} are left for the answer" in much["message"]
    assert "0 are left for the answer" in long["message"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "invalid_value"),
        ('{"messages": []}', 400, "invalid_value"),
        (json.dumps(asking(temperature=-1)), 400, "invalid_value"),
        (json.dumps(asking(n=2)), 400, "invalid_value"),
        (json.dumps(asking(stop=["x"] * 17)), 400, "invalid_value"),
        (json.dumps(asking(messages=[{"role": "user", "content": "\ud800"}])), 400, "invalid_value"),
        (json.dumps(asking(model="gpt-4")), 404, "model_not_found"),
    ],
)
async def test_a_bad_request_is_refused_in_openais_shape(
    http: httpx.AsyncClient, body: str, status: int, code: str
) -> None:
    answer = await http.post(COMPLETIONS, content=body)

    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_unknown_paths_and_methods_are_refused(http: httpx.AsyncClient) -> None:
    assert (await http.post("/v1/embeddings", json={"input": "x"})).status_code == 404
    assert (await http.get(COMPLETIONS)).status_code == 405
    assert (await http.post(COMPLETIONS, json=asking(), headers={"x-fairness-key": "k" * 300})).status_code == 400


async def test_a_shared_beginning_is_read_once(http: httpx.AsyncClient) -> None:
    system = {"role": "system", "content": "Rules of the plant. " * 40}

    async def ask(content: str) -> tuple[int, float]:
        before = await metric(http, "prompt_tokens_total")
        answer = await http.post(COMPLETIONS, json=asking(messages=[system, {"role": "user", "content": content}]))
        cached = answer.json()["usage"]["prompt_tokens_details"]["cached_tokens"]
        return cached, await metric(http, "prompt_tokens_total") - before

    cold = await ask("First?")
    warm = await ask("Second?")

    assert cold[1] > 800
    assert warm[0] > 800
    assert warm[1] < 60


async def test_a_stream_that_was_left_frees_its_place(http: httpx.AsyncClient) -> None:
    async with http.stream("POST", COMPLETIONS, json=asking(max_tokens=4000, stream=True)) as answer:
        await anext(answer.aiter_lines())
        assert (await http.get("/health")).json()["running"] == 1

    async def idle() -> bool:
        return not (await http.get("/health")).json()["running"]

    await until(idle, seconds=5)


async def test_more_requests_than_may_wait_are_told_when_to_come_back(
    own_chat: Callable[..., ServerProcess],
) -> None:
    server = own_chat(sequences=1)
    server.start()
    transport = httpx.AsyncHTTPTransport(uds=str(server.socket), limits=httpx.Limits(max_connections=None))
    async with httpx.AsyncClient(transport=transport, base_url="http://chat", timeout=60) as http:
        tasks = [asyncio.create_task(http.post(COMPLETIONS, json=asking(max_tokens=3000))) for _ in range(80)]
        done, left = await asyncio.wait(tasks, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        refused = next(iter(done)).result()

        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["type"] == "rate_limit_error"
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def test_a_stream_that_waits_says_where_it_stands_in_lines_that_clients_pass_over(
    own_chat: Callable[..., ServerProcess],
) -> None:
    server = own_chat(sequences=1)
    server.start()
    transport = httpx.AsyncHTTPTransport(uds=str(server.socket))
    async with httpx.AsyncClient(transport=transport, base_url="http://chat", timeout=60) as http:
        asked = [http.post(COMPLETIONS, json=asking(max_tokens=600, stream=True, temperature=1)) for _ in range(8)]
        answers = await asyncio.gather(*asked)

    waited = [answer for answer in answers if "x-queue-ahead" in answer.headers]
    assert waited, "eight were served at once by one sequence"
    for answer in waited:
        assert int(answer.headers["x-queue-seconds"]) >= 1
        assert answer.text.startswith(f": queue ahead={answer.headers['x-queue-ahead']} seconds=")
        assert events(answer.text)
        assert answer.text.endswith("data: [DONE]\n\n")


async def test_a_caller_with_twenty_requests_does_not_starve_another(http: httpx.AsyncClient) -> None:
    order: list[str] = []

    async def ask(key: str) -> None:
        answer = await http.post(COMPLETIONS, json=asking(max_tokens=40), headers={"x-fairness-key": key})
        assert answer.status_code == 200
        order.append(key)

    greedy = [asyncio.create_task(ask("greedy")) for _ in range(20)]

    async def queued() -> bool:
        return bool((await http.get("/health")).json()["waiting"] >= 8)

    await until(queued)
    waiting = 20 - len(order)
    await ask("modest")
    finished = order.index("modest")
    await asyncio.gather(*greedy)

    assert finished - (20 - waiting) <= 8
    assert len(order) == 21


def test_sigterm_ends_answers_under_way_and_the_server(own_chat: Callable[..., ServerProcess]) -> None:
    server = own_chat()
    server.start()
    transport = httpx.HTTPTransport(uds=str(server.socket))
    with (
        httpx.Client(transport=transport, base_url="http://chat", timeout=30) as http,
        http.stream("POST", COMPLETIONS, json=asking(max_tokens=4000, stream=True)) as answer,
    ):
        lines = answer.iter_lines()
        next(lines)
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        rest = list(lines)

    code, out, err = server.end()

    assert json.loads(next(line for line in reversed(rest) if line)[6:])["error"]["code"] == "stopping"
    assert (code, err) == (0, "")
    assert "stopped" in out
    assert not server.socket.exists()


def test_a_file_that_cannot_chat_is_refused_with_its_reason(
    own_chat: Callable[..., ServerProcess], tmp_path: Path, gguf: Path
) -> None:
    mute, torn = tmp_path / "mute.gguf", tmp_path / "torn.gguf"
    write(mute, template=None)
    torn.write_bytes(gguf.read_bytes()[:100_000])

    for model, reason in ((mute, "no chat template"), (torn, "cannot load"), (tmp_path / "none", "cannot load")):
        server = own_chat(model)
        assert server.start() == ""
        code, _, err = server.end()
        assert code == 1
        assert reason in err.replace("is not a model that llama.cpp can load", "cannot load")
