"""How the starter chat model does on what it was not trained on, asked over its own server, judged by the appliance's gate."""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from models.chat_client import Ask, ChatClient
from models.errors import ModelRefused, ModelsError
from models.starter import plant, squad, written
from models.starter.chat.examples import NOT_HERE, SCHEMA, Talk, talks
from models.starter.squad import Article

GATE = (str(Path(sys.executable).with_name("outpost")), "ground", "check", "--json")
"""The very program that releases sentences; this package knows nothing else of the appliance."""
SEED = 7001
FORM = {**SCHEMA, "properties": {"answer": {"type": ["string", "null"], "maxLength": 60},
                                 "passage": {"type": ["integer", "null"], "minimum": 1, "maximum": 9}}}  # fmt: skip
"""SCHEMA with bounds: a model that runs on and on must come to an end within LONGEST."""
LONGEST = 96
"""Tokens of an answer."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the model said in a talk; `formed` where a grammar held it to the schema; `released` None where nobody asked."""

    talk: Talk
    text: str
    formed: str | None = None
    released: bool | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole`."""

    part: int
    whole: int

    def __str__(self) -> str:
        return f"{100 * self.part / max(1, self.whole):3.0f} % of {self.whole}"


def exam(held_out: Sequence[Article], count: int) -> dict[str, list[Talk]]:
    """Talks of three origins, `count` each: held-out topics, generated plants of a seed not trained on, held-out articles."""
    origins = {
        "held-out topics": written.examples(SEED, written.library(held_out=True)),
        "plant examples": plant.examples(SEED),
        "held-out articles": squad.training(held_out, SEED),
    }
    return {name: list(islice(talks(SEED, [(1.0, stream)]), count)) for name, stream in origins.items()}


async def asked(client: ChatClient, talk: Talk) -> Said:
    messages = [{"role": role, "content": text} for role, text in talk.messages]
    try:
        text = (await client.chat(messages, Ask(max_tokens=LONGEST, temperature=0.0))).text.strip()
    except ModelRefused:
        # It does not fit into the 1,024 tokens of this model: nothing is said.
        return Said(talk, "", None)
    formed = None
    if talk.task == "fill":
        try:
            formed = (await client.chat(messages, Ask(max_tokens=LONGEST, temperature=0.0, schema=FORM))).text
        except ModelsError as missed:
            formed = str(missed)
    return Said(talk, text, formed)


def judged(said: Sequence[Said]) -> list[Said]:
    """What was said, with what the gate makes of the sentences among it. Raises CalledProcessError when the gate does not run."""
    lines = [
        json.dumps({"id": str(n), "question": one.talk.question, "sentence": one.text,
                    "passages": [{"text": text} for text in one.talk.passages]})
        for n, one in enumerate(said)
        if one.talk.task in {"word", "refuse"} and one.text
    ]  # fmt: skip
    done = subprocess.run(GATE, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    verdicts = {row["id"]: row["released"] for row in map(json.loads, done.stdout.splitlines())}
    return [Said(one.talk, one.text, one.formed, verdicts.get(str(n))) for n, one in enumerate(said)]


def figures(said: Sequence[Said]) -> dict[str, Share]:
    """The shares that the model card shows; `said` has been judged."""
    of = {task: [one for one in said if one.talk.task == task] for task in ("word", "refuse", "fill", "call")}
    worded = [one for one in of["word"] if one.text != NOT_HERE]
    return {
        "sentences released by the gate": share(one.released is True for one in worded),
        "sentences copied from their passage": share(copied(one) for one in worded),
        "the sentence that was wanted": share(one.text == one.talk.answer for one in of["word"]),
        "refused though the answer is there": share(one.text == NOT_HERE for one in of["word"]),
        "refused where it is missing": share(one.text == NOT_HERE for one in of["refuse"]),
        "JSON valid without a grammar": share(valid(one.text) for one in of["fill"]),
        "JSON valid with a grammar": share(valid(one.formed or "") for one in of["fill"]),
        "JSON right with a grammar": share(same(one.formed or "", one.talk.answer) for one in of["fill"]),
        "tool calls well formed": share(well_formed(one.text) for one in of["call"]),
        "tool calls right": share(one.text == one.talk.answer for one in of["call"]),
    }


def share(found: Iterable[bool]) -> Share:
    values = list(found)
    return Share(sum(values), len(values))


def copied(said: Said) -> bool:
    """Every part between commas stands in one passage, word for word."""
    plain = said.text.rstrip(".").rpartition(" [")[0]
    return bool(plain) and any(all(part in text for part in plain.split(", ")) for text in said.talk.passages)


def valid(text: str) -> bool:
    """It is JSON of the schema that the exam asks for."""
    try:
        value = json.loads(text)
    except ValueError:
        return False
    kinds = {"answer": str, "passage": int}
    return isinstance(value, dict) and value.keys() == kinds.keys() and all(
        value[name] is None or (isinstance(value[name], kind) and not isinstance(value[name], bool))
        for name, kind in kinds.items()
    )  # fmt: skip


def same(text: str, wanted: str) -> bool:
    return valid(text) and json.loads(text) == json.loads(wanted)


def well_formed(text: str) -> bool:
    first, _, rest = text.partition("\n")
    body, _, last = rest.rpartition("\n")
    try:
        value = json.loads(body)
    except ValueError:
        return False
    return (
        (first, last) == ("<tool_call>", "</tool_call>")
        and isinstance(value, dict)
        and value.keys() == {"name", "arguments"}
    )


def beside(said: Sequence[Said], count: int) -> str:
    """A Markdown table of what was wanted and what was said in the first `count` questions to be answered in words."""
    rows = ["| question | wanted | the starter said | gate |", "|---|---|---|---|"]
    for one in [one for one in said if one.talk.task in {"word", "refuse"}][:count]:
        cells = (one.talk.question, one.talk.answer, one.text, "released" if one.released else "dropped")
        rows.append("| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(rows)
