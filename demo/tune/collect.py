"""Every possible quote of every question with its features, and whether it is a right answer.

Each answerable question is asked twice: as it is, and as its *twin*, with the passages that answer it taken away. So
there are as many questions without an answer as with one, and they differ in nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appliance.answers import Answers
from appliance.answers.evaluation import holds
from appliance.answers.features import NAMES
from appliance.answers.rules import with_neighbours
from appliance.answers.service import Evidence
from appliance.answers.tuning import Case, Option
from appliance.store import Admitted, Decision, Principal, RecordRef, Store, Tenant, new_id
from appliance.store.admission import minter
from demo.tune.questions import Asked

if TYPE_CHECKING:
    from appliance.answers.rules import Weighed
    from appliance.retrieval.service import Search
    from appliance.retrieval.values import Found, Hit

OPERATOR_LEVEL = 2


@dataclass(frozen=True, slots=True)
class Collected:
    """One question, or its twin, with what could be quoted; `texts` holds the beginning of each option's quote."""

    id: str
    category: str
    question: str
    answerable: bool
    twin: bool
    case: Case
    texts: tuple[str, ...]


async def collect(store: Store, search: Search, answers: Answers, asked: Sequence[Asked]) -> AsyncIterator[Collected]:
    """Two for each question that has an answer, one for each that has none, in the order of `asked`."""
    tenants = {tenant.slug: tenant for tenant in await store.tenants()}
    for one in asked:
        found = await search.first(_admitted(tenants[one.golden.tenant]), one.golden.question)
        yield _collected(one, await answers.weigh(found), twin=False)
        if one.golden.expect == "quoted":
            yield _collected(one, await answers.weigh(_without(found, one)), twin=True)


def _admitted(tenant: Tenant) -> Admitted:
    return minter()(
        principal=Principal(new_id(), "person", tenant.id, "tuning", "operator", OPERATOR_LEVEL),
        action="chat.ask",
        decision=Decision(True, ("tuning",), "tuning"),
        pre=RecordRef("tuning", 0, new_id()),
        correlation_id=new_id(),
    )


def _collected(one: Asked, evidence: Evidence, *, twin: bool) -> Collected:
    # Quotes that were not compared lack features, and are never the best.
    allowed = [
        item for item in evidence.weighed if item.refused is None and (not evidence.models or item.features.near)
    ]
    options = tuple(
        Option(tuple(getattr(item.features, name) for name in NAMES), right=not twin and _answers(one, evidence, item))
        for item in allowed
    )
    return Collected(
        id=one.golden.id,
        category=one.golden.category,
        question=one.golden.question,
        answerable=one.golden.expect == "quoted" and not twin,
        twin=twin,
        case=Case(options),
        texts=tuple(item.candidate.text[:160] for item in allowed),
    )


def _answers(one: Asked, evidence: Evidence, item: Weighed) -> bool:
    hit, golden, shown = item.candidate.hit, one.golden, item.candidate
    if shown.kind == "sentence":
        shown = with_neighbours(evidence.question, shown)
    return (
        any(holds(shown.text, text) for text in golden.answer_any)
        and not any(holds(shown.text, text) for text in golden.must_not)
        and golden.document in (None, hit.document.filename)
        and one.passage in (None, hit.passage.text)
    )


def _without(found: Found, one: Asked) -> Found:
    def stays(hit: Hit) -> bool:
        whole = one.golden.category == "steps" and hit.document.filename == one.golden.document
        return not whole and not any(holds(hit.passage.text, text) for text in one.golden.answer_any)

    return replace(
        found,
        hits=tuple(hit for hit in found.hits if stays(hit)),
        others=tuple(hit for hit in found.others if stays(hit)),
    )
