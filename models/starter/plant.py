"""Synthetic examples in the language of plants: passages as our chunker writes them, questions, and hard refusals.

Every generator lays down a passage and the facts it holds; `ask` turns them into answerable questions or into ones the
passage cannot answer: another asset, a row or an attribute it lacks, a value that is no longer in force.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from models.starter import plant_prose, plant_tables
from models.starter import plant_words as w
from models.starter.plant_sheet import Fact, Sheet
from models.starter.squad import Example

REFUSED = 0.42
"""Share of examples that the passage cannot answer."""

ASTRAY = 0.08
"""Share of answerable questions that are put to the wrong passage instead."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The machine a passage is about, and how its heading names it."""

    asset: str
    machine: str
    named: bool
    heading: str = field(default="")


def setting(chance: random.Random, caption: str) -> Setting:
    asset, machine = w.tag(chance)
    title = chance.choice(
        (f"{machine} {asset}", f"{asset} {machine} manual", f"Operating manual {asset}", f"{machine.title()} {asset}")
    )
    plain = chance.choice(("Maintenance manual", f"{machine} manual", "Standard procedure", "Work instruction"))
    named = chance.random() < 0.7
    top = title if named else plain
    shape = chance.random()
    heading = f"{top} > {caption}" if shape < 0.7 else f"{top}: {caption}" if shape < 0.85 else top
    return Setting(asset, machine, named, heading)


def of(chance: random.Random, asset: str, machine: str) -> str:
    return chance.choice((f" of {asset}", f" on {asset}", f" for {asset}", f" on {machine} {asset}", f" at {asset}",
                          f" of the {machine} {asset}"))  # fmt: skip


def worded(chance: random.Random, question: str) -> str:
    """The question as typed in haste now and then: lower case, no question mark."""
    question = " ".join(question.split())
    draw = chance.random()
    if draw < 0.12:
        return question.rstrip("?.").lower()
    return question.rstrip("?") if draw < 0.2 else question


def ask(chance: random.Random, sheet: Sheet, scene: Setting) -> Example:
    """One question over the sheet, answerable or not."""
    text = sheet.text
    if chance.random() > REFUSED or not (scene.named or sheet.absent):
        fact = chance.choice(sheet.facts)
        tail = of(chance, scene.asset, scene.machine) if chance.random() < 0.5 else ""
        question = worded(chance, chance.choice(fact.asks).replace("{of}", tail))
        return Example(question, text, fact.start, fact.end, "plant")
    if scene.named and (not sheet.absent or chance.random() < 0.45):
        # Everything fits except that another machine is meant.
        other = w.sister(chance, scene.asset) if chance.random() < 0.7 else w.tag(chance)[0]
        asks = [q for fact in sheet.facts for q in fact.asks if "{of}" in q]
        question = chance.choice(asks).replace("{of}", of(chance, other, scene.machine)) if asks else ""
        if question and other.lower() not in text.lower():
            return Example(worded(chance, question), text, None, None, "plant")
    absent = chance.choice(sheet.absent or ["What is the serial number{of}?"])
    tail = of(chance, scene.asset, scene.machine) if chance.random() < 0.5 else ""
    return Example(worded(chance, absent.replace("{of}", tail)), text, None, None, "plant")


def table(chance: random.Random) -> Example:
    kind = chance.choice(plant_tables.KINDS)
    caption = chance.choice(kind.captions)
    scene = setting(chance, caption)
    sheet = Sheet()
    if chance.random() < 0.8:
        sheet.say(scene.heading + "\n")
    else:
        scene = Setting(scene.asset, scene.machine, named=False)
    lay_table(chance, sheet, kind, caption)
    return ask(chance, sheet, scene)


def lay_table(chance: random.Random, sheet: Sheet, kind: plant_tables.Kind, caption: str) -> None:
    shown = chance.sample(kind.columns, chance.randint(1, min(4, len(kind.columns))))
    hidden = [c for c in kind.columns if c not in shown]
    keys = list(dict.fromkeys(kind.draw(chance) for _ in range(chance.randint(3, 9))))
    missing = [k for _ in range(4) if (k := kind.draw(chance)) not in keys and k not in " ".join(keys)]
    headers = [chance.choice(c.headers) for c in shown]
    key_header = chance.choice(kind.keys)
    rows = [[c.draw(chance) for c in shown] for _ in keys]
    if chance.random() < 0.5:
        number = f"Table {chance.randint(1, 30)}: " if chance.random() < 0.6 else ""
        sheet.say(f"{number}{caption}\n")
    style = chance.choices(("row", "bullet", "sentence"), (0.8, 0.1, 0.1))[0]
    for key, cells in zip(keys, rows, strict=True):
        sheet.say({"row": f"{key_header}: ", "bullet": "- ", "sentence": ""}[style])
        key_at = sheet.mark(key)
        for index, (column, header, cell) in enumerate(zip(shown, headers, cells, strict=True)):
            joint = {"row": f" | {header}: ", "bullet": ", " if index else ": ", "sentence": f", {header.lower()} "}
            if style == "bullet" and len(shown) > 1:
                joint["bullet"] += f"{header.lower()} "
            sheet.say(joint[style])
            start, end = sheet.mark(cell)
            asks = tuple(q.replace("{key}", key) for q in column.asks)
            sheet.facts.append(Fact(asks, start, end))
            if column.back and [r[index] for r in rows].count(cell) == 1:
                back = tuple(q.replace("{value}", cell) for q in column.back)
                sheet.facts.append(Fact(back, *key_at))
        sheet.say("\n" if style != "sentence" else ".\n")
    for column in shown:
        sheet.absent += [q.replace("{key}", key) for key in missing for q in column.asks]
    for column in hidden:
        sheet.absent += [q.replace("{key}", key) for key in keys for q in column.asks[:2]]


def prose(chance: random.Random) -> Example:
    lay: Callable[[random.Random, Sheet, str, str], str] = chance.choice(plant_prose.LAYERS)
    asset, machine = w.tag(chance)
    body = Sheet()
    caption = lay(chance, body, asset, machine)
    names_asset = asset in body.text
    scene = setting(chance, caption)
    heading = chance.choice((f"{machine} {asset} > {caption}", f"{asset}: {caption}", caption, ""))
    scene = Setting(asset, machine, named=names_asset or asset in heading, heading=heading)
    if heading:
        body = body.under(heading + "\n")
    return ask(chance, body, scene)


def examples(seed: int) -> Iterator[Example]:
    """Examples without end; a fresh seed gives fresh ones. A few ask their question of a passage about something else."""
    chance = random.Random(seed)
    earlier = table(chance)
    while True:
        example = table(chance) if chance.random() < 0.55 else prose(chance)
        if example.answer and chance.random() < ASTRAY and example.answer not in earlier.passage:
            yield Example(example.question, earlier.passage, None, None, "plant")
        else:
            yield example
        earlier = example
