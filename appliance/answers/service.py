"""Answers: passages at once, then the verdict."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from appliance.answers import rules
from appliance.answers.citing import cite_candidate, cite_first
from appliance.answers.features import features
from appliance.answers.grounding import nearest_asset
from appliance.answers.kinship import Kinship
from appliance.answers.question import Question, understood
from appliance.answers.rules import Weighed, Weights
from appliance.answers.values import Answer, Citation, Ground, Passages, Verdict
from appliance.retrieval.identifiers import identifiers
from appliance.retrieval.service import context_of, place_of
from models.client import ModelRefused, ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.answers.candidates import Candidate
    from appliance.answers.grounding import Refusal
    from appliance.answers.ports import QuoteReader
    from appliance.retrieval.service import Search
    from appliance.retrieval.values import Found, Hit
    from appliance.store import Admitted
    from models.values import Reading

SHOWN = 3
"""Passages shown before the verdict, and beside a verdict of none."""
READ = 5
"""Passages the reader reads."""
QUOTED_FROM = 12
"""Passages that quotes are taken from."""
REFUSED = 4
COMPARED = 10
"""Quotes the reranker compares with the question."""
SERVED_BY_MODELS = "outpost-small (minilm-read)"
SERVED_BY_SEARCH = "search only"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known about a question when the verdict falls; what `tuning` learns from."""

    question: Question
    found: Found
    weighed: tuple[Weighed, ...]
    models: bool


