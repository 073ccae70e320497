"""From candidates and hits to citations: the quote, where it stands, and the boxes of its lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from appliance.answers.values import Citation

if TYPE_CHECKING:
    from appliance.answers.candidates import Candidate
    from appliance.retrieval.values import Hit

LONGEST_FIRST_QUOTE = 600
"""Characters of a passage that is shown before it has been read closely."""


def cite(hit: Hit, spans: Sequence[tuple[int, int]]) -> tuple[Citation, ...]:
    """One citation a stretch, so that every quote is verbatim; pages and boxes are those of the lines it covers."""
    return tuple(_citation(hit, start, end) for start, end in spans)


def cite_candidate(candidate: Candidate) -> tuple[Citation, ...]:
    return cite(candidate.hit, candidate.spans)


def cite_first(hit: Hit) -> Citation:
    """A passage as found: its text, up to a whole line near the limit."""
    text = hit.passage.text
    end = len(text)
    if end > LONGEST_FIRST_QUOTE:
        cut = max(text.rfind("\n", 0, LONGEST_FIRST_QUOTE), text.rfind(". ", 0, LONGEST_FIRST_QUOTE) + 1)
        end = cut if cut > LONGEST_FIRST_QUOTE // 3 else text.rfind(" ", 0, LONGEST_FIRST_QUOTE)
    return _citation(hit, 0, max(end, 1))


def _citation(hit: Hit, start: int, end: int) -> Citation:
    document, passage = hit.document, hit.passage
    touched = [line for line in passage.lines if line.text_start < end and line.text_end > start]
    page = touched[0].box.page if touched else passage.page
    return Citation(
        document_id=document.id,
        filename=document.filename,
        title=document.title,
        revision=document.revision,
        page=page,
        heading=passage.heading,
        quote=passage.text[start:end].strip(),
        passage_id=hit.id,
        ordinal=passage.ordinal,
        level=document.level,
        # A quote that runs over a page end is boxed on the page where it begins, which is the one shown.
        boxes=tuple(line.box.sides for line in touched if line.box.page == page),
    )
