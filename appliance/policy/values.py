"""What a decision is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Resource:
    """The thing an action is meant for, as far as it is known.

    `type` is one of the names under `[resources]` in the pack. With no attribute of that type the question is
    "may they do this at all?" and rows are filtered by a scope afterwards; with one, all required attributes of the
    type must be there, or the answer is no. Attributes that the policies do not know are ignored. UUIDs may be given
    as such; a missing `tenant` is the principal's own.
    """

    type: str
    id: str | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)
