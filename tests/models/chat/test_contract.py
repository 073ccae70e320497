"""What the appliance expects of any chat server: held by ours, and by `llama_cpp.server` as a stranger's."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from models.chat_client import Ask, ChatClient, Server
from models.errors import ModelRefused, ModelUnavailable

ASKED = [{"role": "system", "content": "Answer shortly."}, {"role": "user", "content": "Which valve is closed first?"}]
GREEDY = Ask(max_tokens=24, temperature=0)


@pytest.fixture(params=["ours", "stranger"])
def address(request: pytest.FixtureRequest) -> Path | str:
    if request.param == "ours":
        socket: Path = request.getfixturevalue("chat_server").socket
        return socket
    url: str = request.getfixturevalue("stranger")
    return url


@pytest.fixture
async def client(address: Path | str) -> AsyncIterator[ChatClient]:
    async with ChatClient(Server(address) if isinstance(address, str) else address, seconds=60) as connected:
        yield connected


@pytest.fixture
async def raw(address: Path | str) -> AsyncIterator[httpx.AsyncClient]:
    uds, base = (str(address), "http://chat") if isinstance(address, Path) else (None, address)
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=uds), base_url=base, timeout=60) as connected:
        yield connected


async def test_it_names_its_model(client: ChatClient) -> None:
    assert len(await client.models()) == 1


async def test_an_answer_comes_with_its_end_and_its_tokens_counted(client: ChatClient) -> None:
    answer = await client.chat(ASKED, GREEDY)

    assert len(answer.text) == 24
    assert answer.finish_reason == "length"
    assert answer.completion_tokens == 24
    assert answer.prompt_tokens > len("Which valve is closed first?")


async def test_a_stream_is_the_same_answer_in_pieces(client: ChatClient) -> None:
    whole = await client.chat(ASKED, GREEDY)

    deltas = [delta async for delta in client.stream(ASKED, GREEDY)]

    assert "".join(delta.text for delta in deltas) == whole.text
    assert len(deltas) > 10
    assert [delta.finish_reason for delta in deltas if delta.finish_reason] == ["length"]


async def test_the_same_question_has_the_same_answer_at_temperature_zero(client: ChatClient) -> None:
    answers = [await client.chat(ASKED, GREEDY) for _ in range(2)]

    assert answers[0].text == answers[1].text


async def test_a_seed_draws_the_same_answer_again(client: ChatClient) -> None:
    ask = Ask(max_tokens=24, temperature=1, seed=11)

    answers = [await client.chat(ASKED, ask) for _ in range(2)]

    assert answers[0].text == answers[1].text


async def test_a_stop_string_ends_the_answer_and_is_not_in_it(client: ChatClient) -> None:
    whole = (await client.chat(ASKED, GREEDY)).text
    stop = whole[8:11]

    answer = await client.chat(ASKED, Ask(max_tokens=24, temperature=0, stop=(stop,)))
    streamed = [delta async for delta in client.stream(ASKED, Ask(max_tokens=24, temperature=0, stop=(stop,)))]

    assert answer.text == whole[: whole.index(stop)]
    assert answer.finish_reason == "stop"
    assert "".join(delta.text for delta in streamed) == answer.text


async def test_a_prompt_beyond_the_context_is_refused(client: ChatClient) -> None:
    with pytest.raises(ModelRefused) as refused:
        await client.chat([{"role": "user", "content": "x" * 5000}], GREEDY)

    assert refused.value.status == 400
    assert refused.value.code == "context_length_exceeded"


async def test_messages_at_fault_are_a_typed_error(client: ChatClient) -> None:
    # The stranger answers 500 to them, so that a client cannot tell the fault from the server's own.
    with pytest.raises((ModelRefused, ModelUnavailable)):
        await client.chat([{"role": "nobody", "content": "x"}], GREEDY)


async def test_bodies_have_openais_shape(raw: httpx.AsyncClient) -> None:
    asked = {"messages": ASKED, "max_tokens": 4, "temperature": 0}

    whole = (await raw.post("/v1/chat/completions", json=asked)).json()
    stream = await raw.post("/v1/chat/completions", json={**asked, "stream": True})

    assert whole["object"] == "chat.completion"
    assert whole["id"].startswith("chatcmpl-")
    assert whole["choices"][0]["message"]["role"] == "assistant"
    assert whole["usage"]["total_tokens"] == whole["usage"]["prompt_tokens"] + 4
    assert stream.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in stream.text.splitlines() if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"


async def test_without_a_server_the_model_is_unavailable(tmp_path: Path) -> None:
    for nowhere in (tmp_path / "none.sock", Server("http://127.0.0.1:1")):
        async with ChatClient(nowhere) as client:
            with pytest.raises(ModelUnavailable):
                await client.chat(ASKED, GREEDY)
