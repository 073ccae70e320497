"""Screening of texts as requests pass it: rules here, the classifier by its server; without the server the rules alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from appliance.guard.injection import fired, verdict
from appliance.guard.pii import find
from appliance.guard.values import Finding, Injection
from appliance.metrics import GUARDED
from models.errors import ModelsError
from models.schemas import MOST_CHARACTERS

log = structlog.get_logger(__name__)


class Classifies(Protocol):
    """The small model that scores texts. Raises ModelsError while it cannot be reached."""

    async def classify(self, texts: Sequence[str], bulk: bool = False) -> list[float]: ...


@dataclass(frozen=True, slots=True)
class Screened:
    """What was found in one text."""

    injection: Injection
    pii: tuple[Finding, ...]


class Guard:
    def __init__(self, classifier: Classifies) -> None:
        self._classifier = classifier

    async def screen(self, texts: Sequence[str]) -> list[Screened]:
        """Orders to a model, and personal data, in each text, in their order."""
        return [
            Screened(injection, tuple(find(text)))
            for text, injection in zip(texts, await self.injections(texts), strict=True)
        ]

    async def injections(self, texts: Sequence[str], *, bulk: bool = False) -> list[Injection]:
        """Whether each text gives orders to a model, in their order. `bulk` lets people's questions go first."""
        scores = await self._scores([text[:MOST_CHARACTERS] for text in texts], bulk=bulk)
        found = [verdict(fired(text), score) for text, score in zip(texts, scores, strict=True)]
        for one in found:
            GUARDED.labels("flagged" if one.verdict else "clean").inc()
        return found

    async def _scores(self, texts: Sequence[str], *, bulk: bool) -> list[float]:
        told = [at for at, text in enumerate(texts) if text.strip()]
        scores = [0.0] * len(texts)
        if not told:
            return scores
        try:
            found = await self._classifier.classify([texts[at] for at in told], bulk=bulk)
            for at, score in zip(told, found, strict=True):
                scores[at] = score
        except ModelsError:
            log.warning("the injection classifier cannot be reached; rules alone judge")
        return scores
