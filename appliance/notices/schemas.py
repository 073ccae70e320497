"""Notices as HTTP has them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from appliance.news.values import Kind, Notice


class NoticeView(BaseModel):
    """Something to hear of: its kind and ids, for the reader's screen to put into words."""

    id: UUID
    at: dt.datetime
    kind: Kind
    params: Annotated[dict[str, Any], Field(description="Ids and names of parts; never text of a document.")]
    read: bool

    @classmethod
    def of(cls, one: Notice) -> NoticeView:
        return cls(id=one.id, at=one.at, kind=one.kind, params=dict(one.params), read=one.read)


class NoticePage(BaseModel):
    items: list[NoticeView]
    unread: Annotated[int, Field(description="How many are unread, counted up to 100.")]
    next_page_token: str | None


class ReadUpTo(BaseModel):
    """The newest notice that was seen; what came after it stays unread."""

    model_config = ConfigDict(extra="forbid")

    up_to: UUID
