"""What a hold names. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Hold:
    """Names whatever fits all that is set: a period (`since` counts, `until` does not), who did it, what it mentions."""

    since: dt.datetime | None = None
    until: dt.datetime | None = None
    user_id: UUID | None = None
    document_id: UUID | None = None
    correlation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A record as holds see it: when it was made, whose it is, and its bytes, in which whatever it mentions stands."""

    at: dt.datetime
    user_id: str | None
    correlation_id: str | None
    record: bytes


def keeps(holds: Iterable[Hold], fact: Fact) -> bool:
    """Whether one of the holds names this record."""
    return any(_names(hold, fact) for hold in holds)


def keeps_document(holds: Iterable[Hold], document_id: UUID, uploaded_at: dt.datetime) -> bool:
    """Whether one of the holds names this document: it itself, or every document of a period."""
    return any(
        hold.document_id == document_id
        or (hold.document_id is hold.user_id is hold.correlation_id is None and _within(hold, uploaded_at))
        for hold in holds
    )


def keeps_person(holds: Iterable[Hold], person_id: UUID) -> bool:
    """Whether one of the holds names this person, or everything; of the others their records tell."""
    return any(hold.user_id == person_id or hold == Hold() for hold in holds)


def _names(hold: Hold, fact: Fact) -> bool:
    return (
        _within(hold, fact.at)
        and (hold.user_id is None or _mentions(fact, hold.user_id))
        and (hold.document_id is None or _mentions(fact, hold.document_id))
        and (hold.correlation_id is None or fact.correlation_id == str(hold.correlation_id))
    )


def _mentions(fact: Fact, subject: UUID) -> bool:
    """The person who did it, or anybody and anything that the record names: rather too much is kept than too little."""
    return fact.user_id == str(subject) or str(subject).encode() in fact.record


def _within(hold: Hold, at: dt.datetime) -> bool:
    return (hold.since is None or at >= hold.since) and (hold.until is None or at < hold.until)
