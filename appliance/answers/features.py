"""What speaks for a candidate and against it, as numbers from 0 to 1. Pure.

The same features choose among candidates and decide whether the best of them is an answer at all (`rules`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.answers.binding import TELLING, keys_of_text, sequence
from appliance.answers.quantities import dimensions, figures
from appliance.retrieval.glossary import alternatives
from appliance.retrieval.identifiers import identifiers
from appliance.retrieval.rules import keys_in

if TYPE_CHECKING:
    from appliance.answers.candidates import Candidate
    from appliance.answers.question import Question, Word
    from appliance.documents.values import DocumentFacts
    from models.values import Reading

Kin = Mapping[str, Mapping[str, float]]
"""For the key of a word of the question: keys of other words, and how far (0..1) they mean the same."""

_CAUSE = re.compile(
    r"\b(?:because|due to|caused?|causes|since|reason|therefore|so that|otherwise|or else|to avoid|to prevent|in order to)\b",
    re.IGNORECASE,
)
_IS = re.compile(r"\b(?:is|are|means?|stands for|specifies|defines|does|holds|contains|describes|sets|turns)\b|[:(]")
SYNONYM = 0.75
"""What a word that means about the same counts for."""
STEPS = {"steps": (0.65, 0.35), "paragraph": (0.4, 0.5), "list": (0.4, 0.4)}
"""For who asks how: what a quote of each kind is worth, and how much more under a heading that names what is to be done."""
REACH = 3
AKIN = 0.4
WHOLE = {"steps": 1.0, "list": 1.0, "paragraph": 0.4}


@dataclass(frozen=True, slots=True)
class Features:
    """One candidate, weighed. All from 0 to 1; those of the models are 0 while the models are down.

    quote     share of the question's words (by weight) that the quote itself holds
    context   the same for the quote with its intro, headings and the document's names
    bare      the same as context without the words that are identifiers: what is asked, whatever it is asked of
    heading   the same as bare for the innermost heading and the caption alone, less where they speak of much else
    lead      the same where the quote is what its passage begins with
    apart     share of the question's word pairs (`drain plug`) that stand nowhere side by side
    missing   weight of the most telling word that not even the context holds
    unbound   the same, where a figure or a number was asked for: there every word binds
    wish      the quote is of the kind that was wished for: a figure of the right dimension, a part number, steps
    failed    a kind was wished for, and the quote is not of it
    figure    share of the asker's own figures that the context lacks
    whole     a long quote (steps, a list, a paragraph) where no way to do something was asked for
    kind      a column of the row is headed with what is to be named, and says what the question does not
    opposed   the quote says the opposite of a word of the question
    rank      the passage's place in the search
    meaning   cosine of question and passage
    near      late interaction of question and quote, above what unrelated texts have
    reader    the reader's chance that a span inside the quote is the answer
    answerable  the reader's chance that the passage holds an answer
    close     cosine of question and quote with what binds it
    alone     the reader's chance that the quote, with what binds it and nothing else, holds an answer

    Three that `rules.compared` sets once all candidates are weighed:

    clear     how far it is ahead of the best other row of its table (0..1; 1 where there is none)
    margin    how far it is ahead of the best quote of any other passage (-1..1; 0 where there is no other)
    elsewhere how far, by `bare`, the best quote about another machine is ahead of it (-1..1)
    """

    quote: float
    context: float
    bare: float
    heading: float
    lead: float
    apart: float
    missing: float
    unbound: float
    wish: float
    failed: float
    figure: float
    whole: float
    kind: float
    opposed: float
    rank: float
    meaning: float
    near: float = 0.0
    reader: float = 0.0
    answerable: float = 0.0
    close: float = 0.0
    alone: float = 0.0
    clear: float = 1.0
    margin: float = 0.0
    elsewhere: float = 0.0


NAMES = tuple(Features.__slots__)


def features(
    question: Question,
    candidate: Candidate,
    *,
    reading: Reading | None = None,
    offset: int = 0,
    near: float = 0.0,
    kin: Kin | None = None,
) -> Features:
    """Weigh one candidate.

    Args:
        question: what was asked.
        candidate: a possible quote.
        reading: what the reader made of its passage, if it read it.
        offset: characters that stood before the passage's text when it was read.
        near: the reranker's score of the quote.
        kin: words of the passages that mean about what a word of the question means.
    """
    kin = kin or {}
    hit = candidate.hit
    parts = _parts(candidate)
    innermost = f"{hit.passage.heading.rpartition(' > ')[2]}\n{candidate.table.caption if candidate.table else ''}"
    quote = held(question, (candidate.text,), kin)
    context = held(question, parts, kin)
    weights = {word.key: word.weight for word in question.words}
    named = {item.key for item in question.asked.identifiers}
    bare = {key: weight for key, weight in weights.items() if key not in named}
    titled = held(question, (innermost,), kin)
    heading = _share_of_all({key: titled[key] for key in bare}, bare) * _terse(question, innermost)
    wish = _wish(question, candidate, kin)
    missing = max((weights[key] * (1 - share) for key, share in context.items()), default=0.0)
    return Features(
        quote=_share_of_all(quote, weights),
        context=_share_of_all(context, weights),
        bare=_share_of_all({key: context[key] for key in bare}, bare),
        heading=heading,
        lead=heading if candidate.start == 0 or hit.passage.text[: candidate.start].count("\n") == 0 else 0.0,
        apart=_apart(question, parts, kin),
        missing=missing,
        unbound=missing if question.wish in ("figure", "number") else 0.0,
        wish=wish or 0.0,
        failed=1.0 if wish == 0 else 0.0,
        figure=_lacking_figures(question, parts),
        whole=0.0 if question.wish == "steps" else WHOLE.get(candidate.kind, 0.0),
        kind=_names_kind(question, candidate),
        opposed=_opposed(question, candidate),
        rank=hit.score,
        meaning=max(0.0, hit.meaning or 0.0),
        near=near,
        reader=_read(candidate, reading, offset),
        answerable=reading.answerable if reading else 0.0,
    )


def _parts(candidate: Candidate) -> tuple[str, ...]:
    """The quote and what binds it: intro or caption, its whole row, headings, the document's names."""
    hit, row = candidate.hit, candidate.row
    whole = hit.passage.text[row.start : row.end] if row else ""
    return (candidate.text, candidate.intro, whole, hit.passage.heading, hit.document.title, _names(hit.document))


