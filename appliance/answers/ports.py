"""What answers needs of others; `compose` injects the adapters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from appliance.routing.values import Wanted
    from models.values import Reading


class Delta(Protocol):
    """More text of a writer; the last one says how it ended and what it took."""

    @property
    def text(self) -> str: ...
    @property
    def finish_reason(self) -> str | None: ...
    @property
    def prompt_tokens(self) -> int: ...
    @property
    def completion_tokens(self) -> int: ...


class Writer(Protocol):
    """The chat model that words answers."""

    async def name(self) -> str | None:
        """Who would write; None where nobody can now."""

    async def seconds(self, characters: int, most_tokens: int) -> float | None:
        """How long it will take, for a fresh prompt of so many characters; None where nobody can now."""

    def write(
        self, messages: Sequence[Mapping[str, str]], *, most_tokens: int, key: str, seconds: float
    ) -> AsyncIterator[Delta]:
        """The text as it comes. Leaving it stops the model. Raises `Unavailable` when nobody can write."""


class ChosenWriter(Writer, Protocol):
    """Who was chosen to write one answer."""

    async def provider(self) -> str:
        """Whose budget the answer counts against; empty where nobody can write now."""


class Writers(Protocol):
    """The chat models of the node and of the plant."""

    async def choose(self, wanted: Wanted) -> ChosenWriter:
        """Who writes an answer; nobody is asked yet. Raises `Unprocessable` where the model asked for is not there."""


class QuoteReader(Protocol):
    """The small models that judge quotes. Raises `models.client.ModelUnavailable` while they cannot be reached."""

    async def read(self, question: str, passages: Sequence[str]) -> list[Reading]:
        """One reading a passage, in their order; spans count characters of the passage as it was given."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One L2-normalised row per text: float32, shape (len(texts), 384)."""

    async def rerank(self, query: str, documents: Sequence[str]) -> list[float]:
        """How well each document fits the query, in the order given; larger is better."""
