"""Choosing a quote, and deciding whether it is an answer. Pure.

    passages -> candidates -> refused or not (grounding) -> features -> score -> the best
                                                                     -> chance that it answers -> quoted, or none

Two models over the same features, in `weights.json`: `choice` is a weighted sum that orders candidates; `verdict` (boosted
`trees`) gives the chance that the best of them answers. `tuning` fits both on questions that are not those the answers
are scored on. Each has a variant for when the models are down.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from appliance.answers.binding import better_rows, better_steps, held_labels, narrowed
from appliance.answers.candidates import SHORT_PARAGRAPH, candidates, steps_only
from appliance.answers.features import NAMES, Features
from appliance.answers.grounding import Refusal, letters, refusal
from appliance.answers.trees import Trees
from appliance.retrieval.identifiers import sisters
from appliance.retrieval.rules import keys_in, keys_of

if TYPE_CHECKING:
    from appliance.answers.candidates import Candidate
    from appliance.answers.question import Question
    from appliance.retrieval.identifiers import Identifier
    from appliance.retrieval.values import Hit

ELSEWHERE = 0.25
"""No right answer of the tuning questions has `elsewhere` above 0.2, and more than half of a sister's answers do."""
UNBOUND, LITTLE, LOOSE_CHANCE = 0.2, 0.35, 0.5
"""The tuning questions' quotes with more than this unbound, or less than this in common with the question, are more often
wrong than right below the chance.
"""
SURE = 0.5
"""A quote that is more likely right than wrong is given as the answer; one below it as what may be it."""
SAME = 0.12
"""Scores that differ by less do not say which of two answers is meant."""
EQUAL = 0.02
"""Shares of the question's words that differ by less are the same."""


@dataclass(frozen=True, slots=True)
class Weights:
    """`choice` by feature name; `threshold` is the chance by `verdict` from which a quote is given as the answer."""

    choice: Mapping[str, float]
    verdict: Trees
    threshold: float


@dataclass(frozen=True, slots=True)
class Weighed:
    """A candidate with its features, its score among the others, and why it must not be shown, if so."""

    candidate: Candidate
    features: Features
    score: float
    refused: Refusal | None


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, Weights]:
    """The weights of this release: "full" with the models, "words" without."""
    raw = json.loads(files("appliance.answers").joinpath("weights.json").read_text(encoding="utf-8"))
    return {
        name: Weights(item["choice"], Trees.of_json(item["verdict"]), item["threshold"]) for name, item in raw.items()
    }


def score(found: Features, weights: Mapping[str, float]) -> float:
    """The weighted sum of the features."""
    values: list[float] = [weights.get(name, 0.0) * getattr(found, name) for name in NAMES]
    return sum(values)


def chance(found: Features, verdict: Trees) -> float:
    """The chance (0..1) that the quote answers the question."""
    total = verdict.total({name: getattr(found, name) for name in NAMES})
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def quotable(question: Question, hits: Sequence[Hit]) -> list[tuple[Candidate, Refusal | None]]:
    """All candidates of the passages, rows narrowed to the column asked for, each with the reason against it if any."""
    found = [candidate for hit in hits for candidate in candidates(hit) if _fits(question, candidate)]
    beaten = _beaten_rows(question, found) | _beaten_steps(question, found)
    made: list[tuple[Candidate, Refusal | None]] = []
    for candidate in found:
        reason = refusal(question, candidate)
        if reason is None and id(candidate) in beaten:
            reason = Refusal("row" if candidate.row is not None else "heading")
        made.append((narrowed(question, candidate), reason))
    return made


def _fits(question: Question, candidate: Candidate) -> bool:
    """Whether a quote of this length suits the wish: a figure is one line, a fact a few, a way to do something all."""
    if question.wish == "steps" or candidate.kind in ("row", "sentence"):
        return True
    if question.wish not in ("fact", "cause") or question.one_step or candidate.kind == "steps":
        return False
    return candidate.kind == "list" or len(candidate.text) <= SHORT_PARAGRAPH


def _beaten_rows(question: Question, found: Sequence[Candidate]) -> set[int]:
    """Rows that another row of the same table fits strictly better; a long table is several passages."""
    tables: dict[tuple[object, ...], list[Candidate]] = {}
    for candidate in found:
        if candidate.row is not None and refusal(question, candidate) is None:
            tables.setdefault(_table_of(candidate), []).append(candidate)
    beaten: set[int] = set()
    for rows in tables.values():
        kept = {id(candidate) for candidate in better_rows(question, rows)}
        beaten |= {id(candidate) for candidate in rows} - kept
    return beaten


