"""The client of a chat server gives an answer or a typed error, within its deadline."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from models.chat_client import Ask, ChatClient
from models.errors import ModelBusy, ModelRefused, ModelUnavailable
from tests.models.conftest import ServerProcess, until

HELLO = [{"role": "user", "content": "Hello"}]
LONG = Ask(max_tokens=4000, temperature=0)
SHORT = Ask(max_tokens=5, temperature=0)


async def test_an_answer_says_how_sure_the_model_was_and_what_it_knew_already(chat: ChatClient) -> None:
    await chat.chat(HELLO, SHORT)
    again = await chat.chat(HELLO, SHORT)

    assert again.mean_logprob is not None
    assert again.mean_logprob < 0
    assert again.cached_tokens == again.prompt_tokens - 1


async def test_the_last_delta_of_a_stream_counts(chat: ChatClient) -> None:
    *_, last = [delta async for delta in chat.stream(HELLO, SHORT)]

    assert (last.text, last.finish_reason, last.completion_tokens) == ("", "length", 5)
    assert last.prompt_tokens > 5
    assert last.mean_logprob is not None


async def test_a_schema_forms_the_answer_and_a_wrong_one_is_refused(chat: ChatClient) -> None:
    good = await chat.chat(HELLO, Ask(max_tokens=50, temperature=0, schema={"enum": ["open", "closed"]}))
    with pytest.raises(ModelRefused) as refused:
        await chat.chat(HELLO, Ask(schema={"type": "nothing"}))

    assert good.text in ('"open"', '"closed"')
    assert refused.value.code == "invalid_form"


async def test_a_stream_that_misses_its_schema_ends_in_a_refusal(chat: ChatClient) -> None:
    ask = Ask(max_tokens=50, temperature=0, schema={"allOf": [{"type": "boolean"}], "not": {"type": "boolean"}})

    with pytest.raises(ModelRefused) as refused:
        _ = [delta async for delta in chat.stream(HELLO, ask)]

    assert refused.value.code == "form_missed"


async def test_leaving_a_stream_or_cancelling_a_call_stops_the_answer(
    chat: ChatClient, chat_server: ServerProcess
) -> None:
    async def running(expected: int) -> bool:
        health = await chat._http.get("/health")
        return bool(health.json()["running"] == expected)

    stream = chat.stream(HELLO, LONG)
    await anext(stream)
    await stream.aclose()
    await until(lambda: running(0), seconds=5)

    call = asyncio.create_task(chat.chat(HELLO, LONG))
    await until(lambda: running(1), seconds=5)
    call.cancel()
    await until(lambda: running(0), seconds=5)


async def test_a_deadline_ends_a_call_and_a_stream(chat: ChatClient) -> None:
    began = time.monotonic()
    with pytest.raises(ModelUnavailable, match="deadline"):
        await chat.chat(HELLO, LONG, seconds=0.2)
    with pytest.raises(ModelUnavailable, match="deadline"):
        _ = [delta async for delta in chat.stream(HELLO, LONG, seconds=0.2)]

    assert time.monotonic() - began < 20


async def test_a_full_queue_is_busy_with_the_time_to_come_back(short_folder: Path) -> None:
    async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"error": {"message": "later", "type": "rate_limit_error", "code": "busy"}}'
        head = f"HTTP/1.1 429 Too Many\r\nretry-after: 7\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_unix_server(busy, short_folder / "busy.sock")
    async with listening, ChatClient(short_folder / "busy.sock") as client:
        with pytest.raises(ModelBusy) as refused:
            await client.chat(HELLO)
        with pytest.raises(ModelBusy):
            await anext(client.stream(HELLO))

    assert refused.value.retry_after == 7


async def test_a_stream_that_breaks_off_is_unavailable(short_folder: Path) -> None:
    async def breaking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        writer.write(b'data: {"choices": [{"delta": {"content": "one"}}]}\n\n')
        await writer.drain()
        writer.close()

    listening = await asyncio.start_unix_server(breaking, short_folder / "breaking.sock")
    async with listening, ChatClient(short_folder / "breaking.sock") as client:
        stream = client.stream(HELLO)
        assert (await anext(stream)).text == "one"
        with pytest.raises(ModelUnavailable, match="early"):
            await anext(stream)


async def test_a_kill_in_the_middle_of_a_stream_is_unavailable_and_a_restart_serves_again(
    own_chat: Callable[..., ServerProcess],
) -> None:
    server = own_chat()
    server.start()
    async with ChatClient(server.socket, seconds=20) as client:
        stream = client.stream(HELLO, LONG)
        await anext(stream)

        await asyncio.to_thread(server.end, signal.SIGKILL)

        with pytest.raises(ModelUnavailable):
            async for _ in stream:
                pass
        with pytest.raises(ModelUnavailable):
            await client.chat(HELLO, SHORT)
        await asyncio.to_thread(server.start)
        assert (await client.chat(HELLO, SHORT)).completion_tokens == 5
