"""What a domain keeps of people, as the composition hands it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

Kept = Callable[[AsyncSession, UUID, str | None], Awaitable[tuple[list[dict[str, Any]], str | None]]]
"""Some of what is kept of a person, from the place on that the call before told, and where the next begins; None at the end."""

Forget = Callable[[AsyncSession, UUID], Awaitable[int]]
"""Removes it, in the caller's transaction; returns how many rows changed, 0 when it is done again."""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of data. `where` are its rows: in the tenant's file or in the node's."""

    name: str
    where: Literal["tenant", "control"]
    kept: Kept | None = None
    forget: Forget | None = None
