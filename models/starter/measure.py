"""How good a reader is: exact match, F1, and how well its score parts answerable from unanswerable.

EM and F1 normalise as SQuAD's own script: lower case, no punctuation, no articles, spaces collapsed.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from models.engines.onnx import finish
from models.engines.reader import Calibration, Reader
from models.starter.squad import Example

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True)
class Quality:
    """Percentages, but `auc` 0 to 1. `kept` and `refused`: shares judged rightly where the score is cut at 0.5."""

    em: float
    f1: float
    auc: float
    kept: float
    refused: float
    answerable: int
    unanswerable: int

    def rounded(self) -> dict[str, float]:
        return {name: round(value, 3) for name, value in asdict(self).items()}


def plain(text: str) -> list[str]:
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def overlap(given: str, gold: str) -> float:
    """F1 of the words of two answers."""
    one, two = plain(given), plain(gold)
    shared = sum((Counter(one) & Counter(two)).values())
    if not one or not two:
        return float(one == two)
    return 2 * shared / (len(one) + len(two))


def auc(good: NDArray[np.float64], bad: NDArray[np.float64]) -> float:
    """The chance that an answerable example scores above an unanswerable one, ties counting half."""
    order = np.sort(bad)
    below, upto = np.searchsorted(order, good, "left"), np.searchsorted(order, good, "right")
    return float((below + upto).mean() / 2 / len(bad))


def quality(reader: Reader, examples: Sequence[Example]) -> Quality:
    """Raises ZeroDivisionError unless there are both answerable and unanswerable examples."""
    match, overlaps = 0.0, 0.0
    good: list[float] = []
    bad: list[float] = []
    for example in examples:
        reading = finish(reader.read(example.question, [example.passage]))[0]
        if example.answer is None:
            bad.append(reading.answerable)
            continue
        good.append(reading.answerable)
        given = reading.spans[0].text if reading.spans else ""
        match += plain(given) == plain(example.answer)
        overlaps += overlap(given, example.answer)
    yes, no = np.array(good), np.array(bad)
    return Quality(
        em=100 * match / len(good),
        f1=100 * overlaps / len(good),
        auc=auc(yes, no),
        kept=100 * float((yes >= 0.5).mean()),
        refused=100 * float((no < 0.5).mean()),
        answerable=len(good),
        unanswerable=len(bad),
    )


def calibrate(reader: Reader, examples: Sequence[Example]) -> Calibration:
    """Logistic regression by Newton's method over the raw scores, lightly regularised, both classes weighing the same."""
    raw = np.array([(1.0, *reader.raw(example.question, example.passage)) for example in examples])
    wanted = np.array([example.answer is not None for example in examples], np.float64)
    weight = np.where(wanted > 0, 0.5 / wanted.mean(), 0.5 / (1 - wanted.mean()))
    factors = np.zeros(3)
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(raw @ factors, -30, 30)))
        gradient = raw.T @ (weight * (chance - wanted)) + 0.1 * factors
        curve = (raw * (weight * chance * (1 - chance))[:, None]).T @ raw + 0.1 * np.eye(3)
        factors -= np.linalg.solve(curve, gradient)
    intercept, answerable, margin = (round(float(factor), 5) for factor in factors)
    return Calibration(intercept, answerable, margin)
