"""Which questions a passage is likely to be asked, what a card is bound to, and when two questions are the same. Pure.

A card says nothing by itself. It is shown below a quote that was found for the person who asks, and only where that quote
and every passage behind it are, to the letter, what the card was made from:

    same quotes, same passages, same documents and revisions      `bound_to`
    and the same question, or a near one about the same things    `same_words`, or a cosine with `same_things`
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Final

from appliance.answers.rows import table
from appliance.retrieval.identifiers import identifiers, key_of

if TYPE_CHECKING:
    from appliance.answers import Answer
    from appliance.documents.values import DocumentFacts, Passage

NEAR: Final = 0.9
"""Cosine of two questions in the small embedder above which they ask the same, their things being the same."""
MOST_VARIANTS: Final = 24
"""Questions made from one passage."""
LONGEST_LABEL: Final = 60

_WORD: Final = re.compile(r"[^\W_]+(?:[-./,'][^\W_]+)*")
_NUMBERED: Final = re.compile(r"^[\dA-Z]{0,3}(?:\.\d+)*[.)]?\s+(?=\S)")
_TURNING: Final = frozenset(
    [
        "no",
        "not",
        "never",
        "without",
        "except",
        "unless",
        "before",
        "after",
        "above",
        "below",
        "least",
        "most",
        "min",
        "max",
        "minimum",
        "maximum",
        "highest",
        "lowest",
        "open",
        "close",
        "opened",
        "closed",
        "start",
        "stop",
        "on",
        "off",
        "increase",
        "decrease",
    ]
)
"""Words that turn a question round while leaving it near."""


def question_key(question: str) -> str:
    """The words of a question, without case, punctuation and blanks."""
    return " ".join(_WORD.findall(question.casefold().replace("’", "'")))


def same_things(one: str, other: str) -> bool:
    """Whether two questions name the same parts and figures, and turn on the same words."""
    return _things(one) == _things(other)


def _things(question: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    named = frozenset(item.key for item in identifiers(question))
    words = question_key(question).split()
    figures = frozenset(word for word in words if any(letter.isdigit() for letter in word))
    # A tag may be written in several ways, and its key says so; other figures have only one.
    plain = frozenset(figure for figure in figures if key_of(figure) not in named)
    return named, plain, frozenset(word for word in words if word in _TURNING or word.endswith("n't"))


def bound_to(answer: Answer) -> str:
    """SHA-256 of what an answer stands on: each document with its revision, each passage whole, each quote, in order."""
    known = {one.passage_id: [str(one.document_id), one.revision] for one in answer.citations}
    stands_on = [
        [*known.get(ground.passage_id, []), ground.about, ground.text, list(ground.assets), list(ground.quotes)]
        for ground in answer.grounds
    ]
    return hashlib.sha256(json.dumps(stands_on, ensure_ascii=False).encode()).hexdigest()


def variants(document: DocumentFacts, passage: Passage) -> list[str]:
    """Questions that this passage is likely to be asked, each once, at most `MOST_VARIANTS`.

    From a table each cell is asked for by its row and column, from text its heading. Steps are read as they stand.
    """
    made: list[str] = []
    if passage.kind == "table":
        for row in table(passage.text).rows:
            label, *others = row.cells
            if not 1 < len(label.value) <= LONGEST_LABEL:
                continue
            named = identifiers(label.value)
            if any(item.kind == "code" for item in named):
                made.append(f"What does {label.value} mean?")
            # A code or a tag says by itself of which machine it is, and has no article.
            subject = label.value if named else f"the {_lowered(label.value)}{_of_machine(document, label.value)}"
            made += [
                f"What is the {_lowered(cell.header)} of {subject}?" for cell in others if cell.header and cell.value
            ]
    elif passage.kind == "text":
        leaf = _NUMBERED.sub("", passage.heading.rpartition(">")[2].strip())
        if 2 < len(leaf) <= LONGEST_LABEL:
            made.append(f"What is the {_lowered(leaf)}{_of_machine(document, leaf)}?")
    return list(dict.fromkeys(made))[:MOST_VARIANTS]


def _of_machine(document: DocumentFacts, said: str) -> str:
    """The one machine of a document, unless it has been said."""
    alone = document.assets[0] if len(document.assets) == 1 else ""
    return f" of {alone}" if alone and alone.casefold() not in said.casefold() else ""


def _lowered(text: str) -> str:
    """Without a capital that only begins a line; `E-0417`, `PT-207` and `NPSH` keep theirs."""
    text = text.strip()
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
