"""The shapes of a search over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

if TYPE_CHECKING:
    from appliance.retrieval.values import Hit

QUERY_CHARACTERS = 2000
TOP_K_MAX = 20


class Query(BaseModel):
    """What to look for; tags, document types and assets narrow it, several of one kind are alternatives."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(min_length=1, max_length=QUERY_CHARACTERS)
    top_k: int = Field(default=5, ge=1, le=TOP_K_MAX)
    tags: list[str] = Field(default_factory=list, max_length=20)
    doc_types: list[str] = Field(default_factory=list, max_length=20)
    assets: list[str] = Field(default_factory=list, max_length=20)

    @field_validator("query")
    @classmethod
    def _says_something(cls, query: str) -> str:
        if not query.strip():
            raise ValueError("the query is empty")
        return query.strip()


class ResultView(BaseModel):
    """One passage found; `score` orders this list and means nothing beyond it."""

    passage_id: int
    document_id: UUID
    filename: str
    revision: str | None
    page: int | None
    heading: str
    text: str
    score: float
    level: int
    assets: list[str]
    boxes: list[list[float]]

    @classmethod
    def of(cls, hit: Hit) -> ResultView:
        return cls(
            passage_id=hit.id,
            document_id=hit.document.id,
            filename=hit.document.filename,
            revision=hit.document.revision,
            page=hit.passage.page,
            heading=hit.passage.heading,
            text=hit.passage.text,
            score=round(hit.score, 4),
            level=hit.document.level,
            assets=list(hit.document.assets),
            boxes=[list(sides) for sides in hit.passage.boxes],
        )


class Results(BaseModel):
    """Passages, best first. `served_by` says whether meaning was searched too, or words only."""

    results: list[ResultView]
    served_by: str
    ms: float
