"""Where requests are counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from appliance.limits.rules import Counts, Key, Verdict, Window


class Counters(Protocol):
    """Counts of one installation, however many processes it has. What raises an OutpostError has counted nothing."""

    async def take(self, windows: Sequence[Window]) -> Verdict:
        """Count one request in every window, or in none of them; two that come at once never both take the last place."""

    async def of_tenant(self, tenant: str) -> dict[Key, Counts]:
        """What counts now in that tenant; windows without anything are left out."""

    async def reset(self, tenant: str, subject: str | None) -> int:
        """Forget the counts of one subject, or of the whole tenant; how many windows these were."""
