"""Fitting the weights of `rules` to questions whose answers are known. Pure; `python -m demo.tune` collects the data.

Two fits over the same features:

    choice    of two candidates of one question, the right one should score higher than the wrong one: logistic, with a
              pull (ridge) towards where it starts
    verdict   the chance that the chosen candidate is right: trees; questions whose answer was taken out of the passages,
              and questions that never had one, are the negative examples
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.answers import trees
from appliance.answers.features import NAMES
from appliance.answers.rules import ELSEWHERE
from appliance.answers.trees import Trees

SHARPNESS = 4.0
"""Scores differ by tenths, while a logistic curve saturates over units."""
AGAINST = frozenset({"missing", "unbound", "apart", "failed", "figure", "whole", "opposed", "elsewhere"})
"""Features that speak against a quote."""
JUDGED_ONLY = frozenset({"margin", "clear", "elsewhere", "bare"})
"""Features that take no part in the choice: three follow from it, and the last is a part of another."""
AT = NAMES.index("elsewhere")

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Option:
    """One candidate: its features in the order of `NAMES`, and whether it is a right answer."""

    features: tuple[float, ...]
    right: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One question with the candidates that grounding lets pass; `weight` balances the sources against each other."""

    options: tuple[Option, ...]
    weight: float = 1.0

    @property
    def answerable(self) -> bool:
        return any(option.right for option in self.options)


def fit_choice(
    cases: Sequence[Case], start: Mapping[str, float], *, ridge: float = 2.0, rivals: int = 30
) -> dict[str, float]:
    """Weights that put right candidates before wrong ones; at most `rivals` wrong ones of a question count."""
    heeded = np.array([name not in JUDGED_ONLY for name in NAMES], float)
    begin = np.array([start.get(name, 0.0) for name in NAMES]) * heeded
    rows: list[Vector] = []
    shares: list[float] = []
    for case in cases:
        right = [np.array(option.features) * heeded for option in case.options if option.right]
        wrong = sorted(
            (np.array(option.features) * heeded for option in case.options if not option.right),
            key=lambda row: -float(row @ begin),
        )[:rivals]
        if not right or not wrong:
            continue
        top = max(right, key=lambda row: float(row @ begin))
        rows += [top - row for row in wrong]
        shares += [case.weight / len(wrong)] * len(wrong)
    if not rows:
        return dict(start)
    fitted = _logistic(np.stack(rows) * SHARPNESS, np.ones(len(rows)), np.array(shares), begin, ridge)
    return dict(zip(NAMES, (round(float(value), 3) for value in fitted), strict=True))


def fit_verdict(cases: Sequence[Case], choice: Mapping[str, float]) -> Trees:
    """Trees for the chance that the candidate chosen by `choice` is right.

    Raises:
        ValueError: no case has a candidate.
    """
    chosen = [(option, case.weight) for case in cases if (option := pick(case, choice)) is not None]
    if not chosen:
        raise ValueError("no case has a candidate")
    rows = np.array([option.features for option, _ in chosen])
    labels = np.array([float(option.right) for option, _ in chosen])
    return trees.fit(NAMES, AGAINST, rows, labels, np.array([weight for _, weight in chosen]))


def pick(case: Case, choice: Mapping[str, float]) -> Option | None:
    """The candidate with the highest score."""
    weights = [choice.get(name, 0.0) for name in NAMES]
    return max(
        case.options,
        key=lambda option: sum(w * f for w, f in zip(weights, option.features, strict=True)),
        default=None,
    )


def chances(cases: Sequence[Case], choice: Mapping[str, float], verdict: Trees) -> list[float]:
    """For each case the chance that its chosen candidate is right; 0 where there is none, or the answer is elsewhere."""
    found: list[float] = []
    for case in cases:
        option = pick(case, choice)
        if option is None or option.features[AT] > ELSEWHERE:
            found.append(0.0)
            continue
        total = verdict.total(dict(zip(NAMES, option.features, strict=True)))
        found.append(float(1 / (1 + np.exp(-np.clip(total, -30, 30)))))
    return found


def _logistic(rows: Vector, labels: Vector, weights: Vector, begin: Vector, ridge: float) -> Vector:
    """Weighted logistic regression by damped Newton steps, drawn to `begin` with strength `ridge`; no intercept is added.

    The objective is convex, so halving a step until it helps always ends at the one minimum.
    """

    def cost(at: Vector) -> float:
        margins = rows @ at
        return float(weights @ (np.logaddexp(0, margins) - labels * margins) + ridge / 2 * ((at - begin) ** 2).sum())

    at = begin.copy()
    for _ in range(100):
        chance = 1 / (1 + np.exp(-np.clip(rows @ at, -30, 30)))
        gradient = rows.T @ (weights * (chance - labels)) + ridge * (at - begin)
        curve = (rows * (weights * chance * (1 - chance))[:, None]).T @ rows + ridge * np.eye(len(at))
        step = np.linalg.solve(curve, gradient)
        length = 1.0
        while cost(at - length * step) > cost(at) and length > 1e-6:
            length /= 2
        at = at - length * step
        if float(np.abs(step).max()) * length < 1e-7:
            break
    return at