def _beaten_steps(question: Question, found: Sequence[Candidate]) -> set[int]:
    """Procedures beside one of the same document whose heading names what is to be done."""
    documents: dict[object, list[Candidate]] = {}
    for candidate in found:
        if candidate.kind == "steps" and refusal(question, candidate) is None:
            documents.setdefault(candidate.hit.document.id, []).append(candidate)
    beaten: set[int] = set()
    for procedures in documents.values():
        kept = {id(candidate) for candidate in better_steps(question, procedures)}
        beaten |= {id(candidate) for candidate in procedures} - kept
    return beaten


def _table_of(candidate: Candidate) -> tuple[object, ...]:
    return candidate.hit.document.id, candidate.hit.passage.heading, candidate.intro


def compared(weighed: Sequence[Weighed]) -> list[Weighed]:
    """The same with `margin`, `clear` and `elsewhere` set; the scores themselves are left as they were.

    An answer stands out among the passages, while what merely shares words has many equals; a row that hardly beats the
    next one of its table may be the wrong one. And where the words of the question fit a quote about another machine far
    better, that machine has what this one lacks.
    """
    allowed = [item for item in weighed if item.refused is None]
    tops: dict[int, float] = {}
    rows: dict[tuple[object, ...], list[float]] = {}
    for item in sorted(allowed, key=lambda item: -item.score):
        tops.setdefault(item.candidate.hit.id, item.score)
        if item.candidate.row is not None:
            rows.setdefault(_table_of(item.candidate), []).append(item.score)
    others = [item.features.bare for item in weighed if item.refused is not None and item.refused.reason == "asset"]
    made: list[Weighed] = []
    for item in weighed:
        rivals = [top for id_, top in tops.items() if id_ != item.candidate.hit.id]
        margin = max(-1.0, min(1.0, item.score - max(rivals))) if rivals else 0.0
        elsewhere = max(others, default=-1.0) - item.features.bare
        clear = 1.0
        if item.refused is None and item.candidate.row is not None:
            beside = rows[_table_of(item.candidate)]
            # The best but itself: the second, if it is the best.
            rival = beside[1:2] if item.score == beside[0] else beside[:1]
            clear = max(0.0, min([1.0, *(item.score - score for score in rival)]))
        made.append(replace(item, features=replace(item.features, margin=margin, clear=clear, elsewhere=elsewhere)))
    return made


def is_certain(chosen: Weighed, weights: Weights) -> bool:
    """Whether the chance that a quote answers is enough to give it."""
    known = chosen.features
    return chance(known, weights.verdict) >= needed(known.unbound, known.context, weights.threshold)


def needed(unbound: float, context: float, threshold: float) -> float:
    """The chance from which a quote with these features is given.

    A figure with a telling word of the question nowhere near it may be that of another thing, and a quote that shares
    little with the question in any case may be about something else: then more than the threshold is asked for.
    """
    loose = unbound > UNBOUND or context < LITTLE
    return max(threshold, LOOSE_CHANCE if loose else 0.0)


def is_elsewhere(chosen: Weighed) -> bool:
    """Whether what is asked is said of another machine, and of this one something else."""
    return chosen.features.elsewhere > ELSEWHERE


def best(weighed: Sequence[Weighed]) -> Weighed | None:
    """The highest score among those that may be shown; the earlier passage, then the shorter quote, breaks a tie."""
    allowed = [item for item in weighed if item.refused is None]
    return max(allowed, key=_order, default=None)


def _order(item: Weighed) -> tuple[float, float, int]:
    return (round(item.score, 6), item.candidate.hit.score, -len(item.candidate.text))


def other_answers(question: Question, chosen: Weighed, weighed: Sequence[Weighed]) -> list[Weighed]:
    """Answers that fit as well as the chosen one, so that picking one of them would be a guess; at most two.

    Other rows of its table, and what the documents of sister machines say where the question names none.
    """
    taken: list[Weighed] = [chosen]
    for item in sorted(weighed, key=_order, reverse=True):
        if item.refused is None and _is_another(question, item, taken):
            taken.append(item)
    return taken[1:3]