@lru_cache(maxsize=1024)
def _names(document: DocumentFacts) -> str:
    stem = document.filename.rpartition(".")[0].replace("_", " ").replace("-", " ")
    return " ".join((stem, document.doc_type or "", *document.assets))


def _share_of_all(shares: Mapping[str, float], weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return sum(weights[key] * share for key, share in shares.items()) / total if total else 0.0


def _terse(question: Question, heading: str) -> float:
    """From .5 to 1: how much of the heading's own words the question has."""
    keys = keys_of_text(heading)
    asked = {word.key for word in question.words}
    return 0.5 + 0.5 * len(keys & asked) / len(keys) if keys else 0.5


def _apart(question: Question, parts: Sequence[str], kin: Kin) -> float:
    if not question.pairs:
        return 0.0
    lone = sum(1 for pair in question.pairs if not any(_side_by_side(pair, part, kin) for part in parts))
    return lone / len(question.pairs)


def _side_by_side(pair: tuple[str, str], text: str, kin: Kin) -> bool:
    """Whether both words, or words that mean about the same, stand within three words of each other."""
    keys = sequence(text)
    places = [[place for place, key in enumerate(keys) if key == word or key in _akin(word, kin)] for word in pair]
    return any(abs(one - other) <= REACH for one in places[0] for other in places[1] if one != other)


def _akin(word: str, kin: Kin) -> frozenset[str]:
    near = {other for other, share in kin.get(word, {}).items() if share >= AKIN}
    return frozenset(near) | frozenset(alternatives(word))


def held(question: Question, parts: Sequence[str], kin: Kin) -> dict[str, float]:
    """For each word of the question how far (0..1) `parts` hold it: itself, a word of the same meaning, or a figure of
    what it asks for.
    """
    keys = frozenset().union(*(keys_of_text(part) for part in parts))
    measured = any(question.dimensions & dimensions(part) for part in parts[:1])
    return {
        word.key: _share(word, keys, kin, measured=measured and word.key in question.attributes)
        for word in question.words
    }


def _share(word: Word, keys: frozenset[str], kin: Kin, *, measured: bool) -> float:
    if word.key in keys or (word.parts and keys.issuperset(word.parts)):
        return 1.0
    if measured or word.meant in keys:
        return 0.9
    shares = [share for other, share in kin.get(word.key, {}).items() if other in keys]
    if any(other in keys for other in alternatives(word.meant or word.key)):
        shares.append(SYNONYM)
    return max(shares, default=0.0)


def _wish(question: Question, candidate: Candidate, kin: Kin) -> float | None:
    """1 if the quote is of the kind wished for, 0 if it is not, None if any kind would do."""
    text = candidate.text
    match question.wish:
        case "figure":
            if question.dimensions & dimensions(text):
                return 1.0
            if "any" in question.dimensions and figures(text):
                return 1.0 if question.counted is None or _counts(question.counted, text) else 0.7
            labelled = bool(question.attributes) and bool(question.attributes & keys_of_text(text))
            return 0.5 if labelled and (candidate.row is not None or bool(figures(text))) else 0.0
        case "number":
            numbers = [item for item in identifiers(text) if item.key not in keys_in(question.text)]
            return 1.0 if numbers or (figures(text) and candidate.row is not None) else 0.0
        case "steps":
            base, titled = STEPS.get(candidate.kind, (0.0, 0.2))
            return base + titled * _titled(question, candidate, kin)
        case "cause":
            return 1.0 if _CAUSE.search(text) else None
        case "meaning":
            return 1.0 if _tells_what(question, candidate) else None
        case "fact":
            return None


def _tells_what(question: Question, candidate: Candidate) -> bool:
    """Whether the quote says what the thing asked about is: it begins with it, is the row of it, or begins its section."""
    subject = {word.key for word in question.words if word.weight >= TELLING}
    if not subject:
        return False
    if candidate.row is not None:
        named = {item.key for item in question.asked.identifiers} & subject
        label = candidate.row.cells[0].value
        return named <= keys_in(label) if named else subject <= keys_of_text(label)
    if subject <= keys_of_text(candidate.hit.passage.heading.rpartition(" > ")[2]) and candidate.start == 0:
        return True
    first = sequence(candidate.text)[: len(subject) + 1]
    return subject <= set(first) and _IS.search(candidate.text[:120]) is not None


def _titled(question: Question, candidate: Candidate, kin: Kin) -> float:
    """1 if the innermost heading names what is to be done, else 0."""
    keys = keys_of_text(candidate.hit.passage.heading.rpartition(" > ")[2])
    named = {item.key for item in question.asked.identifiers}
    words = [word.key for word in question.words if word.weight >= TELLING and word.key not in named]
    return 1.0 if any(key in keys or _akin(key, kin) & keys for key in words) else 0.0


def _counts(counted: str, text: str) -> bool:
    """Whether a figure stands before the thing to be counted, with at most two words between."""
    return any(counted in sequence(text[item.end : item.end + 40])[:3] for item in figures(text))


def _lacking_figures(question: Question, parts: Sequence[str]) -> float:
    if not question.numbers:
        return 0.0
    present: set[str] = set()
    for part in parts:
        present |= keys_of_text(part) | {number for figure in figures(part) for number in figure.numbers}
    return sum(1 for number in question.numbers if number not in present) / len(question.numbers)


def _names_kind(question: Question, candidate: Candidate) -> float:
    if candidate.row is None or not question.kind:
        return 0.0
    asked = keys_of_text(question.text)
    wanted = question.kind.union(*(alternatives(key) for key in question.kind))
    return float(any(wanted & keys_of_text(c.header) and keys_of_text(c.value) - asked for c in candidate.row.cells))


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
