"""Questions with known answers: the demo plant's tuning questions, held-out articles, and synthetic plants.

None of them is a golden question, and the reader saw no passage of them in training.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from appliance.answers.evaluation import Golden
from appliance.documents.values import DocumentFacts, Passage, PassageKind
from appliance.retrieval.identifiers import identifiers
from appliance.store import new_id
from demo.tune.library import Library
from models.starter import plant, squad
from models.starter.__main__ import HELD_OUT
from models.starter.squad import Example

HERE = Path(__file__).parents[1]
PER_ARTICLE = 5
SYNTHETIC_SEED = 987_654
SYNTHETIC_SHEETS = 320
SYNTHETIC_QUESTIONS = 160

_STEP = re.compile(r"\d{1,2}[.)] ")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the only passage that may answer it, where other passages could hold its words by chance."""

    golden: Golden
    passage: str | None = None


def demo_questions() -> list[Asked]:
    items = json.loads((HERE / "tuning.json").read_text(encoding="utf-8"))
    return [Asked(Golden.of_json(item)) for item in items]


async def demo(library: Library) -> list[Asked]:
    for folder in sorted(path.parent for path in (HERE / "plant").glob("*/manifest.json")):
        await library.put_plant(folder)
    return demo_questions()


async def articles(library: Library, data: Path) -> list[Asked]:
    """Whole held-out articles as documents, and a few questions of each."""
    _, held_out = squad.split(squad.load(data), HELD_OUT)
    tenant = await library.tenant("articles")
    chance = random.Random(3)
    found: list[Asked] = []
    for article in held_out:
        title = article.title.replace("_", " ")
        passages = [
            Passage(at, "text", title, None, paragraph.text, len(paragraph.text) // 4)
            for at, paragraph in enumerate(article.paragraphs)
        ]
        facts = DocumentFacts(new_id(), f"{article.title}.txt", None, None, 2, (), (), (), True, title)
        await library.put(tenant, facts, passages)
        asked = [(paragraph, *question) for paragraph in article.paragraphs for question in paragraph.questions]
        for paragraph, question, answer in chance.sample(asked, min(PER_ARTICLE, len(asked))):
            found.append(Asked(_golden(f"s{len(found)}", question, "articles", answer, None), paragraph.text))
    return found


async def plants(library: Library) -> list[Asked]:
    """Synthetic passages, each its own document; asked are those questions that name their machine."""
    tenant = await library.tenant("plants")
    found: list[Asked] = []
    for number, example in enumerate(islice(plant.examples(SYNTHETIC_SEED), SYNTHETIC_SHEETS)):
        filename = f"sheet-{number:03}.md"
        await library.put(tenant, *_sheet(filename, example))
        names_one = any(item.kind == "asset" for item in identifiers(example.question))
        if names_one and len(found) < SYNTHETIC_QUESTIONS:
            found.append(Asked(_golden(f"p{number}", example.question, "plants", example.answer, filename)))
    return found


def _sheet(filename: str, example: Example) -> tuple[DocumentFacts, list[Passage]]:
    heading, _, body = example.passage.partition("\n")
    if not body:
        heading, body = "", example.passage
    assets = tuple(item.text for item in identifiers(heading) if item.kind == "asset")
    facts = DocumentFacts(new_id(), filename, None, None, 2, (), (), assets, True, "")
    return facts, [Passage(0, _kind(body), heading, None, body, len(body) // 4)]


def _kind(body: str) -> PassageKind:
    lines = [line for line in body.splitlines() if line.strip()]
    if sum(" | " in line for line in lines) > 1:
        return "table"
    if sum(_STEP.match(line) is not None for line in lines) > 1:
        return "steps"
    return "list" if sum(line.startswith("- ") for line in lines) > 1 else "text"


def _golden(name: str, question: str, tenant: str, answer: str | None, filename: str | None) -> Golden:
    return Golden(
        id=name,
        question=question,
        kind="answerable" if answer else "near_miss",
        category="fact",
        tenant=tenant,
        answer_any=(answer,) if answer else (),
        must_not=(),
        document=filename if answer else None,
        page=None,
        expect="quoted" if answer else "none",
    )
