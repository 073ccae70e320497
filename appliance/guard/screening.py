"""Screening of texts as requests pass it: rules here, the classifier by its server; without the server the rules alone."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from appliance.guard.injection import fired, verdict
from appliance.guard.pii import Pattern, find, find_own
from appliance.guard.values import Finding, Injection
from appliance.metrics import GUARDED
from appliance.policy.phrases import PlantOrder
from appliance.store import TenantId
from appliance.tracing import span
from models.errors import ModelsError
from models.schemas import MOST_CHARACTERS

REMEMBERED: Final = 8_192
"""Texts whose verdicts are kept, by their hashes: the same passages are quoted again and again."""

log = structlog.get_logger(__name__)


class Classifies(Protocol):
    """The small model that scores texts. Raises ModelsError while it cannot be reached."""

    async def classify(self, texts: Sequence[str], bulk: bool = False) -> list[float]: ...


@dataclass(frozen=True, slots=True)
class Screened:
    """What was found in one text."""

    injection: Injection
    pii: tuple[Finding, ...]


def _none(_tenant_id: TenantId | None) -> tuple[PlantOrder, ...]:
    return ()


class Guard:
    """Judges a text once, as long as it remembers it.

    Args:
        own: patterns of personal data beside those of the release, for `screen`.
        orders: a plant's rules for orders to a model; `screen` asks for those of no plant.
    """

    def __init__(
        self,
        classifier: Classifies,
        *,
        remembered: int = REMEMBERED,
        own: Sequence[Pattern] = (),
        orders: Callable[[TenantId | None], tuple[PlantOrder, ...]] = _none,
    ) -> None:
        self._classifier, self._most, self._own, self._orders = classifier, remembered, own, orders
        self._known: OrderedDict[bytes, Injection] = OrderedDict()

    async def screen(self, texts: Sequence[str]) -> list[Screened]:
        """Orders to a model, and personal data, in each text, in their order."""
        return [
            Screened(injection, tuple(sorted([*find(text), *find_own(text, self._own)])))
            for text, injection in zip(texts, await self.injections(texts), strict=True)
        ]

    async def injections(
        self, texts: Sequence[str], tenant_id: TenantId | None = None, *, bulk: bool = False
    ) -> list[Injection]:
        """Whether each text gives orders to a model, in their order, by the rules of the plant as well. `bulk` lets people's questions
        go first.
        """
        own = self._orders(tenant_id)
        keys = [_key(text, own) for text in texts]
        found = {key: self._known[key] for key in keys if key in self._known}
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        for key in found:
            self._known.move_to_end(key)
        with span("guard.screen", texts=len(texts), new=len(new)) as told:
            if new:
                found |= dict(zip(new, await self._judged(list(new.values()), own, bulk=bulk), strict=True))
            told.says(flagged=sum(found[key].verdict for key in keys))
        for key in keys:
            GUARDED.labels("flagged" if found[key].verdict else "clean").inc()
        return [found[key] for key in keys]

    async def _judged(self, texts: list[str], own: tuple[PlantOrder, ...], *, bulk: bool) -> list[Injection]:
        scores = await self._scores([text[:MOST_CHARACTERS] for text in texts], bulk=bulk)
        made = [verdict(fired(text, own), score or 0.0, own) for text, score in zip(texts, scores, strict=True)]
        for text, score, one in zip(texts, scores, made, strict=True):
            # What rules alone have judged is judged again when the classifier is back.
            if score is not None:
                self._known[_key(text, own)] = one
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return made

    async def _scores(self, texts: Sequence[str], *, bulk: bool) -> list[float | None]:
        told = [at for at, text in enumerate(texts) if text.strip()]
        scores: list[float | None] = [0.0] * len(texts)
        if not told:
            return scores
        try:
            found = await self._classifier.classify([texts[at] for at in told], bulk=bulk)
        except ModelsError:
            log.warning("the injection classifier cannot be reached; rules alone judge")
            return [None] * len(texts)
        for at, score in zip(told, found, strict=True):
            scores[at] = score
        return scores


def _key(text: str, own: tuple[PlantOrder, ...]) -> bytes:
    rules = hashlib.sha256(repr(own).encode()).digest() if own else b""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() + rules
