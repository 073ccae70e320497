"""`outpost holds …`, through the owner's door."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from appliance.client import answered, every, open_door
from appliance.commands.people import person_named
from appliance.holds.errors import BadHold

HOLDS: Final = "/v1/holds"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A hold as it is asked for; `person` is a user name, moments without a zone are UTC."""

    reason: str
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    person: str | None = None
    document: UUID | None = None
    work: UUID | None = None
    everything: bool = False

    def checked(self) -> None:
        """Raises BadHold: it names nothing, or everything and something."""
        named = any(one is not None for one in (self.since, self.until, self.person, self.document, self.work))
        if not named and not self.everything:
            raise BadHold(
                "Nothing is named, and such a hold keeps everything of the plant.",
                hint="Name a period, a person, a document or a piece of work, or say --everything.",
            )
        if named and self.everything:
            raise BadHold("Everything, and a part of it, cannot both be named.", hint="Leave out --everything.")


async def list_holds(socket: Path, *, released: bool, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        found = [one async for one in every(door, HOLDS) if released or one["released_at"] is None]
    if as_json:
        print(json.dumps({"items": found}))
    elif not found:
        print("nothing is on hold")
    for one in () if as_json else found:
        print(_line(one))
    return 0


async def set_hold(socket: Path, wanted: Wanted, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused, BadHold, UnknownPerson."""
    wanted.checked()
    async with open_door(socket, tenant=tenant) as door:
        person = None if wanted.person is None else (await person_named(door, wanted.person))["id"]
        named = {
            "reason": wanted.reason, "since": _moment(wanted.since), "until": _moment(wanted.until), "user_id": person,
            "document_id": _text(wanted.document), "correlation_id": _text(wanted.work),
        }  # fmt: skip
        made = answered(await door.post(HOLDS, json=named))
    print(json.dumps(made) if as_json else _line(made))
    return 0


async def release_hold(socket: Path, hold: UUID, reason: str, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused, NoSuchHold, HoldReleased, BadHold."""
    async with open_door(socket, tenant=tenant) as door:
        done = answered(await door.post(f"{HOLDS}/{hold}/release", json={"reason": reason}))
    print(json.dumps(done) if as_json else _line(done))
    return 0


def _line(one: dict[str, Any]) -> str:
    parts = {
        "from": one["since"],
        "to": one["until"],
        "person": one["user_id"],
        "document": one["document_id"],
        "work": one["correlation_id"],
    }
    named = ", ".join(f"{part} {value}" for part, value in parts.items() if value) or "everything"
    ended = f"; released: {one['release_reason']}" if one["released_at"] else ""
    return f"{one['id']}  {named}: {one['reason']}{ended}"


def _moment(value: dt.datetime | None) -> str | None:
    return None if value is None else (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).isoformat()


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
