"""Duties: what people are asked to do beside their role, each until a last day (UTC) or for good. Pure.

    approver     decides what data owners are asked
    data_owner   may be named as the owner of a document
    supervisor   sees what the plant waits for and uses
    auditor      reads the record and does nothing else; always until a day

When the last day of an auditor is over, the policies know a `past_auditor`, who may do nothing: what the duty took from
them does not come back by itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final, Literal

from appliance.errors import InvalidInput

Duty = Literal["approver", "auditor", "data_owner", "supervisor"]
Duties = Mapping[str, dt.date | None]
"""A duty -> its last day; None for one that does not end."""

DUTIES: Final[tuple[Duty, ...]] = ("approver", "auditor", "data_owner", "supervisor")
AUDITOR: Final = "auditor"
PAST_AUDITOR: Final = "past_auditor"
NARROWING: Final = frozenset({AUDITOR, PAST_AUDITOR})
"""What takes rights away: it holds at a kiosk too, and for the keys that somebody made."""
LONGEST_AUDIT: Final = dt.timedelta(days=366)


def duties_on(duties: Duties, day: dt.date) -> frozenset[str]:
    """What the policies are told on a day."""
    held = {duty for duty, until in duties.items() if until is None or day <= until}
    return frozenset(held | {PAST_AUDITOR} if AUDITOR in duties and AUDITOR not in held else held)


def check_duties(wanted: Duties, known: Duties, day: dt.date) -> None:
    """Whether somebody who has `known` can be given `wanted`; what stays as it is may be over.

    Raises:
        InvalidInput: there is no such duty, its last day is past, or an auditor has none within a year.
    """
    for duty, until in wanted.items():
        if duty not in DUTIES:
            raise InvalidInput(f"There is no duty {duty[:40]!r}; there are {', '.join(DUTIES)}.", field="duties")
        if duty in known and known[duty] == until:
            continue
        if duty == AUDITOR and (until is None or until > day + LONGEST_AUDIT):
            raise InvalidInput("An auditor has a last day within a year.", field="duties")
        if until is not None and until < day:
            raise InvalidInput(f"The last day of the {duty.replace('_', ' ')} is past.", field="duties")


def gives(known: Duties, wanted: Duties) -> bool:
    """Whether somebody gets more by it: a duty, a later day, or back what an auditor may not do."""
    longer = any(
        duty not in known or (known[duty] is not None and (until is None or until > (known[duty] or until)))
        for duty, until in wanted.items()
    )
    return longer or (AUDITOR in known and AUDITOR not in wanted)


def takes(known: Duties, wanted: Duties) -> bool:
    """Whether somebody loses by it: a duty, some of its days, or to an audit all else."""
    return gives(wanted, known)


def to_json(duties: Duties) -> dict[str, str | None]:
    return {duty: None if until is None else until.isoformat() for duty, until in sorted(duties.items())}


def from_json(kept: Mapping[str, str | None]) -> dict[str, dt.date | None]:
    return {duty: None if until is None else dt.date.fromisoformat(until) for duty, until in kept.items()}
