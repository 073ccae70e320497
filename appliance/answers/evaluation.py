"""Scoring answers to questions whose answers are known.

A *golden* question is scored only; answers are never tuned on it. The figures:

    document hit@1, hit@3   the right document is the first, or among the first three, that were shown
    answer found            an answerable question got an answer that holds one of the right strings
    value bound right       the same for questions that want a figure, a number or an identifier
    wrong value given       an answer held a value of another asset or of an old revision (aim: none)
    abstention right        a question without an answer was told so
    false abstention        a question with an answer was told there is none
    right where sure        of all answers not marked "This may be it", those that are right

Texts are compared without regard to case, white space, kind of dash or decimal comma, and only at word borders: `4 mm`
is not found in `14 mm`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

T = TypeVar("T")

BOUND = frozenset({"number", "identifier"})


@dataclass(frozen=True, slots=True)
class Golden:
    """One question and what is known of its answer.

    `answer_any`: any of these must stand in the answer. `must_not`: none of these may be given as the answer.
    `document` and `page`: where the answer stands, if anywhere. `expect`: whether there is an answer.
    """

    id: str
    question: str
    kind: Literal["answerable", "near_miss"]
    category: str
    tenant: str
    answer_any: tuple[str, ...]
    must_not: tuple[str, ...]
    document: str | None
    page: int | None
    expect: Literal["quoted", "none"]

    @classmethod
    def of_json(cls, item: Mapping[str, Any]) -> Golden:
        return cls(
            id=item["id"],
            question=item["question"],
            kind=item["kind"],
            category=item["category"],
            tenant=item["tenant"],
            answer_any=tuple(item["answer_any"]),
            must_not=tuple(item["must_not"]),
            document=item["document"],
            page=item["page"],
            expect=item["expect"],
        )


@dataclass(frozen=True, slots=True)
class Given:
    """What came back: the answer's text, the files shown for it (cited ones first, each once), and the times. `sure` is
    whether it was given without the request to read the page first.
    """

    kind: str
    sure: bool
    text: str
    filenames: tuple[str, ...]
    ms_to_quotes: float
    ms_total: float

    @classmethod
    def of_json(cls, answer: Mapping[str, Any], passages: Sequence[Mapping[str, Any]] = ()) -> Given:
        """From the JSON of `POST /v1/chat`, and the passages that were shown before it if they are known."""
        shown = [*answer["citations"], *answer["nearest"], *answer["passages"], *passages]
        return cls(
            kind=answer["kind"],
            sure=answer["kind"] != "none" and answer["verdict"]["kind"] != "perhaps",
            text=answer["answer"],
            filenames=tuple(dict.fromkeys(item["filename"] for item in shown)),
            ms_to_quotes=answer["ms_to_quotes"],
            ms_total=answer["ms_total"],
        )


@dataclass(frozen=True, slots=True)
class Scored:
    """One golden question, scored; None where a figure does not apply to it."""

    golden: Golden
    given: Given
    hit_at_1: bool | None
    hit_at_3: bool | None
    found: bool | None
    wrong_value: bool
    abstained: bool

    @property
    def right(self) -> bool:
        if self.golden.expect == "none":
            return self.abstained
        return bool(self.found) and not self.wrong_value


@dataclass(frozen=True, slots=True)
class EvalReport:
    """All questions scored. A share of nothing is None."""

    scored: tuple[Scored, ...]

    def figures(self) -> dict[str, float | int | None]:
        """The figures by name; shares are 0..1, times milliseconds."""
        answerable = [item for item in self.scored if item.golden.expect == "quoted"]
        unanswerable = [item for item in self.scored if item.golden.expect == "none"]
        bound = [item for item in answerable if item.golden.category in BOUND]
        quotes = sorted(item.given.ms_to_quotes for item in self.scored)
        totals = sorted(item.given.ms_total for item in self.scored)
        return {
            "questions": len(self.scored),
            "document hit@1": share(item.hit_at_1 for item in answerable if item.hit_at_1 is not None),
            "document hit@3": share(item.hit_at_3 for item in answerable if item.hit_at_3 is not None),
            "answer found": share(bool(item.found) for item in answerable),
            "value bound right": share(bool(item.found) and not item.wrong_value for item in bound),
            "wrong value given": sum(item.wrong_value for item in self.scored),
            "abstention right": share(item.abstained for item in unanswerable),
            "false abstention": share(item.abstained for item in answerable),
            "right where sure": share(item.right for item in self.scored if item.given.sure),
            "ms to quotes p50": at_share(quotes, 0.5),
            "ms to quotes p95": at_share(quotes, 0.95),
            "ms in all p50": at_share(totals, 0.5),
            "ms in all p95": at_share(totals, 0.95),
        }

    def by_category(self) -> dict[str, tuple[int, int]]:
        """For each category, how many questions were answered right (or rightly not at all), and how many there are."""
        table: dict[str, tuple[int, int]] = {}
        for item in self.scored:
            right, total = table.get(item.golden.category, (0, 0))
            table[item.golden.category] = (right + item.right, total + 1)
        return table

    def as_json(self) -> dict[str, Any]:
        return {
            "figures": self.figures(),
            "categories": {name: {"right": right, "of": total} for name, (right, total) in self.by_category().items()},
            "questions": [
                {
                    "id": item.golden.id,
                    "category": item.golden.category,
                    "question": item.golden.question,
                    "right": item.right,
                    "kind": item.given.kind,
                    "answer": item.given.text,
                    "filenames": list(item.given.filenames),
                    "wrong_value": item.wrong_value,
                }
                for item in self.scored
            ],
        }


Ask = Callable[[str, str], Awaitable[Given]]
"""Ask a tenant (by its short name) a question."""


async def evaluate(
    ask: Ask, golden: Sequence[Golden], *, done: Callable[[int, int], None] = lambda _done, _of: None
) -> EvalReport:
    """Ask every question, one after another (the times are those of an unloaded node), and score the answers."""
    scored: list[Scored] = []
    for item in golden:
        scored.append(score(item, await ask(item.tenant, item.question)))
        done(len(scored), len(golden))
    return EvalReport(tuple(scored))


def score(golden: Golden, given: Given) -> Scored:
    """Score one answer."""
    answered = given.kind != "none"
    known = golden.document is not None
    return Scored(
        golden=golden,
        given=given,
        hit_at_1=golden.document in given.filenames[:1] if known else None,
        hit_at_3=golden.document in given.filenames[:3] if known else None,
        found=answered and any(holds(given.text, wanted) for wanted in golden.answer_any)
        if golden.answer_any
        else None,
        wrong_value=answered and any(holds(given.text, wrong) for wrong in golden.must_not),
        abstained=not answered,
    )


def holds(text: str, wanted: str) -> bool:
    """Whether `wanted` stands in `text` as whole words."""
    return re.search(rf"(?<![\w.]){re.escape(plain(wanted))}(?!\w|\.\d)", plain(text)) is not None


def plain(text: str) -> str:
    """The text in one line of lower case, with plain dashes, decimal points and single blanks, without emphasis marks."""
    text = re.sub(r"[‐‑‒–—−]", "-", text.lower())
    text = re.sub(r"(?<=\d),(?=\d{1,2}(?!\d))", ".", text)
    return " ".join(text.replace("\u00a0", " ").replace("*", "").replace("`", "").split())


def share(values: Any) -> float | None:
    items = list(values)
    return round(sum(items) / len(items), 4) if items else None


def at_share(ordered: Sequence[float], at: float) -> float | None:
    """The value below which the share `at` of the ordered values lies; None without values."""
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, round(at * (len(ordered) - 1)))], 1)
