"""A chat server of somebody else, as good or as bad as a test wants it, on loopback."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

SAID = "The casing bolts get a torque of 47 Nm [1]."


@dataclass
class Stranger:
    """Serves `models` under OpenAI's paths. `mood` is how it answers a chat; it keeps what it was asked.

    Moods: `well`, `down` (500), `busy` (429), `refuses` (400), `unknown` (404), `stalls` (never answers), `breaks` (stops in
    the middle of a stream), `garbage` (no JSON), `odd` (JSON of another shape), `endless` (one line that does not end),
    `redirects` (to another address).
    """

    models: tuple[str, ...] = ("good",)
    mood: str = "well"
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
            headers = {name.lower(): value for name, value in headers.items()}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            await self._served(lines[0].split(" ")[1], headers, body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _served(self, path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        self.headers.append(headers)
        if self.mood == "redirects":
            writer.write(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")
            return
        if path.endswith("/models"):
            await _send(writer, 200, {"object": "list", "data": [{"id": one} for one in self.models]})
            return
        asked = json.loads(body)
        self.asked.append(asked)
        match self.mood:
            case "down" | "busy" | "refuses" | "unknown":
                status = {"down": 500, "busy": 429, "refuses": 400, "unknown": 404}[self.mood]
                await _send(writer, status, {"error": {"message": "no", "type": "t", "code": "c"}})
            case "stalls":
                await asyncio.sleep(60)
            case "garbage":
                await _send(writer, 200, b"<html>" if not asked.get("stream") else b"data: <html>\n\n")
            case "odd":
                odd = {"choices": [{"message": 7}]}
                await _send(writer, 200, odd if not asked.get("stream") else b'data: {"choices": 3}\n\n')
            case "endless":
                writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\ndata: ")
                while not writer.is_closing():
                    writer.write(b"x" * 2**16)
                    await writer.drain()
            case _:
                await self._chat(asked, writer)

    async def _chat(self, asked: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        usage = {"prompt_tokens": 40, "completion_tokens": 12}
        if not asked.get("stream"):
            choice = {"message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}
            await _send(writer, 200, {"choices": [choice], "usage": usage})
            return
        events: list[dict[str, Any]] = [
            {"choices": [{"delta": {"content": SAID[at : at + 4]}}]} for at in range(0, len(SAID), 4)
        ]
        if self.mood == "breaks":
            events = events[:3]
        else:
            events += [{"choices": [{"delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": usage}]
        frames = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in events)
        await _send(writer, 200, frames + (b"" if self.mood == "breaks" else b"data: [DONE]\n\n"))


async def _send(writer: asyncio.StreamWriter, status: int, body: object) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = "text/event-stream" if raw.startswith(b"data:") else "application/json"
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(raw)}\r\nconnection: close\r\n\r\n"
    writer.write(head.encode() + raw)
    await writer.drain()
