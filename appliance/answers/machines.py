"""Whether a place in a passage speaks of a machine. Pure.

The place itself decides, then what stands nearest before it, then heading and caption, then the list of the passage's
machines; the first that names the machine or a rival of it. A rival is a sister (`P-101B` for `P-101A`), or a machine of
the same letters that the passage lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.answers.candidates import sentences
from appliance.answers.grounding import letters
from appliance.retrieval.identifiers import identifiers, sisters
from appliance.retrieval.rules import keys_in, keys_of

if TYPE_CHECKING:
    from appliance.answers.sources import Passage, Source
    from appliance.retrieval.identifiers import Identifier


def machine_refusal(key: str, name: str, passage: Passage, source: Source, *, named: frozenset[str]) -> str | None:
    """Why the source does not speak of the machine `key`; None if it does.

    Args:
        key: of the machine, as `identifiers` gives it.
        name: how a reader would write it.
        passage: what the source is a part of.
        source: the row, sentence or item.
        named: keys of all machines that the question names: none of them is a rival.
    """
    listed = keys_of(passage.assets)
    subject = _subject(source)
    if subject is not None and subject.key in listed - named and key not in keys_in(source.text):
        return f"it is about {subject.text}, not {name}"
    nearest = [source.text, source.intro, source.subject, *_backwards(source.before), source.heading]
    for place in nearest:
        keys = keys_in(place)
        if key in keys:
            return None
        for other in identifiers(place):
            rival = sisters(key, other.key) or (other.key in listed and letters(other.key) == letters(key))
            if rival and other.key not in named:
                return f"it is about {other.text}, not {name}"
    if key not in listed:
        return f"{name} stands neither there nor among the machines of the passage"
    return None


def _subject(source: Source) -> Identifier | None:
    """The machine that a row has a cell for (`Machine: FL-200`), or that a sentence begins with."""
    if source.row is not None:
        alone = [identifiers(cell.value) for cell in source.row.cells]
        return next(
            (
                found[0]
                for found, cell in zip(alone, source.row.cells, strict=True)
                if len(found) == 1 and found[0].text == cell.value
            ),
            None,
        )
    return next((item for item in identifiers(source.text) if item.start == 0), None)


def _backwards(text: str) -> list[str]:
    return [text[start:end] for start, end in reversed(sentences(text))]


def machines(found: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
    """Those of `found` that are machines."""
    return tuple(item for item in found if item.kind == "asset")
