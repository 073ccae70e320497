"""Values that documents share with retrieval, answers and the web UI.

Coordinates are fractions of the page (0..1) with the origin at the top left, so that a box fits an image of any size.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from uuid import UUID

PassageKind = Literal["text", "table", "list", "steps", "code"]
DocumentStatus = Literal["pending", "processing", "ready", "failed"]
Stage = Literal["open", "waiting"]
Regime = Literal["NONE", "EAR", "ITAR"]
"""The export regime that a document falls under."""
Sides = tuple[float, float, float, float]
"""x0, y0, x1, y1 as fractions of the page, origin top left."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page; `page` counts from 1, the sides are fractions of the page, origin top left."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def sides(self) -> Sides:
        return self.x0, self.y0, self.x1, self.y1


@dataclass(frozen=True, slots=True)
class Line:
    """Where the stretch `text[text_start:text_end]` of a passage stands on the page."""

    text_start: int
    text_end: int
    box: Box


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of one document, small enough to embed and whole enough to quote.

    `heading` is the path of headings above it, joined with " > ". A table passage has one row per line, each row as
    `Header1: cell | Header2: cell`, after the caption's line if there is one. A steps passage keeps its numbers
    (`1. ...`), one step per line. `lines` is empty where the format has no pages. `flags` are the rules by which it gives orders to a
    language model: it is quoted, and given to none; None while nobody has looked.
    """

    ordinal: int
    kind: PassageKind
    heading: str
    page: int | None
    text: str
    tokens: int
    lines: tuple[Line, ...] = ()
    flags: tuple[str, ...] | None = None

    @property
    def boxes(self) -> tuple[Sides, ...]:
        """The boxes of the lines that stand on `page`: drawn there, a line of the next page would frame other words."""
        return tuple(line.box.sides for line in self.lines if line.box.page == self.page)


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What the index must know of a document to filter its passages inside the query."""

    id: UUID
    filename: str
    revision: str | None
    doc_type: str | None
    level: int
    tags: tuple[str, ...]
    acl: tuple[str, ...]
    assets: tuple[str, ...]
    in_force: bool
    title: str
    owner: str = ""
    stage: Stage = "open"
    approved: tuple[str, ...] = ()
    approved_until: dt.datetime | None = None
    export: Regime = "NONE"
    team: str | None = None

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The document as policies see it."""
        return {
            "level": self.level,
            "tags": list(self.tags),
            "acl": list(self.acl),
            "owner": self.owner or None,
            "stage": self.stage,
            "approved": list(self.approved),
            "export": self.export,
            "team": self.team,
        }
