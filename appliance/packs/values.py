"""Packs, switches and previews as the rest of the appliance sees them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from appliance.policy import Resource
from appliance.store import Decision, Principal

What = Literal["activate", "rollback"]


@dataclass(frozen=True, slots=True)
class Staged:
    """A pack that is kept here; `in_force` says whether it is to decide. The pack of the release is never staged.

    `problem` says why this release cannot use it; `lacking` are the actions of this release that it does not know, and so denies
    to everybody.
    """

    version: str
    name: str
    in_force: bool
    of_the_release: bool
    valid_until: dt.date | None
    staged_at: dt.datetime | None
    problem: str | None = None
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Switch:
    """One change of what is in force; `version` is None for the pack of the release."""

    generation: int
    version: str | None
    what: What
    by: UUID
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """A decision of the record, as far as it can be taken again."""

    principal: Principal
    action: str
    resource: Resource


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that some may do and would not, or the other way round.

    `who` is a role, `kiosk`, `owner`, `service ROLE`, `narrowed ROLE`, `DUTY ROLE` or `chat model`, `clearance` 0 for any. `thing` is what it may be done
    to, in words; empty for the action at all. `requests` counts how often it was asked among the requests looked at, by
    `people` different people or devices.
    """

    who: str
    clearance: int
    action: str
    widens: bool
    reason: str
    requests: int = 0
    people: int = 0
    thing: str = ""

    def asked(self, requests: int, people: int) -> Change:
        """The same, with how often and by how many it was asked."""
        return replace(self, requests=requests, people=people)


@dataclass(frozen=True, slots=True)
class Reach:
    """Documents that somebody would see more or fewer of. `example` is one of the kind, as attributes."""

    who: str
    clearance: int
    action: str
    gained: int
    lost: int
    of: int
    example: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a pack would change.

    Attributes:
        changes: what roles may do at all, with the requests of the record that would have been decided otherwise.
        kinds: documents of every kind that the two packs tell apart, whether the library has one or not.
        documents: those in the library, for the people and devices of the requests looked at.
        confirm: names this difference; a pack that `widens` is put in force only by whoever says it.
    """

    version: str
    in_force: str
    looked_at: int
    decided_again: int
    now_refused: int
    now_allowed: int
    changes: tuple[Change, ...]
    kinds: tuple[Reach, ...]
    documents: tuple[Reach, ...]
    confirm: str

    @property
    def widens(self) -> bool:
        return (
            self.now_allowed > 0
            or any(one.widens for one in self.changes)
            or any(one.gained for one in (*self.kinds, *self.documents))
        )


@dataclass(frozen=True, slots=True)
class Explained:
    """A decision with the words of the policies that made it, and the facts they were given."""

    decision: Decision
    words: Mapping[str, str]
    who: str
    facts: Mapping[str, Any]
