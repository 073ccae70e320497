"""Boosted trees of two levels that keep the direction of what they weigh: more evidence never lowers a chance. Pure.

A sum of weights cannot say that a quote needs either the words of the question or a reader who is sure of it; four
leaves can. Fitted as in Friedman, "Greedy Function Approximation: A Gradient Boosting Machine" (2001), with second-order
steps and bounds on the leaves below a split, which is how XGBoost keeps a direction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROUNDS, RATE = 200, 0.06
SHRINK = 5.0
"""What is added to the curvature of a leaf, so that few examples move it little."""
LEAST = 30
"""Examples that a leaf needs."""
CUTS = 31
"""Places at which a feature may be split: quantiles of the examples."""

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Split:
    """`low` where the feature is below `cut`, else `high`."""

    feature: str
    cut: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Tree:
    """A split whose sides are split again."""

    feature: str
    cut: float
    low: Split | float
    high: Split | float


@dataclass(frozen=True, slots=True)
class Trees:
    """`bias` and the trees whose leaves are added to it; the sum is the logarithm of the odds."""

    bias: float
    trees: tuple[Tree, ...]

    def total(self, values: Mapping[str, float]) -> float:
        return self.bias + sum(_leaf(tree, values) for tree in self.trees)

    def as_json(self) -> dict[str, Any]:
        return {"bias": self.bias, "trees": [_as_json(tree) for tree in self.trees]}

    @classmethod
    def of_json(cls, item: Mapping[str, Any]) -> Trees:
        return cls(item["bias"], tuple(Tree(*one[:2], *map(_side, one[2:])) for one in item["trees"]))


def _leaf(node: Tree | Split | float, values: Mapping[str, float]) -> float:
    while not isinstance(node, float):
        node = node.low if values[node.feature] < node.cut else node.high
    return node


def _as_json(node: Tree | Split | float) -> Any:
    if isinstance(node, float):
        return node
    return [node.feature, node.cut, _as_json(node.low), _as_json(node.high)]


def _side(item: Any) -> Split | float:
    return float(item) if isinstance(item, int | float) else Split(item[0], item[1], float(item[2]), float(item[3]))


def fit(names: Sequence[str], against: frozenset[str], rows: Vector, labels: Vector, weights: Vector) -> Trees:
    """Trees for the chance that `labels` (n, 0 or 1) is 1, given `rows` (n, features in the order of `names`).

    The chance falls with a feature of `against`, and rises with any other.
    """
    cuts = _Cuts.of(names, against, rows)
    prior = float((weights * labels).sum() / weights.sum())
    bias = round(float(np.log(prior / (1 - prior))), 4) if 0 < prior < 1 else 0.0
    totals = np.full(len(labels), bias)
    trees: list[Tree] = []
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-totals))
        found = _grow(cuts, weights * (chance - labels), weights * chance * (1 - chance))
        if found is None:
            break
        tree, leaves = found
        trees.append(tree)
        totals += leaves
    return Trees(bias, tuple(trees))


@dataclass(frozen=True, slots=True)
class _Cuts:
    """Every place where a tree may be split: `below` (n, cuts) says which examples fall below it."""

    names: tuple[str, ...]
    places: Vector
    signs: Vector
    below: Vector

    @classmethod
    def of(cls, names: Sequence[str], against: frozenset[str], rows: Vector) -> _Cuts:
        found = [
            (name, float(place), column)
            for name, column in zip(names, rows.T, strict=True)
            for place in np.unique(np.quantile(column, np.linspace(0, 1, CUTS + 2)[1:-1]).round(3))
            if (column < place).any()
        ]
        below = np.array([column < place for _, place, column in found], np.float64).reshape(len(found), len(rows)).T
        signs = np.array([-1.0 if name in against else 1.0 for name, _, _ in found])
        return cls(tuple(name for name, _, _ in found), np.array([place for _, place, _ in found]), signs, below)


def _grow(cuts: _Cuts, slope: Vector, curve: Vector) -> tuple[Tree, Vector] | None:
    """The best tree and what it adds to each example; None where no split is any good."""
    everyone = np.ones(len(slope))
    root = _best(cuts, slope, curve, everyone, -np.inf, np.inf)
    if root is None:
        return None
    at, low, high = root
    below = cuts.below[:, at]
    middle = (low + high) / 2
    rising = cuts.signs[at] > 0
    sides: list[Split | float] = []
    leaves = np.zeros(len(slope))
    for members, value, upper in ((below, low, rising), (everyone - below, high, not rising)):
        inner = _best(cuts, slope, curve, members, *((-np.inf, middle) if upper else (middle, np.inf)))
        if inner is None:
            leaf = round(RATE * value, 4)
            sides.append(leaf)
            leaves += members * leaf
            continue
        place, lower, higher = inner
        split = Split(cuts.names[place], float(cuts.places[place]), round(RATE * lower, 4), round(RATE * higher, 4))
        sides.append(split)
        leaves += members * np.where(cuts.below[:, place] > 0, split.low, split.high)
    return Tree(cuts.names[at], float(cuts.places[at]), sides[0], sides[1]), leaves


def _best(
    cuts: _Cuts, slope: Vector, curve: Vector, members: Vector, least: float, most: float
) -> tuple[int, float, float] | None:
    """The cut of `members` that lowers the loss most, with the values of its sides; both within `least` and `most`."""
    if not cuts.names:
        return None
    slopes, curves, counts = (members * part @ cuts.below for part in (slope, curve, np.ones(len(slope))))
    total_slope, total_curve, total = float(members @ slope), float(members @ curve), float(members.sum())
    low = np.clip(-slopes / (curves + SHRINK), least, most)
    high = np.clip(-(total_slope - slopes) / (total_curve - curves + SHRINK), least, most)
    gain = -(slopes * low + (curves + SHRINK) / 2 * low**2)
    gain -= (total_slope - slopes) * high + (total_curve - curves + SHRINK) / 2 * high**2
    whole = float(np.clip(-total_slope / (total_curve + SHRINK), least, most))
    gain += total_slope * whole + (total_curve + SHRINK) / 2 * whole**2
    allowed = (counts >= LEAST) & (total - counts >= LEAST) & (cuts.signs * (high - low) >= 0)
    gain[~allowed] = -np.inf
    at = int(np.argmax(gain))
    return (at, float(low[at]), float(high[at])) if gain[at] > 1e-9 else None
