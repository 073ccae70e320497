"""`outpost policy …`: packs through the owner's door."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from appliance.cli_parts import PathUnusable
from appliance.client import answered, open_door
from appliance.policy.pack import parse, read
from appliance.policy.trial import tried

POLICY: Final = "/v1/admin/policy"
PACKS: Final = f"{POLICY}/packs"
_NAMES: Final = ("I public", "II internal", "III confidential", "IV restricted")


async def check(folder: Path, *, as_json: bool) -> int:
    """Raises PackRefused."""
    texts = read(folder)
    await tried(texts)
    pack = parse(texts)
    facts = {
        "version": pack.version,
        "name": pack.name,
        "permits": len(pack.says),
        "forbids": len(pack.forbids),
        "actions": len(pack.actions),
        "valid_until": None if pack.valid_until is None else pack.valid_until.isoformat(),
    }
    return _say(
        facts,
        f"sound: {pack.name}, version {pack.version}: {len(pack.says)} permits, {len(pack.forbids)} forbids",
        as_json=as_json,
    )


async def export(socket: Path, folder: Path, version: str | None, *, tenant: str | None, as_json: bool) -> int:
    """Raises PathUnusable, NotRunning, Refused."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PathUnusable(f"{folder} is there already, and not empty.")
    async with open_door(socket, tenant=tenant) as door:
        if version is None:
            found = answered(await door.get(PACKS))["items"]
            version = next(one["version"] for one in found if one["in_force"])
        files = answered(await door.get(f"{PACKS}/{version}"))["files"]
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / Path(name).name).write_text(text, encoding="utf-8")
    return _say({"version": version, "files": sorted(files)}, f"{version} written to {folder}", as_json=as_json)


