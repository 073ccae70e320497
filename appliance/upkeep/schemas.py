"""The shapes that upkeep shows."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel

from appliance.jobs.schemas import JobView


class Counts(BaseModel):
    """Rows of the plant by table."""

    tables: dict[str, int]
    rows: int


class ScheduleView(BaseModel):
    """What is done by itself. `last` is its newest job, whoever started it: its state and reason are the outcome."""

    name: str
    type: str
    says: str
    next_run_at: dt.datetime | None
    last_run_at: dt.datetime | None
    last: JobView | None


class Schedules(BaseModel):
    items: list[ScheduleView]
