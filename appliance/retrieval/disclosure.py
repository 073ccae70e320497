"""What the record says of the documents that were shown: those of class III are named, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from appliance.store import Admitted

CLASS_THREE = 3


class Shown(Protocol):
    """A piece of a document that somebody is given to read."""

    @property
    def document_id(self) -> UUID: ...
    @property
    def level(self) -> int: ...


def note_class_three(admitted: Admitted, shown: Iterable[Shown]) -> None:
    """Name the documents of class III among `shown` in the record of this action, beside those already named."""
    note_classes(admitted, {one.document_id: one.level for one in shown})


def note_classes(admitted: Admitted, levels: Mapping[UUID, int]) -> None:
    """The same for documents with their classes."""
    noted = {str(document_id) for document_id, level in levels.items() if level >= CLASS_THREE}
    noted.update(admitted.outcome.metadata.get("class_three", ()))
    if noted:
        admitted.outcome.metadata["class_three"] = sorted(noted)
