"""`outpost ask` and `outpost kiosk-code`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from appliance.client import Refused, answered, open_door
from appliance.commands.auditing import FileExists

WORDS_SECONDS = 600.0


async def ask_node(
    socket: Path,
    question: str,
    *,
    tenant: str | None,
    words: bool,
    served_by: str,
    as_json: bool,
    receipt: Path | None = None,
) -> int:
    """Ask and print; 0 whether or not the documents hold an answer: "not in these documents" is one.

    Args:
        receipt: where the receipt of the answer is saved; its QR code stands beside it, with `.svg` added to the name.

    Raises:
        FileExists: one of the two is there already; nothing was asked.
    """
    if receipt is not None:
        for path in (receipt, _drawing(receipt)):
            if path.exists():
                raise FileExists(f"{path.name} is already there.")
    # In a pipe or a file nothing is broken into lines: a value stays beside its unit.
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    async with open_door(socket, tenant=tenant, timeout=WORDS_SECONDS) as door:
        answer = answered(await door.post("/v1/chat", json={"message": question}))
        if not as_json:
            _show(console, answer)
        if words and answer["words"]["available"]:
            if not as_json:
                console.print(Text(f"in words, about {answer['words']['seconds']:.0f} s …", style="dim"))
            body = {"message": question, "message_id": answer["message_id"], "served_by": served_by}
            async for event, shown in _events(door, body):
                if event == "sentence" and not as_json:
                    console.print(Text(shown["text"]))
                if event == "worded":
                    answer["worded"] = shown
                    if not as_json and shown["text"]:
                        console.print(Text(f"{shown['ms'] / 1000:.1f} s; {shown['served_by']}", style="dim"))
                    if not as_json and not shown["text"]:
                        console.print(
                            "The model said nothing that the documents say; the quotes stand.", style="yellow"
                        )
        elif words and not as_json:
            console.print("No chat model can put this into words now; the quotes stand.", style="yellow")
        if receipt is not None:
            found = answered(await door.get(f"/v1/messages/{answer['message_id']}/receipt"))
            _save(receipt, found["receipt"])
            _save(_drawing(receipt), found["qr"])
            answer["receipt"] = {"file": str(receipt), "sha256": found["sha256"]}
            if not as_json:
                console.print(f"receipt in {receipt}, sha256 {found['sha256']}", style="dim")
    if as_json:
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return 0


def _drawing(receipt: Path) -> Path:
    return receipt.with_name(f"{receipt.name}.svg")


def _save(path: Path, text: str) -> None:
    """Write a file that is not there yet, whole or not at all."""
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        error.filename, error.filename2 = str(path), None
        raise


async def _events(door: httpx.AsyncClient, body: dict[str, Any]) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """The events of a wording as they come. Raises Refused."""
    async with door.stream("POST", "/v1/chat/words", json=body) as response:
        if not response.is_success:
            await response.aread()
            answered(response)
        event = ""
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: "):
                shown = json.loads(line.removeprefix("data: "))
                if event == "error":
                    raise Refused(shown)
                yield event, shown


def _show(console: Console, answer: dict[str, Any]) -> None:
    if answer["kind"] == "none":
        console.print(Text(answer["answer"], style="bold yellow"))
        if answer.get("nearest"):
            console.print("The nearest passages:", style="dim")
        for citation in answer.get("nearest", [])[:3]:
            console.print(_indented(console, citation["quote"].strip()))
            console.print(_indented(console, _source(citation), style="dim"))
            console.print()
    else:
        if answer["verdict"]["kind"] != "answer":
            console.print(Text(answer["verdict"]["text"], style="bold yellow"))
            console.print()
        console.print(Text(answer["answer"], style="bold"))
        console.print()
        for citation in answer["citations"]:
            console.print(_indented(console, _source(citation), style="cyan"))
    times = f"{answer['ms_to_quotes']:.0f} ms to the first passages, {answer['ms_total']:.0f} ms in all"
    console.print(Text(f"{times}; {answer['served_by']}", style="dim"))


def _indented(console: Console, text: str, *, style: str = "") -> RenderableType:
    """A padding wraps what a terminal is too narrow for, and would cut it off where nothing is wrapped."""
    if console.soft_wrap:
        return Text("\n".join(f"  {line}" for line in text.splitlines()), style=style)
    return Padding(Text(text, style=style), (0, 0, 0, 2), expand=False)


def _source(citation: dict[str, Any]) -> str:
    parts = [citation["filename"]]
    if citation.get("revision"):
        parts.append(f"revision {citation['revision']}")
    if citation.get("page"):
        parts.append(f"page {citation['page']}")
    if citation.get("heading"):
        parts.append(citation["heading"])
    return " · ".join(parts)


async def make_kiosk_code(socket: Path, *, tenant: str | None, as_json: bool) -> int:
    """Print a fresh code; it works once, for a day."""
    async with open_door(socket, tenant=tenant) as door:
        made = answered(await door.post("/v1/kiosks/enrolment-codes", json={}))
    sys.stdout.write((json.dumps(made) if as_json else made["code"]) + "\n")
    return 0
