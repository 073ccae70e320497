"""Answer cards: answers to likely questions, put into words ahead of time and judged again when they are shown."""

from __future__ import annotations

from appliance.cards.building import Building
from appliance.cards.service import Cards

__all__ = ["Building", "Cards"]
