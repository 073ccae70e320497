"""What of an old answer may still be shown: rights are those of today, not of the day when it was given.

An answer is its sources. If one of them was classified higher, removed, or an approval ended, the whole answer is kept
back, since its text and its worded sentences are made of all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from appliance.chat.schemas import MessageView, WarningView
from appliance.chat.tables import Message

WITHHELD: Final = "A source of this answer is no longer open to you."


def sources_of(message: Message) -> frozenset[UUID]:
    """The documents that the message shows anything of."""
    return frozenset(UUID(found) for found in _named(message.details))


def seen(message: Message, *, withheld: bool) -> MessageView:
    """The message, or that it is withheld."""
    return MessageView(
        id=message.id,
        role=message.role,
        author_id=message.author_id,
        content=WITHHELD if withheld else message.content,
        created_at=message.created_at,
        details={"kind": "withheld"} if withheld else message.details,
        warnings=[WarningView(**one) for one in message.warnings],
    )


def _named(value: Any) -> Iterator[str]:
    """Every `document_id` in it, however deep."""
    if isinstance(value, Mapping):
        if isinstance(value.get("document_id"), str):
            yield value["document_id"]
        for part in value.values():
            yield from _named(part)
    elif isinstance(value, list):
        for part in value:
            yield from _named(part)
