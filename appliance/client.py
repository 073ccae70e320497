"""The command line's way to a running node: HTTP through the owner's door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from appliance.errors import OutpostError, Unavailable
from appliance.waiting import NotRunning

DOOR = "http://node"


class NoAnswer(Unavailable):
    """The node took the request and ended, or was too slow, before it answered."""

    code, title = "no-answer", "The node gave no answer"
    hint = "Look whether it is still running; what it had acknowledged is safe."


_EXIT_CODES: dict[object, int] = {
    one.status: one.exit_code for one in OutpostError.__subclasses__() if one.__module__ == OutpostError.__module__
}


class Refused(OutpostError):
    """The node answered with a problem; its own code, title and hint are kept."""

    code, title = "refused", "The node refused"

    def __init__(self, body: dict[str, Any]) -> None:
        detail = str(body.get("detail") or body.get("title"))
        if fields := body.get("fields"):
            wrong = "; ".join(f"{one['field']}: {one['why']}" for one in fields)
            detail = f"{detail.rstrip('.')}: {wrong}."
        super().__init__(detail, hint=body.get("hint"))
        self.body = body


@asynccontextmanager
async def open_door(
    socket: Path, *, tenant: str | None = None, timeout: float = 60.0
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the node at `socket`, acting as its owner in `tenant` (the first, if None).

    Raises:
        NotRunning: nobody listens there.
        NoAnswer: the node went away, or took longer than `timeout` seconds.
    """
    headers = {"x-outpost-tenant": tenant} if tenant else {}
    transport = httpx.AsyncHTTPTransport(uds=str(socket))
    async with httpx.AsyncClient(transport=transport, base_url=DOOR, headers=headers, timeout=timeout) as client:
        try:
            yield client
        except httpx.ConnectError:
            raise NotRunning("Nothing answers in that data directory.") from None
        except httpx.TransportError as error:
            raise NoAnswer(f"The node did not answer ({type(error).__name__}).") from None


def answered(response: httpx.Response) -> Any:
    """The JSON of a good response.

    Raises:
        Refused: the node answered with a problem.
    """
    if response.is_success:
        return response.json()
    try:
        body = response.json()
    except ValueError:
        body = {"title": f"HTTP {response.status_code}"}
    raise Refused(body)


async def every(door: httpx.AsyncClient, path: str) -> AsyncIterator[dict[str, Any]]:
    """All items of a list that comes in pages. Raises Refused."""
    query = {"page_size": "100"}
    while True:
        found = answered(await door.get(path, params=query))
        for one in found["items"]:
            yield one
        if found["next_page_token"] is None:
            return
        query["page_token"] = found["next_page_token"]


def exit_code_of(error: OutpostError) -> int:
    """How a command ends: a problem that the node answered with counts as the command's own."""
    status = error.body.get("status") if isinstance(error, Refused) else None
    return _EXIT_CODES.get(status, error.exit_code)
