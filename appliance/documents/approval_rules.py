"""What a data owner can be asked for, and what their approvals amount to. Pure.

    ingest      take a document of class IV in                  IV stays out of the library until then
    list        let the people on the list of a class III see it   until then only the data owner does
    use         let named people use a class IV for a purpose, until a day
    declassify  lower the class; asked by somebody, or when its review falls due
    regime      a looser export regime, or none

A request is pending until as many as the policy pack says have agreed, or one has rejected it; never who asked, and nobody twice.

    pending ── no answer ──> escalated: put before the admins ── still none ──> rejected, `no-answer`
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from appliance.documents.errors import InvalidApproval
from appliance.documents.exporting import is_looser
from appliance.documents.values import Regime
from appliance.policy.requests import Patience

Kind = Literal["ingest", "list", "use", "declassify", "regime"]
State = Literal["pending", "approved", "rejected"]
Overdue = Literal["escalate", "expire"]
NO_ANSWER: Final = "no-answer"
"""Why a request was rejected that nobody answered."""

LONGEST_USE: Final = dt.timedelta(days=366)
MOST_PEOPLE: Final = 100


@dataclass(frozen=True, slots=True)
class Approval:
    """One request and what became of it. `people` are ids of persons, `until` the first moment after a use.

    `reason` is `no-answer` where it was rejected because nobody answered.
    """

    id: UUID
    kind: Kind
    document_id: UUID
    data_owner: str
    requester: str
    purpose: str
    people: tuple[str, ...]
    until: dt.datetime | None
    level: int | None
    regime: Regime | None
    state: State
    decided_by: str | None
    decided_at: dt.datetime | None
    answer: str | None
    agreed: tuple[str, ...]
    created_at: dt.datetime
    escalated_at: dt.datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for. `people` are ids."""

    kind: Kind
    purpose: str
    people: tuple[str, ...] = ()
    until: dt.datetime | None = None
    level: int | None = None
    regime: Regime | None = None

    def facts(self, document_id: UUID) -> dict[str, Any]:
        """What is recorded of it: nobody's name, and no purpose."""
        until = None if self.until is None else self.until.isoformat()
        return {
            "kind": self.kind, "document": str(document_id), "people": len(self.people), "until": until,
            "level": self.level, "regime": self.regime,
        }  # fmt: skip


def check(wanted: Wanted, *, level: int, regime: str, stage: str, now: dt.datetime) -> None:
    """Whether this can be asked for a document of class `level` under export regime `regime`.

    Raises:
        InvalidApproval: it cannot, and why.
    """
    if not wanted.purpose.strip():
        raise InvalidApproval("Say what it is for.", field="purpose")
    match wanted.kind:
        case "use":
            if level < 4:
                raise InvalidApproval("Only documents of class IV are approved for each use.", field="kind")
            if not 1 <= len(set(wanted.people)) <= MOST_PEOPLE:
                raise InvalidApproval(f"Name 1 to {MOST_PEOPLE} people.", field="people")
            if wanted.until is None or not now < wanted.until <= now + LONGEST_USE:
                raise InvalidApproval("Say until which day, within a year.", field="until")
        case "declassify":
            if wanted.level is None or not 1 <= wanted.level < level:
                raise InvalidApproval(f"The new class is lower than {level}.", field="level")
            _taken_in(stage)
        case "regime":
            if wanted.regime is None or not is_looser(wanted.regime, regime):
                raise InvalidApproval(f"The new export regime is looser than {regime}.", field="regime")
            _taken_in(stage)
        case _:
            raise InvalidApproval("This is asked for by itself when a document is uploaded.", field="kind")


def _taken_in(stage: str) -> None:
    if stage == "waiting":
        raise InvalidApproval("The document is not taken in yet.", field="kind")


def overdue(
    created_at: dt.datetime, escalated_at: dt.datetime | None, patience: Patience, now: dt.datetime, *, expires: bool
) -> Overdue | None:
    """What a pending request has come to.

    The second wait begins with the first's end as it was noticed: a node that was off for a week puts a request before the
    admins first. Time that lies ahead, because the clock was set back, is waited for.

    Args:
        expires: whether it is ever rejected by itself.
    """
    if escalated_at is None:
        return "escalate" if now - created_at >= patience.first else None
    return "expire" if expires and now - escalated_at >= patience.then else None


def in_use(approvals: Iterable[Approval], now: dt.datetime) -> tuple[tuple[str, ...], dt.datetime | None]:
    """Who may use the document now, and when the first of these approvals ends."""
    standing = [
        one
        for one in approvals
        if one.kind == "use" and one.state == "approved" and one.until is not None and one.until > now
    ]
    people = sorted({person for one in standing for person in one.people})
    return tuple(people), min((one.until for one in standing if one.until is not None), default=None)


def stage_at_upload(level: int, owner: str, uploader: str) -> Literal["open", "waiting"]:
    """A class IV waits for approval; a class III for its data owner, unless it is they who bring it and its list."""
    if level >= 4 or (level == 3 and owner != uploader):
        return "waiting"
    return "open"


def kind_at_upload(level: int) -> Kind:
    return "ingest" if level >= 4 else "list"
