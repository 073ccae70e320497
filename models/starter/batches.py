"""Examples as padded tensors: windows that hold the answer, batched by length."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.engines.windows import QUESTION_TOKENS, Tokens, window
from models.starter.squad import Example

POOL = 768
"""Examples sorted by length together: enough for tight batches, few enough to stay random."""


@dataclass(frozen=True, slots=True)
class Encoded:
    ids: list[int]
    types: list[int]
    start: int
    end: int
    answerable: float


@dataclass(frozen=True, slots=True)
class Batch:
    """`(n, length)` ids, types and mask; `(n,)` targets, 0 for the span of an unanswerable example."""

    ids: Tensor
    types: Tensor
    mask: Tensor
    start: Tensor
    end: Tensor
    answerable: Tensor


def tokens(tokenizer: Tokenizer, text: str) -> Tokens:
    encoded = tokenizer.encode(text, add_special_tokens=False)
    return Tokens(encoded.ids, encoded.offsets)


def encode(tokenizer: Tokenizer, example: Example, longest: int, chance: random.Random) -> Encoded | None:
    """One window of the example that holds its whole answer; None when no window can."""
    question = tokens(tokenizer, example.question).ids
    passage = tokens(tokenizer, example.passage)
    room = longest - min(len(question), QUESTION_TOKENS) - 3
    spare = max(0, len(passage.ids) - room)
    if example.start is None or example.end is None:
        cut = window(question, passage, chance.randint(0, spare), room)
        return Encoded(cut.ids, cut.types, 0, 0, 0.0)
    hit = [i for i, (a, b) in enumerate(passage.offsets) if b > example.start and a < example.end]
    if not hit or hit[-1] - hit[0] >= room:
        return None
    lowest, highest = max(0, hit[-1] - room + 1), min(spare, hit[0])
    cut = window(question, passage, chance.randint(min(lowest, highest), highest), room)
    shift = cut.first - cut.token
    return Encoded(cut.ids, cut.types, hit[0] + shift, hit[-1] + shift, 1.0)


def collate(rows: Sequence[Encoded]) -> Batch:
    length = max(len(row.ids) for row in rows)
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    types, mask = torch.zeros_like(ids), torch.zeros(len(rows), length, dtype=torch.bool)
    for index, row in enumerate(rows):
        size = len(row.ids)
        ids[index, :size] = torch.tensor(row.ids)
        types[index, :size] = torch.tensor(row.types)
        mask[index, :size] = True
    start = torch.tensor([row.start for row in rows])
    end = torch.tensor([row.end for row in rows])
    return Batch(ids, types, mask, start, end, torch.tensor([row.answerable for row in rows]))


def batches(
    tokenizer: Tokenizer, examples: Iterable[Example], *, longest: int, size: int, seed: int
) -> Iterator[Batch]:
    chance = random.Random(seed)
    stream = iter(examples)
    while pool := list(islice(stream, POOL)):
        rows = [row for example in pool if (row := encode(tokenizer, example, longest, chance))]
        rows.sort(key=lambda row: len(row.ids))
        groups = [rows[i : i + size] for i in range(0, len(rows), size)]
        chance.shuffle(groups)
        for group in groups:
            yield collate(group)
