"""The jobs of upkeep that an admin may ask for."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from appliance.jobs.types import JobType

CHECK: Final = "db.check"
OPTIMIZE: Final = "db.optimize"
CLEANUP: Final = "cleanup"
HEALTH: Final = "health.check"
EXPORT: Final = "record.export"
OVERDUE: Final = "approvals.overdue"
BACKUP: Final = "backup"
REINDEX: Final = "index.rebuild"
PURGE: Final = "record.purge"
IDLE: Final = 2


class Ages(BaseModel):
    """How long jobs that have ended, and exports, are kept. Jobs that failed are kept three times as long."""

    model_config = ConfigDict(extra="forbid")

    days: int = Field(default=30, ge=1, le=3650)


class Keep(BaseModel):
    """How many backups stay: the newest of so many days, and of so many weeks."""

    model_config = ConfigDict(extra="forbid")

    daily: int = Field(default=7, ge=1, le=366)
    weekly: int = Field(default=4, ge=0, le=520)


class Cutoff(BaseModel):
    """Records made before `before` go, or those whose time of retention is over, where that is earlier. With `dry_run` none
    goes, and what would is told.
    """

    model_config = ConfigDict(extra="forbid")

    before: AwareDatetime | None = None
    dry_run: bool = False


class Form(BaseModel):
    """`jsonl` can be proven without us, `csv` is a table for a spreadsheet."""

    model_config = ConfigDict(extra="forbid")

    form: Literal["jsonl", "csv"] = "jsonl"


TYPES: Final = (
    JobType(CHECK, "Reads every page of the plant's database and checks it.", of_database=True, priority=IDLE),
    JobType(OPTIMIZE, "Puts the indexes of the plant's database in order.", of_database=True, priority=IDLE),
    JobType(
        CLEANUP,
        "Removes jobs that ended long ago, with their events, and old exports of the record.",
        Ages,
        of_database=True,
        priority=IDLE,
    ),
    JobType(
        BACKUP, "Copies the whole node, checks the copy, and lets old ones go.", Keep, of_database=True, priority=IDLE
    ),
    JobType(
        REINDEX,
        "Makes the text and vector index of every document anew, while people search.",
        of_database=True,
        priority=IDLE,
    ),
    JobType(
        PURGE,
        "Removes records whose time of retention is over and that no hold names.",
        Cutoff,
        of_database=True,
        priority=IDLE,
    ),
    JobType(HEALTH, "Asks each part that answers lean on whether it is up, and how soon it says so."),
    JobType(OVERDUE, "Puts requests that nobody answers before the admins, and rejects them in the end."),
    JobType(EXPORT, "Writes the plant's record to a file under `exports`, which an auditor can prove.", Form),
)
