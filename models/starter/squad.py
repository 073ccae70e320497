"""Question-paragraph-answer triples and the unanswerable near misses made from them.

The data (SQuAD 1.1, CC BY-SA 4.0) gives answers without offsets: an answer that occurs several times in its paragraph is
taken where its neighbourhood shares most words with the question.
"""

import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Origin = Literal["answer", "near-miss", "swapped", "plant"]

NEIGHBOURHOOD = 100
"""Characters on each side of an answer that are compared with its question."""

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\b\d[\d,.]*\b")
_NAME = re.compile(r"\b[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})*\b")


@dataclass(frozen=True, slots=True)
class Example:
    """A question over a passage; `start` and `end` are the answer's characters, None when the passage lacks it."""

    question: str
    passage: str
    start: int | None
    end: int | None
    origin: Origin

    @property
    def answer(self) -> str | None:
        return None if self.start is None else self.passage[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    questions: tuple[tuple[str, str], ...]
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Article:
    title: str
    paragraphs: tuple[Paragraph, ...]


def words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def load(folder: Path) -> list[Article]:
    """Read `train.jsonl.gz` of `folder`, or of `squad11` inside it; one article per title, in the file's order."""
    inside = folder / "squad11"
    folder = inside if inside.is_dir() else folder
    articles: dict[str, list[Paragraph]] = {}
    with gzip.open(folder / "train.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            text: str = row["text"]
            asked = tuple((qa["q"].strip(), qa["a"][0]) for qa in row["qas"] if qa["a"] and qa["a"][0] in text)
            articles.setdefault(row["title"], []).append(Paragraph(text, asked, words(text)))
    return [Article(title, tuple(paragraphs)) for title, paragraphs in articles.items()]


def split(articles: Sequence[Article], held_out: int) -> tuple[list[Article], list[Article]]:
    """Training articles and `held_out` whole articles that training never sees; the same ones every time."""
    order = sorted(articles, key=lambda article: article.title)
    random.Random(11).shuffle(order)
    return order[held_out:], order[:held_out]


def locate(question: str, passage: str, answer: str) -> int:
    """The offset of the occurrence of `answer` that stands nearest to the words of the question."""
    asked = words(question)
    places = [match.start() for match in re.finditer(re.escape(answer), passage)]

    def shared(at: int) -> int:
        return len(asked & words(passage[max(0, at - NEIGHBOURHOOD) : at + len(answer) + NEIGHBOURHOOD]))

    return max(places, key=shared)


def answered(question: str, answer: str, paragraph: Paragraph) -> Example:
    start = locate(question, paragraph.text, answer)
    return Example(question, paragraph.text, start, start + len(answer), "answer")


def near_miss(question: str, answer: str, own: Paragraph, article: Article) -> Example | None:
    """The question over the paragraph of its article that shares most words with it and lacks the answer."""
    asked, wanted = words(question), answer.lower()
    others = [p for p in article.paragraphs if p is not own and wanted not in p.text.lower()]
    if not others:
        return None
    closest = max(others, key=lambda paragraph: len(asked & paragraph.words))
    return Example(question, closest.text, None, None, "near-miss")


def swapped(question: str, paragraph: Paragraph, article: Article, chance: random.Random) -> Example | None:
    """The question over its own paragraph, asking of another name or number, which the paragraph does not mention."""
    for pattern in (_NUMBER, _NAME):
        named = [m for m in pattern.finditer(question) if m.start() > 0 and m.group() in paragraph.text]
        if not named:
            continue
        match = chance.choice(named)
        other = chance.choice(article.paragraphs).text
        like = [w for w in pattern.findall(other) if w not in paragraph.text and abs(len(w) - len(match.group())) <= 4]
        if like:
            changed = question[: match.start()] + chance.choice(like) + question[match.end() :]
            return Example(changed, paragraph.text, None, None, "swapped")
    return None


def headed(example: Example, title: str) -> Example:
    """The example with its article's title as the first line, as a heading stands above a passage."""
    head = title.replace("_", " ") + "\n"
    start, end = (at if at is None else at + len(head) for at in (example.start, example.end))
    return Example(example.question, head + example.passage, start, end, example.origin)


def training(
    articles: Sequence[Article], seed: int, *, misses: float = 0.22, swaps: float = 0.12, headings: float = 0.0
) -> Iterator[Example]:
    """Every question once, in random order; a share of them as near misses, as swapped questions, under a heading."""
    chance = random.Random(seed)
    asked = [(a, p, q) for a in articles for p in a.paragraphs for q in p.questions]
    chance.shuffle(asked)
    for article, paragraph, (question, answer) in asked:
        draw, example = chance.random(), None
        if draw < misses:
            example = near_miss(question, answer, paragraph, article)
        elif draw < misses + swaps:
            example = swapped(question, paragraph, article, chance)
        example = example or answered(question, answer, paragraph)
        yield headed(example, article.title) if chance.random() < headings else example


def evaluation(articles: Sequence[Article], count: int) -> tuple[list[Example], list[Example]]:
    """`count` answerable examples of held-out articles and the near misses of the same questions."""
    asked = [(a, p, q) for a in articles for p in a.paragraphs for q in p.questions]
    random.Random(7).shuffle(asked)
    good = [answered(q, answer, p) for _, p, (q, answer) in asked[:count]]
    bad = [miss for a, p, (q, answer) in asked[:count] if (miss := near_miss(q, answer, p, a))]
    return good, bad
