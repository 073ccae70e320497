"""What the starter chat model is taught: conversations of a system text, a request and the answer that is wanted.

    word    passages `[1] … [2] …` and a question -> the sentence or the cell that answers, with its `[n]`
    refuse  the same, where no passage answers    -> NOT_HERE
    fill    passages, a question, a JSON schema   -> JSON that meets it, copied from the passages
    call    tools and a request                   -> one tool call

Answers are copied, hardly worded: what a plant may be shown must stand in its documents, and a small model copies better
than it writes. Questions and passages come from the generators that teach the reader.
"""

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from models.starter.chat import calls
from models.starter.narrow import units
from models.starter.squad import Example

Task = Literal["word", "refuse", "fill", "call"]
Role = Literal["system", "user", "assistant"]

NOT_HERE = "Not in these documents."
LONGEST_ANSWER = 230
"""Characters; a longer sentence is not taught."""
NEIGHBOURS = 4
"""Rows or sentences kept beside the one that answers, at most."""
SPARED = 0.5
"""Share of the examples without an answer that are left out: a reader needs more of them than a writer."""
SHARES = {"word": 0.76, "fill": 0.13, "call": 0.11}

SYSTEMS = (
    "Answer from the passages in one sentence and cite it as [n]. If they do not answer, say: Not in these documents.",
    "Use only the passages. Give one short sentence with its number, like [1], or: Not in these documents.",
    "You answer questions of plant staff from their documents, in one sentence with [n]. Otherwise: Not in these documents.",
    'Answer the question with what the passages say and cite the passage. Say "Not in these documents." if it is missing.',
)
FILLING = (
    "Fill this JSON schema from the passages. Answer with JSON only.",
    "Answer with one JSON object of this schema, from the passages alone.",
    "Give JSON that fits the schema. Use null for what the passages lack.",
)
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": ["string", "null"]}, "passage": {"type": ["integer", "null"]}},
    "required": ["answer", "passage"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation: `answer` is what the assistant should say to `messages`; `passages` stand in the last of them."""

    task: Task
    messages: tuple[tuple[Role, str], ...]
    answer: str
    question: str = ""
    passages: tuple[str, ...] = ()


def talks(seed: int, sources: Sequence[tuple[float, Iterator[Example]]], *, short: float = 0.0) -> Iterator[Talk]:
    """Conversations without end; `sources` are examples and their shares, `short` the share with little beside the answer."""
    chance = random.Random(seed)
    shares, streams = [share for share, _ in sources], [stream for _, stream in sources]
    passed: list[str] = ["The canteen is open from 11:30 to 13:30."]
    while True:
        task = chance.choices(list(SHARES), list(SHARES.values()))[0]
        if task == "call":
            system, request, answer = calls.call(chance)
            yield Talk("call", (("system", system), ("user", request)), answer)
            continue
        talk = over(chance, next(chance.choices(streams, shares)[0]), passed, filling=task == "fill", short=short)
        if talk is not None:
            yield talk


def over(chance: random.Random, example: Example, passed: list[str], *, filling: bool, short: float) -> Talk | None:
    """A conversation over the example's passage and perhaps others (`passed`, which it joins); None if it is too long."""
    told = stated(example)
    if told is None and (example.answer is not None or chance.random() < SPARED):
        return None
    own = shortened(chance, example, 0 if chance.random() < short else chance.randint(1, NEIGHBOURS))
    others = [text for text in chance.sample(passed, min(len(passed), chance.choice((0, 0, 1, 1, 2)))) if not (
        example.answer and example.answer.lower() in text.lower())]  # fmt: skip
    passed.append(own)
    del passed[:-40]
    shown = [own, *others]
    chance.shuffle(shown)
    number = shown.index(own) + 1
    asked = " ".join(example.question.split())
    body = "\n\n".join(f"[{index}] {text}" for index, text in enumerate(shown, 1)) + f"\n\nQuestion: {asked}"
    if filling:
        system = f"{chance.choice(FILLING)}\n{json.dumps(SCHEMA)}"
        answer = json.dumps({"answer": example.answer, "passage": number if told else None}, ensure_ascii=False)
    else:
        system = chance.choice(SYSTEMS)
        answer = f"{told} [{number}]." if told else NOT_HERE
    task: Task = "fill" if filling else "word" if told else "refuse"
    return Talk(task, (("system", system), ("user", body)), answer, asked, tuple(shown))


def stated(example: Example) -> str | None:
    """The sentence or the cell with its row that answers, in the passage's own words and without its full stop."""
    if example.start is None or example.end is None:
        return None
    start = example.passage.rfind("\n", 0, example.start) + 1
    line = example.passage[start:].split("\n", 1)[0]
    if " | " in line:
        told = cell(line, example.start - start, example.question)
    else:
        holding = [span for span in units(example.passage) if span[0] <= example.start and example.end <= span[1]]
        told = example.passage[slice(*holding[0])] if holding else ""
        told = re.sub(r"^(?:\d{1,2}[.)]|[-*•]) +", "", told.strip()).rstrip(" .")
    return told if 0 < len(told) <= LONGEST_ANSWER else None


def cell(line: str, at: int, question: str) -> str:
    """`Fastener: M10, Torque: 47 Nm` of `Fastener: M10 | Size: 8 | Torque: 47 Nm`, for the cell at `at`.

    Asked for the key, the cell beside it is the one that the question names.
    """
    cells = [part.partition(": ")[::2] for part in line.split(" | ")]
    index = line[:at].count(" | ")
    if index == 0 and len(cells) > 1:
        named = [i for i, (_, value) in enumerate(cells) if i and value and value.lower() in question.lower()]
        index = named[0] if named else 1
    said = [f"{header}: {value}" if value else header for header, value in (cells[0], cells[index])]
    return ", ".join(said if index else said[:1])


def shortened(chance: random.Random, example: Example, beside: int) -> str:
    """The passage with its first line, the unit that answers and `beside` others in their order."""
    found = units(example.passage)
    if len(found) <= beside + 2:
        return example.passage.strip()
    holding = [i for i, (start, end) in enumerate(found) if example.start is not None and start <= example.start < end]
    rest = [i for i in range(1, len(found)) if i not in holding]
    kept = sorted({0, *holding, *chance.sample(rest, min(len(rest), beside + (not holding)))})
    text, until = "", 0
    for start, end in (found[i] for i in kept):
        joint = "\n" if "\n" in example.passage[until:start] else " "
        text += (joint if text else "") + example.passage[start:end]
        until = end
    return text
