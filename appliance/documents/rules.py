"""What an upload says of itself, and which documents are in force. Pure.

A document is **in force** when

1. it was read in completely (`ready`), and the moment lies within its effective dates;
2. no other ready and effective document names it (by id or file name) in `supersedes`;
3. no other ready and effective document of the same file name is newer: a higher revision (compared as people read
   it, so 10 is above 9 and C above B), for equal revisions a later `effective_from`, and then the later upload.

A document displaces only what its uploader was cleared to read (`reach`); otherwise anybody could hide a document by
uploading another one with its name. Where documents name each other in a circle, the later upload wins.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

_PREFIX = re.compile(r"^(?:revision|rev|version|ver|issue|edition|v|r)[\s.:_-]*(?=[\dA-Z])", re.IGNORECASE)
_PARTS = re.compile(r"\d+|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether a document is in force."""

    id: UUID
    seq: int
    filename: str
    revision: str | None
    level: int
    reach: int
    ready: bool
    effective_from: dt.datetime | None = None
    effective_until: dt.datetime | None = None
    supersedes: tuple[str, ...] = ()
    export: str = "NONE"
    reach_export: frozenset[str] = frozenset()
    team: str | None = None

    def is_effective(self, now: dt.datetime) -> bool:
        """`effective_from` is the first moment, `effective_until` the first moment after."""
        begun = self.effective_from is None or self.effective_from <= now
        return begun and (self.effective_until is None or now < self.effective_until)

    def could_read(self, other: Standing) -> bool:
        """Whether who brought this document was cleared, and eligible, for the other, and both are for the same team or for all."""
        eligible = other.export == "NONE" or other.export in self.reach_export
        return self.reach >= other.level and eligible and self.team == other.team

    def names(self, other: Standing) -> bool:
        """Whether this document says that it supersedes the other; a bare name matches a file in any folder."""
        wanted = {name.casefold() for name in self.supersedes}
        mine = {str(other.id), other.filename.casefold(), other.filename.casefold().rpartition("/")[2]}
        return not wanted.isdisjoint(mine) and other.id != self.id


def revision_key(revision: str | None) -> tuple[tuple[int, int, str], ...]:
    """Sorts revisions as people read them; no revision is below any."""
    if revision is None:
        return ()
    bare = _PREFIX.sub("", revision.strip(), count=1)
    parts = _PARTS.findall(bare.casefold())
    return tuple((1, int(part[:18]), "") if part.isdigit() else (2, 0, part) for part in parts) or ((0, 0, ""),)


def newness(standing: Standing) -> tuple[tuple[tuple[int, int, str], ...], float, int]:
    """Orders the documents of one file name, the newest last."""
    start = standing.effective_from.timestamp() if standing.effective_from else float("-inf")
    return revision_key(standing.revision), start, standing.seq


def in_force(documents: Sequence[Standing], now: dt.datetime) -> frozenset[UUID]:
    """The ids of the documents in force at `now`, given all of a tenant that could displace one another.

    When any document is ready and effective, at least one is in force.
    """
    alive = [document for document in documents if document.ready and document.is_effective(now)]
    displaced_by = _displacements(alive)
    out = {
        other.id
        for one in alive
        for other in displaced_by.get(one.id, ())
        if one.seq > other.seq or not _reaches(displaced_by, other, one.id)
    }
    return frozenset(document.id for document in alive) - out


def next_change(documents: Sequence[Standing], now: dt.datetime) -> dt.datetime | None:
    """The next moment at which an effective date is reached, if there is one."""
    moments = (moment for one in documents for moment in (one.effective_from, one.effective_until))
    return min((moment for moment in moments if moment is not None and moment > now), default=None)


def _displacements(alive: Sequence[Standing]) -> dict[UUID, list[Standing]]:
    """What each document displaces: older ones of its file name, and those that it names."""
    families: dict[str, list[Standing]] = {}
    for document in alive:
        families.setdefault(document.filename.casefold(), []).append(document)
    found: dict[UUID, list[Standing]] = {}
    for one in alive:
        older = [other for other in families[one.filename.casefold()] if newness(other) < newness(one)]
        named = [other for other in alive if one.names(other)] if one.supersedes else []
        found[one.id] = [other for other in (*older, *named) if one.could_read(other)]
    return found


def _reaches(edges: Mapping[UUID, Sequence[Standing]], start: Standing, goal: UUID) -> bool:
    """Whether a chain of displacements leads from `start` to `goal`."""
    seen: set[UUID] = set()
    waiting = [start.id]
    while waiting:
        for other in edges.get(waiting.pop(), ()):
            if other.id == goal:
                return True
            if other.id not in seen:
                seen.add(other.id)
                waiting.append(other.id)
    return False
