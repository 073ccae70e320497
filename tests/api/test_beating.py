"""A stream that is quiet says that it is still there, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from appliance.web import SSE_COMMENT, beating


class Source:
    """Pieces that come when they are let."""

    def __init__(self, *pieces: bytes, error: Exception | None = None) -> None:
        self.let = asyncio.Event()
        self.closed = False
        self._pieces, self._error = pieces, error

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        try:
            for piece in self._pieces:
                await self.let.wait()
                yield piece
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True


async def test_what_comes_at_once_passes_in_its_order_and_nothing_else() -> None:
    source = Source(b"a", b"b", b"c")
    source.let.set()

    assert [piece async for piece in beating(source.pieces())] == [b"a", b"b", b"c"]
    assert source.closed


async def test_silence_is_filled_until_something_comes() -> None:
    source = Source(b"a")
    heard: list[bytes] = []
    async for piece in beating(source.pieces(), every=0.001):
        heard.append(piece)
        if len(heard) == 3:
            source.let.set()

    assert heard[:3] == [SSE_COMMENT] * 3
    assert [one for one in heard if one != SSE_COMMENT] == [b"a"]


async def test_what_goes_wrong_reaches_the_reader_after_what_came_before() -> None:
    source = Source(b"a", error=ValueError("no more"))
    source.let.set()
    heard = []

    with pytest.raises(ValueError, match="no more"):
        async for piece in beating(source.pieces()):
            heard.append(piece)  # noqa: PERF401 - the list is looked at after the error
    assert heard == [b"a"]


async def test_a_reader_who_goes_away_ends_the_work() -> None:
    source = Source(b"a", b"b")
    async with aclosing(beating(source.pieces(), every=0.001)) as stream:  # type: ignore[type-var]
        assert await anext(stream) == SSE_COMMENT

    assert source.closed


async def test_a_reader_who_is_cancelled_ends_the_work() -> None:
    source = Source(b"a")

    async def read() -> None:
        async for _ in beating(source.pieces(), every=3600):
            pass

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert source.closed
