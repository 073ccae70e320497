"""What a search takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from appliance.documents.values import DocumentFacts, Passage
    from appliance.retrieval.identifiers import Identifier
    from appliance.retrieval.terms import Term

ServedBy = Literal["words and meaning", "words only"]


@dataclass(frozen=True, slots=True)
class Filters:
    """Narrow a search; an empty tuple filters nothing, several values of one kind are alternatives."""

    tags: tuple[str, ...] = ()
    doc_types: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a text search looks for, as keys of the index: one of `any_of`, and, where any is named, one of `required`."""

    any_of: tuple[str, ...]
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found.

    `words` is its BM25 score (0 or more, larger is better) and `meaning` its cosine, each None where that search did
    not find it. `score` orders the hits of one result and means nothing beyond it.
    """

    id: int
    document: DocumentFacts
    passage: Passage
    score: float
    words: float | None = None
    meaning: float | None = None
    rerank: float | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the index sees it.

    `corrected` maps the key of a mistyped word or code to the one of the index that was searched instead. `frequency`
    counts, for the key of each term searched, the passages that hold it (in all documents, also those out of reach).
    """

    text: str
    terms: tuple[Term, ...]
    identifiers: tuple[Identifier, ...]
    corrected: Mapping[str, str] = field(default_factory=dict)
    frequency: Mapping[str, int] = field(default_factory=dict)
    passages: int = 0

    @property
    def assets(self) -> tuple[Identifier, ...]:
        return tuple(item for item in self.identifiers if item.kind == "asset")


@dataclass(frozen=True, slots=True)
class Found:
    """The passages for a question, best first, and how they were found.

    `hits` respect the assets the question names; where none does, `hits` is empty and `others` holds what was found
    for the rest of the question.
    """

    asked: Asked
    hits: tuple[Hit, ...]
    others: tuple[Hit, ...]
    served_by: ServedBy
    ms: float