class Answers:
    """Answers a question from the documents the asker may read, in their own words or not at all.

    Args:
        search: finds passages.
        reader: reads them; while it is down, words alone decide.
        weights: how quotes are chosen and judged; the release's own by default.
    """

    def __init__(self, search: Search, reader: QuoteReader, weights: Mapping[str, Weights] | None = None) -> None:
        self._search = search
        self._reader = reader
        self._kinship = Kinship(reader)
        self._weights = weights or rules.shipped()

    async def ask(self, admitted: Admitted, question: str) -> AsyncIterator[Passages | Answer]:
        """Yield the first passages, then the answer. Both hold only what the asker may read."""
        began = time.perf_counter()
        found = await self._search.first(admitted, question)
        ms_to_quotes = _since(began)
        shown = (found.hits or found.others)[:SHOWN]
        yield Passages(tuple(cite_first(hit) for hit in shown), ms_to_quotes)
        evidence = await self.weigh(found)
        answer = await self._answer(admitted, evidence)
        read = (evidence.found.hits or evidence.found.others)[:SHOWN]
        answer = replace(answer, passages=tuple(cite_first(hit) for hit in read))
        yield replace(answer, ms_to_quotes=ms_to_quotes, ms_total=_since(began))

    async def weigh(self, found: Found) -> Evidence:
        """Rerank, read, and weigh every possible quote."""
        found = await self._search.reranked(found)
        question = understood(found.asked)
        hits = found.hits[:QUOTED_FROM]
        hits = (*hits, *found.others[: max(SHOWN, QUOTED_FROM - len(hits))])
        quotable = rules.quotable(question, hits)
        readings = await self._read(question, hits[:READ])
        compared = await self._compared(question, quotable, readings) if readings is not None else None
        weighed = compared if compared is not None else self._by_words(question, quotable)
        return Evidence(question, found, tuple(rules.compared(weighed)), compared is not None)

    def _by_words(self, question: Question, quotable: Sequence[tuple[Candidate, Refusal | None]]) -> list[Weighed]:
        """Every quote by its words alone: half of what the models say would be judged by the wrong weights."""
        choice = self._weights["words"].choice
        found = [(candidate, features(question, candidate), refused) for candidate, refused in quotable]
        return [Weighed(candidate, known, rules.score(known, choice), refused) for candidate, known, refused in found]

    async def _read(self, question: Question, hits: Sequence[Hit]) -> dict[int, Reading] | None:
        if not hits:
            return {}
        try:
            readings = await self._reader.read(question.text, [context_of(hit) for hit in hits])
        except (ModelUnavailable, ModelRefused) as problem:
            log.warning("answering by words only", reason=str(problem))
            return None
        return {hit.id: reading for hit, reading in zip(hits, readings, strict=True)}

    async def _compared(
        self,
        question: Question,
        quotable: Sequence[tuple[Candidate, Refusal | None]],
        readings: Mapping[int, Reading],
    ) -> list[Weighed] | None:
        """Every quote by words and readings, the best once more by comparing it with the question word by word.

        None if the models went away meanwhile.
        """
        choice = self._weights["full"].choice
        weighed: list[Weighed] = []
        for candidate, reason in quotable:
            hit = candidate.hit
            known = features(question, candidate, reading=readings.get(hit.id), offset=_offset(hit))
            weighed.append(Weighed(candidate, known, rules.score(known, choice), reason))
        weighed.sort(key=lambda item: -item.score)
        allowed = [item for item in weighed if item.refused is None]
        refused = [item for item in weighed if item.refused is not None]
        # Quotes that are refused say whether an answer was refused with them; a few of them are enough for that.
        head, tail = [*allowed[:COMPARED], *refused[:REFUSED]], refused[REFUSED:]
        texts = [_in_context(item.candidate) for item in head]
        try:
            scores = await self._reader.rerank(question.text, texts)
            alone = await self._reader.read(question.text, texts)
            vectors = await self._reader.embed([question.text, *texts])
            kin = await self._kinship.between(question.words, texts)
        except (ModelUnavailable, ModelRefused) as problem:
            log.warning("answering by words only", reason=str(problem))
            return None
        cosines = vectors[1:] @ vectors[0]
        compared = []
        for item, near, read, close in zip(head, scores, alone, cosines, strict=True):
            hit = item.candidate.hit
            reading = readings.get(hit.id)
            known = features(question, item.candidate, reading=reading, offset=_offset(hit), near=near, kin=kin)
            known = replace(known, alone=read.answerable, close=max(0.0, float(close)))
            compared.append(replace(item, features=known, score=rules.score(known, choice)))
        return [*compared, *tail]

    async def _answer(self, admitted: Admitted, evidence: Evidence) -> Answer:
        weights = self._weights["full" if evidence.models else "words"]
        chosen = rules.best(evidence.weighed)
        confidence = rules.chance(chosen.features, weights.verdict) if chosen else 0.0
        served_by = SERVED_BY_MODELS if evidence.models else SERVED_BY_SEARCH
        if chosen is not None and rules.is_certain(chosen, weights) and not rules.is_elsewhere(chosen):
            return await self._quoted(admitted, evidence, chosen, confidence, served_by)
        return _nothing(evidence, confidence, weights, served_by)

    async def _quoted(
        self, admitted: Admitted, evidence: Evidence, chosen: Weighed, confidence: float, served_by: str
    ) -> Answer:
        others = rules.other_answers(evidence.question, chosen, evidence.weighed)
        parts = [
            part
            for item in (chosen, *others)
            for part in await self._whole(admitted, evidence.question, item.candidate)
        ]
        verdict = Verdict("answer", "Found in the documents.", confidence)
        if confidence < rules.SURE:
            verdict = Verdict("perhaps", "This may be it. Read the page before you rely on it.", confidence)
        if others:
            verdict = Verdict("several", _depends([chosen, *others]), confidence)
        return Answer(
            kind="quoted",
            text="\n".join(part.text for part in parts),
            verdict=verdict,
            citations=tuple(citation for part in parts for citation in cite_candidate(part)),
            nearest=(),
            passages=(),
            served_by=served_by,
            grounded=True,
            grounds=_grounds(parts),
        )

    async def _whole(self, admitted: Admitted, question: Question, candidate: Candidate) -> Sequence[Candidate]:
        """The candidate; a sentence with its short paragraph, a procedure that runs over several passages to its end."""
        if candidate.kind == "sentence":
            return (rules.with_neighbours(question, candidate),)
        if candidate.kind != "steps":
            return (candidate,)
        return rules.same_procedure(candidate, await self._search.around(admitted, candidate.hit, reach=3))


