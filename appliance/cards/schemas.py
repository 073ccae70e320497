"""The shapes that cards have outside."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from pydantic import BaseModel

from appliance.cards.service import Card


class CardView(BaseModel):
    id: UUID
    question: str
    text: str
    document_id: UUID
    revision: str | None
    model: str
    made_at: dt.datetime

    @classmethod
    def of(cls, card: Card) -> CardView:
        return cls(
            id=card.id, question=card.question, text=card.text, document_id=card.document_id, revision=card.revision,
            model=card.model, made_at=card.made_at,
        )  # fmt: skip


class CardList(BaseModel):
    items: list[CardView]


class Making(BaseModel):
    """The job that makes cards; follow it at `/v1/jobs/{job_id}`."""

    job_id: UUID
