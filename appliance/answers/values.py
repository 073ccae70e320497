"""What a person is shown: passages first, then the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

AnswerKind = Literal["quoted", "worded", "card", "none"]
VerdictKind = Literal["answer", "perhaps", "several", "not-here", "other-machine"]


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a quote stands. `quote` is verbatim in the passage; `boxes` are the lines it covers, as fractions of the
    page with the origin at the top left.
    """

    document_id: UUID
    filename: str
    title: str
    revision: str | None
    page: int | None
    heading: str
    quote: str
    passage_id: int
    ordinal: int
    level: int
    boxes: tuple[tuple[float, float, float, float], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "document_id": str(self.document_id),
            "filename": self.filename,
            "title": self.title,
            "revision": self.revision,
            "page": self.page,
            "heading": self.heading,
            "quote": self.quote,
            "box": _around(self.boxes),
            "boxes": [list(box) for box in self.boxes],
            "passage_id": self.passage_id,
            "ordinal": self.ordinal,
            "level": self.level,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What stands above the passages, in a few plain words. `confidence` (0..1) is how sure it is."""

    kind: VerdictKind
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Passages:
    """The first passages found, shown while they are read more closely; `ms` since the question came."""

    citations: tuple[Citation, ...]
    ms: float

    def as_json(self) -> dict[str, Any]:
        return {"passages": [citation.as_json() for citation in self.citations], "ms": round(self.ms, 1)}


@dataclass(frozen=True, slots=True)
class Ground:
    """A passage that an answer was quoted from, whole, with what binds it: what a worded answer must be said by.

    `about` is its document and heading, `quotes` are the stretches of `text` that were quoted. `level` is its class, `flags` are the
    rules by which it was found to give orders to a language model when it was taken in; what `is_controlled` is under export
    control, and read by models of this node alone.
    """

    passage_id: int
    text: str
    assets: tuple[str, ...]
    about: str
    quotes: tuple[str, ...]
    level: int = 1
    flags: tuple[str, ...] = ()
    is_controlled: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question.

    `text` is made of the citations' quotes; for kind "none" it is the verdict's text, and `nearest` says where it may
    be worth looking. `grounds` are the passages quoted from, in the order of the citations; nobody is shown them whole.
    `passages` are the best passages in the order after reading, quoted from or not. `classification` is the highest level of what is cited (1 where nothing is).
    """

    kind: AnswerKind
    text: str
    verdict: Verdict
    citations: tuple[Citation, ...]
    nearest: tuple[Citation, ...]
    passages: tuple[Citation, ...]
    served_by: str
    grounded: bool
    ms_to_quotes: float = 0.0
    ms_total: float = 0.0
    grounds: tuple[Ground, ...] = ()

    @property
    def classification(self) -> int:
        return max((citation.level for citation in self.citations or self.nearest), default=1)

    @property
    def is_controlled(self) -> bool:
        """Whether any passage that it was quoted from is under export control."""
        return any(ground.is_controlled for ground in self.grounds)

    def as_json(self) -> dict[str, Any]:
        return {
            "answer": self.text,
            "kind": self.kind,
            "citations": [citation.as_json() for citation in self.citations],
            "nearest": [citation.as_json() for citation in self.nearest],
            "passages": [citation.as_json() for citation in self.passages],
            "verdict": {
                "kind": self.verdict.kind,
                "text": self.verdict.text,
                "confidence": round(self.verdict.confidence, 3),
            },
            "served_by": self.served_by,
            "grounded": self.grounded,
            "ms_to_quotes": round(self.ms_to_quotes, 1),
            "ms_total": round(self.ms_total, 1),
            "classification": self.classification,
        }


def _around(boxes: tuple[tuple[float, float, float, float], ...]) -> list[float] | None:
    """The smallest box around all of them."""
    if not boxes:
        return None
    left, top, right, bottom = zip(*boxes, strict=True)
    return [min(left), min(top), max(right), max(bottom)]
