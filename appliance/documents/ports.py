"""What documents needs of others; `compose` injects the adapters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy.ext.asyncio import AsyncSession

    from appliance.documents.blocks import ParsedFile
    from appliance.documents.values import DocumentFacts, Passage
    from appliance.guard.values import Injection, Violation
    from appliance.store import Admitted, TenantId

CountTokens = Callable[[str], int]
"""How many tokens of the active embedder a text costs, without special tokens."""


class Somebody(Protocol):
    """A person, as far as documents need to know one."""

    @property
    def id(self) -> UUID: ...

    @property
    def clearance(self) -> int: ...

    @property
    def is_active(self) -> bool: ...

    @property
    def export_eligibility(self) -> frozenset[str]: ...


class Directory(Protocol):
    """The people of a tenant."""

    async def known(self, admitted: Admitted, word: str) -> Somebody | None:
        """The person of that name or id, if the admitted tenant has one."""

    async def holders(self, admitted: Admitted, duty: str) -> frozenset[UUID]:
        """The active people of the tenant who have this duty now."""


class Index(Protocol):
    """The searchable passages of a tenant. Every method works inside the caller's transaction and commits nothing."""

    async def replace(
        self, session: AsyncSession, document: DocumentFacts, passages: Sequence[Passage], vectors: NDArray[np.float32]
    ) -> None:
        """Make `passages` the only passages of the document; `vectors` is (len(passages), 384), L2-normalised."""

    async def renew(self, session: AsyncSession, document: DocumentFacts, vectors: NDArray[np.float32]) -> None:
        """Make the entries of the document's passages anew; passages and their numbers stay. One vector a passage, in order."""

    async def remove(self, session: AsyncSession, document_id: UUID) -> None:
        """Forget every passage of the document; a document without passages is no error."""

    async def update(self, session: AsyncSession, document: DocumentFacts) -> None:
        """Bring level, tags, acl, revision and in_force of the document's passages in line with `document`."""

    async def preview(
        self, session: AsyncSession, document_id: UUID, *, start: int = 0, limit: int = 20
    ) -> list[Passage]:
        """The document's passages in order, from ordinal `start`, at most `limit`."""


class Embedder(Protocol):
    """Turns texts into vectors; raises `models.client.ModelUnavailable` while the model server cannot be reached."""

    async def embed(self, texts: Sequence[str], bulk: bool = False) -> NDArray[np.float32]:
        """One row per text: float32, shape (len(texts), 384), L2-normalised. `bulk` lets people's questions go first."""


class Screener(Protocol):
    """Tells orders to a language model from what a plant writes; by rules alone while the model server cannot be reached."""

    async def injections(self, texts: Sequence[str], tenant_id: TenantId, *, bulk: bool = False) -> list[Injection]:
        """One verdict a text, in their order, by the rules of the plant as well."""


class Notes(Protocol):
    """Keeps what the guard found."""

    async def note(self, session: AsyncSession, user_id: UUID, found: Sequence[Violation]) -> None:
        """In the caller's transaction."""


class Reader(Protocol):
    """Opens files of strangers where they can do no harm."""

    async def parse(self, content: bytes, filename: str) -> ParsedFile:
        """The blocks of a file.

        Raises:
            UnreadableFile: with the reason, in words for the person who uploaded it.
            ReaderUnavailable: the reader itself failed; the same file may be tried again.
        """

    async def render(self, content: bytes, page: int, width: int) -> bytes:
        """PNG of a PDF's page, counted from 1, `width` pixels wide. Raises as `parse` does."""
