"""Cards of a tenant, beside the passages that they were made from."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import TenantBase, UtcDateTime


class CardRow(TenantBase):
    """A question made from a passage, and what could be said to it.

    `passage_id` is the passage that the question was made from: a new revision has passages with new ids, so a card does
    not outlive its revision. `stands_on` are all passages that its words come from, this one among them: who may not read
    one of them does not see the card. `bound` is the hash of the passages and quotes of the answer (`rules.bound_to`), None where
    the question had none. `text` is what the gate released; empty where it released nothing, so that the same question is
    not put to the same model every night.
    """

    __tablename__ = "answer_cards"
    __table_args__ = (Index("ix_answer_cards_bound", "bound"), Index("ix_answer_cards_passage", "passage_id"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    passage_id: Mapped[int] = mapped_column(BigInteger)
    document_id: Mapped[uuid.UUID]
    revision: Mapped[str | None] = mapped_column(String(64))
    question: Mapped[str] = mapped_column(Text)
    question_key: Mapped[str] = mapped_column(Text)
    bound: Mapped[str | None] = mapped_column(String(64))
    stands_on: Mapped[list[int]]
    text: Mapped[str] = mapped_column(Text)
    model: Mapped[str] = mapped_column(String(200))
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
