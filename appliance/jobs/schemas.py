"""The shapes that jobs show."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class NewJob(BaseModel):
    """A job to be done. `payload` is what its type takes. It fails if it is not done within `deadline_seconds`; of 0 to 9,
    the highest `priority` goes first.
    """

    model_config = ConfigDict(extra="forbid")

    type: str = Field(min_length=1, max_length=64)
    payload: dict[str, Any] = Field(default_factory=dict)
    priority: int | None = Field(default=None, ge=0, le=9)
    deadline_seconds: int | None = Field(default=None, ge=1, le=30 * 24 * 3600)


class NewJobFor(NewJob):
    """A job that an admin has made. It belongs to the person `owner_id`, or to the admin."""

    owner_id: UUID | None = None


class JobTypeView(BaseModel):
    """A type of job: what it does, the JSON Schema of its payload, and whether admins alone may ask for it."""

    type: str
    says: str
    payload: dict[str, Any]
    for_admins: bool


class JobTypes(BaseModel):
    items: list[JobTypeView]


class JobView(BaseModel):
    """`reason` is why it failed: `worker-lost`, `deadline`, `gave-up` or `refused`; `error` says more."""

    job_id: UUID
    kind: str
    state: str
    progress: float
    word: str
    attempt: int
    priority: int
    deadline_at: dt.datetime | None
    reason: str | None
    owner_id: UUID
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    created_at: dt.datetime
    updated_at: dt.datetime


class JobPage(BaseModel):
    items: list[JobView]
    next_page_token: str | None
