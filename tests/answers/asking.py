"""Questions and passages for the pure rules, read as the index would read them."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.answers import rules
from appliance.answers.candidates import Candidate
from appliance.answers.features import features
from appliance.answers.question import Question, understood
from appliance.answers.rules import Weighed
from appliance.documents.values import DocumentFacts, PassageKind
from appliance.retrieval.identifiers import identifiers
from appliance.retrieval.rules import searchable
from appliance.retrieval.values import Asked, Hit
from tests.retrieval.library import facts, text_passage


def asking(text: str) -> Question:
    named = tuple(item for item in identifiers(text) if item.kind != "name")
    return understood(Asked(text, searchable(text), named, passages=50))


def hit(
    text: str,
    *,
    kind: PassageKind = "text",
    document: DocumentFacts | None = None,
    heading: str = "",
    ordinal: int = 0,
    id_: int = 1,
) -> Hit:
    passage = text_passage(text, kind=kind, heading=heading, ordinal=ordinal)
    return Hit(id_, document or facts("manual.md"), passage, score=1.0 / id_)


def allowed(text: str, hits: Sequence[Hit]) -> list[Candidate]:
    """The quotes that may be shown as the answer."""
    return [candidate for candidate, refused in rules.quotable(asking(text), hits) if refused is None]


def chosen(text: str, hits: Sequence[Hit]) -> Candidate | None:
    """The quote that words alone choose among them."""
    question = asking(text)
    weights = rules.shipped()["words"].choice
    weighed = []
    for candidate, refused in rules.quotable(question, hits):
        known = features(question, candidate, reading=None, offset=0)
        weighed.append(Weighed(candidate, known, rules.score(known, weights), refused))
    best = rules.best(weighed)
    return best.candidate if best else None
