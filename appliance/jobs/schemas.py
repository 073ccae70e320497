"""The shapes that jobs show."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from pydantic import BaseModel


class JobView(BaseModel):
    job_id: UUID
    kind: str
    state: str
    progress: float
    word: str
    attempt: int
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    created_at: dt.datetime
    updated_at: dt.datetime


class JobPage(BaseModel):
    items: list[JobView]
    next_page_token: str | None
