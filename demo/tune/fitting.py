"""The fit of both variants, and what it would give on questions it has not seen (five folds)."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from appliance.answers.features import NAMES
from appliance.answers.rules import needed
from appliance.answers.trees import Trees
from appliance.answers.tuning import Case, Option, chances, fit_choice, fit_verdict, pick
from demo.tune.collect import Collected

WORTH = {"demo": 1.5, "articles": 0.35, "plants": 0.7}
"""What a question of each source counts for: written for its documents, for an encyclopedia, by rules."""
MOST = 3.0
"""How much more than another a question of a small category may count."""
TWIN = 0.7
"""What a twin counts for: its passages were taken away, which no plant's documents are."""
FOLDS = 5
RIDGE = 5.0
FALSE_ABSTENTION = {"full": 0.04, "words": 0.25}
"""The threshold is set where this share of the demo plant's answerable questions is refused: words alone know little, so
they are trusted less.
"""

Weights = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """A collected question, where it came from, and the fold that does not see it."""

    source: str
    fold: int
    share: float
    one: Collected

    @property
    def case(self) -> Case:
        """For the verdict, which meets questions as they come."""
        return replace(self.one.case, weight=WORTH[self.source] * (TWIN if self.one.twin else 1.0))

    @property
    def balanced(self) -> Case:
        """For the choice, where each category counts the same, however many questions we wrote for it."""
        return replace(self.case, weight=self.case.weight * self.share)


def load(folder: Path, variant: str) -> list[Known]:
    """Raises FileNotFoundError when nothing was collected."""
    found: list[Known] = []
    for source in WORTH:
        path = folder / f"{variant}-{source}.json"
        if not path.exists():
            continue
        items = json.loads(path.read_text(encoding="utf-8"))
        sizes = Counter(item["category"] for item in items)
        for item in items:
            share = min(MOST, len(items) / len(sizes) / sizes[item["category"]])
            item["case"] = Case(tuple(Option(tuple(o["features"]), o["right"]) for o in item["case"]["options"]))
            found.append(Known(source, _fold(item["id"]), share, Collected(**item)))
    if not found:
        raise FileNotFoundError(f"nothing was collected in {folder}; run `python -m demo.tune collect` first")
    return found


def _fold(name: str) -> int:
    """A question and its twin fall into one fold."""
    return sum(name.encode()) % FOLDS


def fit_all(folder: Path, start: Mapping[str, Weights], *, failures: bool) -> dict[str, Weights]:
    fitted: dict[str, Weights] = {}
    for variant in ("full", "words"):
        known = load(folder, variant)
        choice, verdict = fit(known, start[variant])
        unseen = cross_validated(known, start[variant])
        threshold = threshold_of(known, unseen, FALSE_ABSTENTION[variant])
        print(f"{variant}: threshold {threshold:.2f}, by questions not seen in the fit")
        report(known, unseen, threshold)
        if failures:
            show_failures(known, unseen, threshold)
        fitted[variant] = {
            "choice": {name: value for name, value in choice.items() if value},
            "verdict": verdict.as_json(),
            "threshold": threshold,
        }
    return fitted


def fit(known: Sequence[Known], start: Weights) -> tuple[dict[str, float], Trees]:
    choice = fit_choice([one.balanced for one in known], start["choice"], ridge=RIDGE)
    return choice, fit_verdict([one.case for one in known], choice)


def cross_validated(known: Sequence[Known], start: Weights) -> list[tuple[float, Option | None]]:
    """For each question the chance that the fit on the other folds gives its choice, and that choice."""
    found: list[tuple[float, Option | None]] = [(0.0, None)] * len(known)
    for fold in range(FOLDS):
        choice, verdict = fit([one for one in known if one.fold != fold], start)
        mine = [at for at, one in enumerate(known) if one.fold == fold]
        cases = [known[at].case for at in mine]
        for at, case, chance in zip(mine, cases, chances(cases, choice, verdict), strict=True):
            found[at] = chance, pick(case, choice)
    return found


def threshold_of(
    known: Sequence[Known], unseen: Sequence[tuple[float, Option | None]], false_abstention: float
) -> float:
    """Where this share of the demo plant's answerable questions is refused, each category counting the same."""
    answerable = [
        (chance, one.one.category)
        for one, (chance, _) in zip(known, unseen, strict=True)
        if one.source == "demo" and one.one.answerable
    ]
    sizes = Counter(category for _, category in answerable)
    refused = 0.0
    for chance, category in sorted(answerable):
        refused += 1 / sizes[category] / len(sizes)
        if refused > false_abstention:
            return math.floor(chance * 100) / 100
    return 0.5


def report(known: Sequence[Known], unseen: Sequence[tuple[float, Option | None]], threshold: float) -> None:
    print(
        f"  {'source':10} {'asked':>5} {'reachable':>9} {'chosen':>7} {'found':>7} {'refused':>8} {'none right':>10} {'twins':>7}"
    )
    for source in WORTH:
        rows = [(one, *result) for one, result in zip(known, unseen, strict=True) if one.source == source]
        if not rows:
            continue
        good = [row for row in rows if row[0].one.answerable]
        none = [not _given(*row[1:], threshold) for row in rows if not row[0].one.answerable and not row[0].one.twin]
        twins = [not _given(*row[1:], threshold) for row in rows if row[0].one.twin]
        right = [choice is not None and choice.right for _, _, choice in good]
        kept = [_given(chance, choice, threshold) for _, chance, choice in good]
        columns = (
            _share([one.one.case.answerable for one, _, _ in good]),
            _share(right),
            _share([a and b for a, b in zip(right, kept, strict=True)]),
            _share([not one for one in kept]),
            _share(none),
            _share(twins),
        )
        print(
            f"  {source:10} {len(good):5} {columns[0]:>9} {columns[1]:>7} {columns[2]:>7} {columns[3]:>8} {columns[4]:>10} {columns[5]:>7}"
        )


def show_failures(known: Sequence[Known], unseen: Sequence[tuple[float, Option | None]], threshold: float) -> None:
    for one, (chance, choice) in zip(known, unseen, strict=True):
        wrong = choice is None or not choice.right
        given = _given(chance, choice, threshold)
        if one.source == "demo" and (not given or wrong if one.one.answerable else given):
            text = one.one.texts[one.one.case.options.index(choice)] if choice else ""
            kind = "twin" if one.one.twin else one.one.category
            print(f"  {chance:.2f} {one.one.id} {kind}: {one.one.question} | {text!r}")


def _given(chance: float, choice: Option | None, threshold: float) -> bool:
    """Whether the answers would give this choice."""
    if choice is None:
        return False
    known = dict(zip(NAMES, choice.features, strict=True))
    return chance >= needed(known["unbound"], known["context"], threshold)


def _share(found: Sequence[bool]) -> str:
    return f"{sum(found) / len(found):.3f}" if found else ""


def as_text(weights: Mapping[str, Weights]) -> str:
    """JSON with one tree a line, so that a new fit shows what it changed."""
    parts = []
    for variant, item in weights.items():
        lines = ",\n    ".join(json.dumps(tree) for tree in item["verdict"]["trees"])
        parts.append(
            f' "{variant}": {{\n  "choice": {json.dumps(item["choice"])},\n'
            f'  "verdict": {{"bias": {item["verdict"]["bias"]}, "trees": [\n    {lines}\n  ]}},\n'
            f'  "threshold": {item["threshold"]}\n }}'
        )
    return "{\n" + ",\n".join(parts) + "\n}\n"
