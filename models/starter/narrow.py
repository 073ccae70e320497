"""A quote instead of its passage: one sentence or one line, with the heading that binds it.

Answers are judged by quotes, so the reader must know one that answers from one that only shares words (the QNLI task,
made from the same questions).
"""

import random
import re
from dataclasses import replace

from models.starter.squad import Example, words

_UNIT = re.compile(r"[^\s](?:[^\n]*?[.!?](?=\s+[\"'(]?[A-Z0-9])|[^\n]*)")


def units(text: str) -> list[tuple[int, int]]:
    """Start and end of each sentence, and of each line that is none."""
    return [match.span() for match in _UNIT.finditer(text)]


def narrowed(example: Example, chance: random.Random, *, heading: bool, wrong: float = 0.5) -> Example:
    """The question over one unit of its passage; the first line stays above it where it is a `heading`.

    An answerable example becomes the unit that holds its answer, or, in `wrong` of the cases, the unit nearest to the
    question that lacks it. An unanswerable one keeps the nearest unit. The example itself where there is only one unit.
    """
    found = units(example.passage)
    top = found[0] if heading and found else None
    body = found[1:] if top else found
    if len(body) < 2:
        return example
    holding = [span for span in body if _holds(span, example)]
    if example.answer is not None and not holding:
        return example
    if holding and chance.random() >= wrong:
        return _cut(example, top, holding[0])
    lacking = [span for span in body if example.answer is None or not _mentions(span, example)]
    if not lacking:
        return _cut(example, top, holding[0])
    asked = words(example.question)
    nearest = max(lacking, key=lambda span: len(asked & words(example.passage[slice(*span)])))
    return _cut(replace(example, start=None, end=None), top, nearest)


def _holds(span: tuple[int, int], example: Example) -> bool:
    return example.start is not None and example.end is not None and span[0] <= example.start and example.end <= span[1]


def _mentions(span: tuple[int, int], example: Example) -> bool:
    return (example.answer or "").lower() in example.passage[slice(*span)].lower()


def _cut(example: Example, top: tuple[int, int] | None, span: tuple[int, int]) -> Example:
    head = example.passage[slice(*top)] + "\n" if top else ""
    shift = len(head) - span[0]
    start, end = (at if at is None else at + shift for at in (example.start, example.end))
    return replace(example, passage=head + example.passage[slice(*span)], start=start, end=end)
