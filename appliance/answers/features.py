"""What speaks for a candidate and against it, as numbers from 0 to 1. Pure.

The same features choose among candidates and decide whether the best of them is an answer at all (`rules`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.answers.binding import keys_of_text
from appliance.answers.quantities import dimensions, figures
from appliance.retrieval.glossary import alternatives
from appliance.retrieval.identifiers import identifiers
from appliance.retrieval.rules import keys_in

if TYPE_CHECKING:
    from appliance.answers.candidates import Candidate
    from appliance.answers.question import Question
    from models.values import Reading

SYNONYM = 0.75
"""What a word that means about the same counts for."""


@dataclass(frozen=True, slots=True)
class Features:
    """One candidate, weighed. All from 0 to 1; those of the models are 0 while the models are down.

    quote     share of the question's words (by weight) that the quote itself holds
    context   the same for the quote with its intro, headings and the document's names
    missing   weight of the most telling word that not even the context holds
    wish      the quote is of the kind that was wished for: a figure of the right dimension, a part number, steps
    failed    a kind was wished for, and the quote is not of it
    figure    share of the asker's own figures that the context lacks
    whole     a long quote (steps, a list, a paragraph) where no way to do something was asked for
    opposed   the quote says the opposite of a word of the question
    rank      the passage's place in the search
    meaning   cosine of question and passage
    near      late interaction of question and quote, above what unrelated texts have
    reader    the reader's chance that a span inside the quote is the answer
    answerable  the reader's chance that the passage holds an answer
    """

    quote: float
    context: float
    missing: float
    wish: float
    failed: float
    figure: float
    whole: float
    opposed: float
    rank: float
    meaning: float
    near: float = 0.0
    reader: float = 0.0
    answerable: float = 0.0


NAMES = tuple(Features.__slots__)


def features(
    question: Question, candidate: Candidate, *, reading: Reading | None, offset: int = 0, near: float = 0.0
) -> Features:
    """Weigh one candidate.

    Args:
        question: what was asked.
        candidate: a possible quote.
        reading: what the reader made of its passage, if it read it.
        offset: characters that stood before the passage's text when it was read.
        near: the reranker's score of the quote.
    """
    quote = _held(question, candidate.text)
    hit = candidate.hit
    around = "\n".join(
        (
            candidate.text,
            candidate.intro,
            _whole_row(candidate),
            hit.passage.heading,
            hit.document.title,
            _names(candidate),
        )
    )
    context = _held(question, around)
    weights = {word.key: word.weight for word in question.words}
    total = sum(weights.values()) or 1.0
    wish = _wish(question, candidate)
    return Features(
        quote=sum(weights[key] * share for key, share in quote.items()) / total,
        context=sum(weights[key] * share for key, share in context.items()) / total,
        missing=max((weights[key] * (1 - share) for key, share in context.items()), default=0.0),
        wish=wish or 0.0,
        failed=1.0 if wish == 0 else 0.0,
        figure=_lacking_figures(question, around),
        whole=1.0 if question.wish != "steps" and candidate.kind in ("steps", "list", "paragraph") else 0.0,
        opposed=_opposed(question, candidate),
        rank=hit.score,
        meaning=max(0.0, hit.meaning or 0.0),
        near=near,
        reader=_read(candidate, reading, offset),
        answerable=reading.answerable if reading else 0.0,
    )


def _whole_row(candidate: Candidate) -> str:
    row = candidate.row
    return candidate.hit.passage.text[row.start : row.end] if row else ""


def _names(candidate: Candidate) -> str:
    document = candidate.hit.document
    stem = document.filename.rpartition(".")[0].replace("_", " ").replace("-", " ")
    return " ".join((stem, document.doc_type or "", *document.assets))


def _held(question: Question, text: str) -> dict[str, float]:
    """For each word of the question how far `text` holds it: itself, a word of the same meaning, or its figure."""
    keys = keys_of_text(text)
    measured = question.dimensions & dimensions(text)
    held: dict[str, float] = {}
    for word in question.words:
        if word.key in keys:
            held[word.key] = 1.0
        elif word.key in question.attributes and measured:
            held[word.key] = 0.9
        elif any(other in keys for other in alternatives(word.key)):
            held[word.key] = SYNONYM
        else:
            held[word.key] = 0.0
    return held


def _wish(question: Question, candidate: Candidate) -> float | None:
    """1 if the quote is of the kind wished for, 0 if it is not, None if any kind would do."""
    text = candidate.text
    match question.wish:
        case "figure":
            if question.dimensions & dimensions(text):
                return 1.0
            if "any" in question.dimensions and figures(text):
                return 1.0
            labelled = bool(question.attributes) and bool(question.attributes & keys_of_text(text))
            return 0.5 if labelled and (candidate.row is not None or bool(figures(text))) else 0.0
        case "number":
            numbers = [item for item in identifiers(text) if item.key not in keys_in(question.text)]
            return 1.0 if numbers or (figures(text) and candidate.row is not None) else 0.0
        case "steps":
            return {"steps": 1.0, "paragraph": 0.6, "list": 0.6}.get(candidate.kind, 0.0)
        case "fact":
            return None


def _lacking_figures(question: Question, around: str) -> float:
    if not question.numbers:
        return 0.0
    present = {number for figure in figures(around) for number in figure.numbers} | keys_of_text(around)
    return sum(1 for number in question.numbers if number not in present) / len(question.numbers)


def _opposed(question: Question, candidate: Candidate) -> float:
    keys = keys_of_text(candidate.text)
    return 1.0 if any(other & keys and not one & keys for one, other in question.opposed) else 0.0


def _read(candidate: Candidate, reading: Reading | None, offset: int) -> float:
    if reading is None:
        return 0.0
    best = 0.0
    for span in reading.spans:
        start, end = span.start - offset, span.end - offset
        if any(start < stop and end > begin for begin, stop in candidate.spans):
            best = max(best, span.score)
    return best
