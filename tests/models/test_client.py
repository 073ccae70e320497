"""The client gives an answer or a typed error, within its deadline."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.client import ModelClient, ModelRefused, ModelUnavailable
from tests.models.conftest import ServerProcess, until

LONG = ["A long sentence about valves, pumps and their seals. " * 12] * 400


async def test_vectors_come_in_the_order_of_the_texts(client: ModelClient) -> None:
    texts = [f"{'very ' * (n % 7)}long text number {n}" for n in range(150)]

    together = await client.embed(texts, bulk=True)
    alone = await client.embed([texts[140]])

    assert together.shape == (150, 384)
    assert together.dtype == np.float32
    assert float(together[140] @ alone[0]) > 0.99
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-4)


async def test_nothing_asked_is_nothing_answered(client: ModelClient) -> None:
    assert (await client.embed([])).shape == (0, 384)
    assert await client.rerank("x", []) == []
    assert await client.read("x", []) == []


async def test_scores_and_readings_stand_in_the_order_of_the_documents(client: ModelClient) -> None:
    documents = ["Lunch is at noon.", "The chiller holds 12 °C."]

    scores = await client.rerank("temperature of the chiller", documents)
    readings = await client.read("What temperature does the chiller hold?", documents)

    assert scores[1] > scores[0]
    assert all(
        span.text == document[span.start : span.end]
        for reading, document in zip(readings, documents, strict=True)
        for span in reading.spans
    )


async def test_a_request_at_fault_is_refused_with_its_reason(client: ModelClient) -> None:
    with pytest.raises(ModelRefused) as refused:
        await client.read("x", ["y" * 40_000])

    assert refused.value.status == 400
    assert refused.value.code == "invalid_value"


async def test_without_a_server_the_model_is_unavailable_at_once(tmp_path: Path) -> None:
    async with ModelClient(tmp_path / "none.sock") as client:
        with pytest.raises(ModelUnavailable):
            await client.embed(["x"])


async def test_a_server_that_never_answers_is_given_up_at_the_deadline(short_folder: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listening = await asyncio.start_unix_server(silent, short_folder / "silent.sock")
    async with listening, ModelClient(short_folder / "silent.sock", seconds=0.2) as client:
        began = time.monotonic()
        with pytest.raises(ModelUnavailable, match=r"within 0\.2 s"):
            await client.embed(["x"])
        assert time.monotonic() - began < 10


async def test_a_kill_in_the_middle_is_unavailable_and_a_restart_works_again(
    own_server: Callable[..., ServerProcess],
) -> None:
    server = own_server("embed")
    server.start()
    async with ModelClient(server.socket, seconds=20, bulk_seconds=20) as client:
        assert (await client.embed(["before"])).shape == (1, 384)
        under_way = asyncio.create_task(client.embed(LONG, bulk=True))

        async def working() -> bool:
            return bool((await client.health())["waiting"]["bulk"])

        await until(working)

        await asyncio.to_thread(server.end, signal.SIGKILL)

        with pytest.raises(ModelUnavailable):
            await under_way
        with pytest.raises(ModelUnavailable):
            await client.embed(["while it is down"])
        await asyncio.to_thread(server.start)
        assert (await client.embed(["after"])).shape == (1, 384)