def _is_another(question: Question, item: Weighed, taken: Sequence[Weighed]) -> bool:
    if all(rows_alike(question, item, one) for one in taken):
        return True
    near = item.score >= taken[0].score - SAME and not question.asked.identifiers
    return near and all(_of_sisters(item, one) for one in taken)


def rows_alike(question: Question, one: Weighed, other: Weighed) -> bool:
    """Whether the question chooses both of two rows of one table, and neither more than the other.

    `M12` chooses every row of an M12; what the reader makes of them is then no reason to show one of them alone.
    """
    first, second = one.candidate, other.candidate
    if first.row is None or second.row is None or first.text == second.text or _table_of(first) != _table_of(second):
        return False
    held = held_labels(question, first)
    named = question.wish in ("figure", "number") or bool(question.kind)
    alike = bool(held) and held == held_labels(question, second)
    return named and alike and abs(one.features.quote - other.features.quote) < EQUAL


def _of_sisters(one: Weighed, other: Weighed) -> bool:
    """Whether two quotes say different things in the same form about sister machines."""
    first, second = one.candidate, other.candidate
    alike = first.kind == second.kind and first.text != second.text
    keys, others = keys_of(first.hit.document.assets), keys_of(second.hit.document.assets)
    return alike and not keys & others and any(sisters(a, b) for a in keys for b in others)


def lacking(question: Question, weighed: Sequence[Weighed], weights: Weights) -> Identifier | None:
    """The identifier of the question because of which there is no answer; None if that was not the reason.

    It was, if no passage at all may speak for it, or if a quote that was refused for it would have been the answer.
    """
    named = question.asked.identifiers
    if not named:
        return None
    reasons = {"asset", "identifier"}
    for item in named:
        if all(other.refused is not None and other.refused.reason in reasons for other in weighed):
            unmet = {other.refused.asked for other in weighed if other.refused is not None}
            if item.text in unmet or not weighed:
                return item
    refused = [item for item in weighed if item.refused is not None and item.refused.reason in reasons]
    top = max(refused, key=_order, default=None)
    if top is None or top.refused is None or chance(top.features, weights.verdict) < weights.threshold:
        return None
    return next((item for item in named if item.text == top.refused.asked), None)


def with_neighbours(question: Question, candidate: Candidate) -> Candidate:
    """A sentence with the rest of its short paragraph, where no figure was asked for and nothing there is refused.

    What a sentence leans on often stands beside it; a figure's neighbours are other figures.
    """
    if question.wish in ("figure", "number"):
        return candidate
    for other in candidates(candidate.hit):
        inside = other.start <= candidate.start and candidate.end <= other.end
        if other.kind == "paragraph" and inside and len(other.text) <= SHORT_PARAGRAPH:
            return candidate if refusal(question, other) or _names_another(question, other) else other
    return candidate


def _names_another(question: Question, candidate: Candidate) -> bool:
    """Whether the quote names a thing of the same letters as one asked for: `T-110` beside `T-111`."""
    asked = {item.key for item in question.asked.identifiers}
    alike = {letters(key) for key in asked}
    return any(key not in asked and letters(key) in alike for key in keys_in(candidate.text))


def same_procedure(candidate: Candidate, around: Sequence[Hit]) -> list[Candidate]:
    """The steps of `candidate` with those that come before and after them in neighbouring passages, in order.

    Steps belong together when they stand under one heading and their numbers go on.
    """
    parts = {candidate.hit.passage.ordinal: candidate}
    hits = {hit.passage.ordinal: hit for hit in around if hit.passage.kind == "steps"}
    for direction in (1, -1):
        here = candidate
        while (hit := hits.get(here.hit.passage.ordinal + direction)) is not None:
            if hit.passage.heading != here.hit.passage.heading:
                break
            other = steps_only(hit)
            earlier, later = (here, other) if direction == 1 else (other, here)
            if other is None or earlier is None or later is None or not _goes_on(earlier, later):
                break
            parts[hit.passage.ordinal] = other
            here = other
    return [parts[ordinal] for ordinal in sorted(parts)]


def _goes_on(earlier: Candidate, later: Candidate) -> bool:
    last = re.findall(r"^\s*(\d{1,3})[.)]", earlier.text, re.MULTILINE)
    first = re.search(r"^\s*(\d{1,3})[.)]", later.text, re.MULTILINE)
    return bool(last) and first is not None and int(first.group(1)) == int(last[-1]) + 1