async def stage(socket: Path, folder: Path, *, tenant: str | None, as_json: bool) -> int:
    """Raises PackRefused, NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.post(PACKS, json={"files": read(folder)}))
    said = f"{found['version']} is kept; look at `outpost policy preview {found['version']}` next"
    return _say(found, said, as_json=as_json)


async def listed(socket: Path, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.get(PACKS))
    rows = (
        (
            one["version"],
            one["name"],
            "in force" if one["in_force"] else "",
            "this release" if one["of_the_release"] else one["staged_at"][:16].replace("T", " "),
            one["valid_until"] or "",
            one["problem"] or _lacking(one["lacking"]),
        )
        for one in found["items"]
    )
    if found["unusable"] and not as_json:
        sys.stdout.write(f"Nothing is allowed now. {found['unusable']}\n")
    return _table(found, ("version", "name", "", "from", "until", ""), rows, as_json=as_json)


def _lacking(actions: Sequence[str]) -> str:
    return f"denies what it does not know of this release: {', '.join(actions)}" if actions else ""


async def preview(socket: Path, version: str, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.get(f"{PACKS}/{version}/preview"))
    if as_json:
        return _say(found, "", as_json=True)
    console = _console()
    console.print(f"{found['in_force']} is in force; {found['version']} would change:")
    table = Table("who", "may", "", "asked lately", "told", box=None)
    for one in found["changes"]:
        asked = f"{one['requests']} times by {one['people']}" if one["requests"] else ""
        may = f"{one['action']} ({one['thing']})" if one["thing"] else one["action"]
        who = f"{one['who']}, cleared to {one['clearance']}" if one["clearance"] else one["who"]
        table.add_row(who, may, "gained" if one["widens"] else "lost", asked, one["reason"])
    if found["changes"]:
        console.print(table)
    for title, name in (("Documents of all kinds", "kinds"), ("Documents of this plant", "documents")):
        if found[name]:
            console.print(f"\n{title}:")
            console.print(_reaches(found[name]))
    if not (found["changes"] or found["kinds"] or found["documents"]):
        console.print("nothing.")
    console.print(
        f"\nOf the last {found['looked_at']} decisions {found['decided_again']} were taken again: "
        f"{found['now_refused']} would be refused, {found['now_allowed']} would be allowed."
    )
    confirm = f" --confirm {found['confirm']}" if found["widens"] else ""
    console.print(f"{'This widens rights. ' if confirm else ''}To put it in force:")
    console.print(f"  outpost policy activate {found['version']}{confirm}")
    return 0


def _reaches(found: Iterable[dict[str, Any]]) -> Table:
    table = Table("who", "cleared to", "for", "more", "fewer", "of", "such as", box=None)
    for one in found:
        example = one["example"]
        words = [f"class {_NAMES[example['level'] - 1]}" if example["level"] else "", *example["tags"]]
        table.add_row(
            one["who"], str(one["clearance"]), one["action"], str(one["gained"]), str(one["lost"]), str(one["of"]),
            ", ".join(word for word in words if word) + (", on its list" if example["on_its_list"] else ""),
        )  # fmt: skip
    return table


async def activate(socket: Path, version: str, confirm: str | None, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.post(f"{POLICY}/activate", json={"version": version, "confirm": confirm}))
    return _say(found, f"{found['version'] or 'the pack of the release'} is in force", as_json=as_json)


async def rollback(socket: Path, confirm: str | None, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.post(f"{POLICY}/rollback", json={"confirm": confirm}))
    return _say(found, f"{found['version'] or 'the pack of the release'} is in force again", as_json=as_json)


async def history(socket: Path, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.get(f"{POLICY}/history"))
    rows = (
        (str(one["generation"]), one["what"], one["version"] or "release", one["at"][:19].replace("T", " "))
        for one in found["items"]
    )
    return _table(found, ("", "what", "in force", "at"), rows, as_json=as_json)


async def explain(socket: Path, asked: dict[str, Any], *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.post(f"{POLICY}/explain", json=asked))
    if as_json:
        return _say(found, "", as_json=True)
    console = _console()
    console.print(
        f"{'allowed' if found['allowed'] else 'refused'}: {found['who']} {asked['action']} {asked['resource']}"
    )
    for one in found["policies"]:
        console.print(f"  by {one['policy']}: {one['says']}")
    for number, line in enumerate(knowing(found["facts"], asked["resource"])):
        console.print(f"  {'' if number else 'knowing: ':9}{line}", style="dim")
    console.print(f"  pack {found['pack_version']}", style="dim")
    return 0


def knowing(facts: dict[str, Any], kind: str) -> list[str]:
    """What the policies were told, in lines: who asks, what they hold beside their role, and the thing of that kind."""
    role = (
        f"role {facts['role']} (includes {', '.join(facts['includes'])})" if facts["role"] else "a kiosk, with no role"
    )
    lines = [f"{role}, clearance {facts['clearance']}"]
    if facts["duties"]:
        lines.append(f"duties: {', '.join(one.replace('_', ' ') for one in facts['duties'])}")
    if facts["teams"]:
        lines.append(f"in teams: {', '.join(f'{team} as {held}' for team, held in facts['teams'].items())}")
    if facts["eligible"]:
        lines.append(f"eligible for export control: {', '.join(facts['eligible'])}")
    if facts["resource"]:
        told = ", ".join(f"{name} {_plain(value)}" for name, value in facts["resource"].items() if value)
        listed = f"; on its list: {'yes' if facts['on_its_list'] else 'no'}" if kind == "document" else ""
        lines.append(f"the {kind.replace('_', ' ')}: {told}{listed}")
    return lines


def _plain(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)


def _console() -> Console:
    # In a pipe or a file a row is one line.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 200)


def _table(found: Any, head: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, as_json: bool) -> int:
    if as_json:
        return _say(found, "", as_json=True)
    table = Table(*head, box=None)
    for row in rows:
        table.add_row(*row)
    _console().print(table)
    return 0


def _say(found: Any, words: str, *, as_json: bool) -> int:
    sys.stdout.write(f"{json.dumps(found) if as_json else words}\n")
    return 0
