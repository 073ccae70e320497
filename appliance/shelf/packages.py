"""Which model packages an answer is made with, by the hash that names their bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from appliance.shelf.force import InForce
from appliance.shelf.values import BuiltIn

QUOTING: Final = frozenset({"embed", "read"})
"""The kinds that find and read quotes; reranking is the embedder's."""


class Packages:
    """Args:
    built_in: the small models of the release, as they stand on this node.
    in_force: the chat models of the shelf.
    """

    def __init__(self, built_in: Callable[[], Sequence[BuiltIn]], in_force: InForce) -> None:
        self._in_force = in_force
        self._quoting = {one.name: one.sha256 for one in built_in() if one.kind in QUOTING}

    async def hashes(self, served_by: str | None) -> Mapping[str, str]:
        """SHA-256 (hex) by name: of the manifests of those that find quotes (None), or of the file of the one that writes.

        A manifest vouches for every file of its package. Of a server of the plant and of a card nothing is known here.
        """
        if served_by is None:
            return self._quoting
        return {one.name: one.sha256 for one in await self._in_force.serving() if one.name == served_by}
