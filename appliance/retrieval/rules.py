"""Decisions of a search: which words to look for, who stands for which asset, how rankings are joined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from string import ascii_lowercase
from typing import TYPE_CHECKING

from appliance.retrieval.glossary import alternatives
from appliance.retrieval.identifiers import family, identifiers, sisters
from appliance.retrieval.terms import LONG_WORD, content_terms, near, stem, terms
from appliance.retrieval.values import Wanted

if TYPE_CHECKING:
    from appliance.documents.values import DocumentFacts, Passage
    from appliance.retrieval.identifiers import Identifier
    from appliance.retrieval.terms import Term

WORDS_WEIGHT = 2.5
"""BM25 against vectors: equal weights lose to BM25 alone on manuals (nDCG@10 .718 against .736)."""
CORRECTED_LENGTH = 4
"""Shorter words are not corrected: too many others are one letter away."""
LONGEST_WORD = 24
RANK_OFFSET = 20
"""The constant of reciprocal rank fusion; lower trusts the first ranks more."""


def searchable(question: str) -> tuple[Term, ...]:
    """The terms worth looking for: those with content, or all of them where a question has nothing else."""
    return content_terms(question) or terms(question)


def wanted(keys: Iterable[str], *, required: Iterable[str] = ()) -> Wanted:
    """Any of `keys`, and words that mean the same; any of `required` must be present."""
    any_of = dict.fromkeys(word for key in keys for word in (key, *alternatives(key)))
    return Wanted(tuple(any_of), tuple(dict.fromkeys(required)))


def fused(words: Sequence[int], meaning: Sequence[int], *, weight: float = WORDS_WEIGHT) -> dict[int, float]:
    """Weighted reciprocal rank fusion of two rankings of ids; the best possible score is 1."""
    scores: dict[int, float] = {}
    best = (weight + 1.0) / (RANK_OFFSET + 1)
    for ranking, share in ((words, weight), (meaning, 1.0)):
        for rank, id_ in enumerate(ranking, start=1):
            scores[id_] = scores.get(id_, 0.0) + share / (RANK_OFFSET + rank) / best
    return scores


def blended(first: Sequence[float], rerank: Sequence[float], *, share: float = 0.65) -> list[float]:
    """Join the order of the first search with the reranker's: both scaled to 0..1 over the candidates, then mixed."""
    return [share * r + (1 - share) * f for f, r in zip(_scaled(first), _scaled(rerank), strict=True)]


def _scaled(values: Sequence[float]) -> list[float]:
    low, high = min(values, default=0.0), max(values, default=0.0)
    return [(value - low) / (high - low) if high > low else 1.0 for value in values]


def stands_for(asset: Identifier, document: DocumentFacts, passage: Passage) -> bool:
    """Whether a passage may speak about `asset`.

    Its text, its headings, or its document's assets, title or filename must name the asset. A document that lists
    assets, and lists a sister machine but not this one, never may, whatever its text mentions.
    """
    listed = keys_of(document.assets)
    if asset.key in listed:
        return True
    if any(sisters(asset.key, other) for other in listed):
        return False
    return asset.key in keys_in(passage.text, passage.heading, document.title, document.filename)


def speaks_for(assets: Sequence[Identifier], document: DocumentFacts, passage: Passage) -> bool:
    """Whether a passage may answer a question that names `assets`: it must stand for each, sisters being alternatives."""
    families: dict[str, list[Identifier]] = {}
    for asset in assets:
        families.setdefault(family(asset.key), []).append(asset)
    return all(any(stands_for(asset, document, passage) for asset in group) for group in families.values())


def keys_of(assets: Iterable[str]) -> frozenset[str]:
    """The keys of a list of assets; a name without an identifier in it is its own key."""
    keys: set[str] = set()
    for asset in assets:
        found = identifiers(asset)
        keys.update(item.key for item in found)
        if not found:
            keys.add(asset.lower().strip())
    return frozenset(keys)


def keys_in(*texts: str) -> frozenset[str]:
    """Keys of all identifiers in `texts`; underscores and dots of a filename separate like blanks."""
    return frozenset(item.key for text in texts for item in (*identifiers(text), *identifiers(_spread(text))))


def _spread(filename: str) -> str:
    return filename.replace("_", " ") if "_" in filename and " " not in filename else filename


def correction(word: str, neighbours: Mapping[str, int]) -> str | None:
    """The most frequent of `neighbours` one slip away from `word`, if any."""
    close = [(count, other) for other, count in neighbours.items() if near(word, other)]
    return max(close)[1] if close else None


def stems_one_slip_away(written: str) -> list[str]:
    """Stems of what was meant, if one letter too many, one too few or two swapped came in; none for a word that is short,
    or longer than words are.
    """
    word = written.lower()
    if not LONG_WORD <= len(word) <= LONGEST_WORD:
        return []
    places = range(len(word))
    slips = {word[:at] + word[at + 1 :] for at in places}
    slips |= {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in places[:-1]}
    slips |= {word[:at] + letter + word[at:] for at in (*places, len(word)) for letter in ascii_lowercase}
    return sorted({key for slip in slips if len(key := stem(slip)) >= CORRECTED_LENGTH})
