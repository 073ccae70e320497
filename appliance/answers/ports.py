"""What answers needs of others; `compose` injects the adapters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.values import Reading


class QuoteReader(Protocol):
    """The small models that judge quotes. Raises `models.client.ModelUnavailable` while they cannot be reached."""

    async def read(self, question: str, passages: Sequence[str]) -> list[Reading]:
        """One reading a passage, in their order; spans count characters of the passage as it was given."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One L2-normalised row per text: float32, shape (len(texts), 384)."""

    async def rerank(self, query: str, documents: Sequence[str]) -> list[float]:
        """How well each document fits the query, in the order given; larger is better."""