def _grounds(parts: Sequence[Candidate]) -> tuple[Ground, ...]:
    """The passages that the parts stand in, each once."""
    made: dict[int, Ground] = {}
    for part in parts:
        hit = part.hit
        known = made.get(hit.id)
        quotes = (*(known.quotes if known else ()), *(citation.quote for citation in cite_candidate(part)))
        made[hit.id] = Ground(
            hit.id, hit.passage.text, tuple(hit.document.assets), place_of(hit), quotes, level=hit.document.level,
            flags=hit.passage.flags or (), is_controlled=hit.document.export != "NONE",
        )  # fmt: skip
    return tuple(made.values())


def _nothing(evidence: Evidence, confidence: float, weights: Weights, served_by: str) -> Answer:
    """Say plainly that there is no answer, and where it comes closest."""
    question = evidence.question
    verdict = Verdict("not-here", "Not in these documents.", 1 - confidence)
    lacking = rules.lacking(question, evidence.weighed, weights)
    if lacking is not None:
        text = f"Nothing for {lacking.text}."
        other = nearest_asset(lacking, _tags(evidence))
        if other is not None:
            text = f"{text} The nearest is {other}."
        verdict = Verdict("other-machine", text, 1 - confidence)
    elif question.revision is not None:
        verdict = _other_revision(evidence, verdict)
    return Answer(
        kind="none",
        text=verdict.text,
        verdict=verdict,
        citations=(),
        nearest=_nearest(evidence),
        passages=(),
        served_by=served_by,
        grounded=True,
    )


def _other_revision(evidence: Evidence, otherwise: Verdict) -> Verdict:
    """The question names a revision that is not in force: say which one is."""
    refused = [item for item in evidence.weighed if item.refused is not None and item.refused.reason == "revision"]
    if not refused:
        return otherwise
    top = max(refused, key=lambda item: item.score).candidate.hit.document
    text = f"Nothing for revision {evidence.question.revision}."
    if top.revision is not None:
        text = f"{text} In force is revision {top.revision} of {top.filename}."
    return replace(otherwise, text=text)


def _nearest(evidence: Evidence) -> tuple[Citation, ...]:
    """The best quote of each of the nearest passages, at most three, whatever spoke against it as an answer."""
    seen: set[int] = set()
    found: list[Citation] = []
    for item in sorted(evidence.weighed, key=lambda item: -item.score):
        if item.candidate.hit.id not in seen and len(found) < SHOWN:
            seen.add(item.candidate.hit.id)
            found.append(cite_candidate(item.candidate)[0])
    return tuple(found)


def _tags(evidence: Evidence) -> list[str]:
    """Tags near the question, nearest first: those of the best passages' documents, then those in their text."""
    hits = [item.candidate.hit for item in sorted(evidence.weighed, key=lambda item: -item.score)]
    hits = list(dict.fromkeys(hits))[:QUOTED_FROM]
    listed = [asset for hit in hits for asset in hit.document.assets]
    return listed + [item.text for hit in hits for item in identifiers(hit.passage.text) if item.kind == "asset"]


def _depends(items: Sequence[Weighed]) -> str:
    named = dict.fromkeys(_machine(item.candidate.hit) for item in items)
    if len(named) == 1:
        return "More than one entry fits. Name the part, or the machine."
    return f"It depends on the machine: {' and '.join(named)}."


def _machine(hit: Hit) -> str:
    return ", ".join(hit.document.assets) or hit.document.filename


def _in_context(candidate: Candidate) -> str:
    """A quote with what binds it, as the reranker compares it."""
    parts = (place_of(candidate.hit), candidate.intro, candidate.text)
    return "\n".join(part for part in parts if part)


def _offset(hit: Hit) -> int:
    """How many characters `context_of` puts before the passage's text."""
    return len(context_of(hit)) - len(hit.passage.text)


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
