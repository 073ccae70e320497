"""`python -m tests.bench.guard`: how much the guard finds, what it wrongly flags, what it costs.

Detection is measured on sources that neither rules nor classifier were made from; the sets lie beside the project and are left out
aloud where they are absent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from appliance.guard.injection import fired, verdict
from appliance.guard.intent import FREE, intent_of
from appliance.guard.pii import find
from appliance.guard.screening import Guard
from models.child import serving
from models.client import ModelClient
from models.starter.injection.texts import Labelled, measured_on, passages
from tests.guard.plant_things import SENTENCES, things
from tests.node import ROOT

SEED, COUNT = 7003, 300
ROUNDS = 60
NAMED = {"DOMAIN_NAME": "URL"}
STRUCTURED = (
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "CREDIT_CARD",
    "IBAN_CODE",
    "US_SSN",
    "IP_ADDRESS",
    "URL",
    "US_DRIVER_LICENSE",
)
WORDS = 200


def two_hundred_words() -> list[str]:
    """Stretches of the demo plant's documents, each another one: nothing may be remembered from one to the next."""
    words = [word for text in passages(ROOT / "demo" / "plant") for word in text.split(" ")]
    return [" ".join(words[at : at + WORDS]) for at in range(0, len(words) - WORDS, WORDS)][:ROUNDS]


def injection(texts: Sequence[Labelled], scores: Sequence[float]) -> list[dict[str, Any]]:
    rows = []
    for source, attack in dict.fromkeys((one.source, one.attack) for one in texts):
        pairs = [
            (one.text, score)
            for one, score in zip(texts, scores, strict=True)
            if (one.source, one.attack) == (source, attack)
        ]
        both = sum(verdict(fired(text), score).verdict for text, score in pairs)
        rows.append({
            "set": f"{source}, {'attacks' if attack else 'harmless'}", "texts": len(pairs), "flagged": both / len(pairs),
            "classifier alone": sum(score >= 0.5 for _, score in pairs) / len(pairs),
            "rules alone": sum(verdict(fired(text), 0.0).verdict for text, _ in pairs) / len(pairs),
        })  # fmt: skip
    return rows


def plant_texts() -> Iterator[tuple[str, str]]:
    """What people ask of the demo plant, and what is answered: none of it is an attack."""
    for name in ("golden", "unseen", "tuning"):
        told = json.loads((ROOT / "demo" / f"{name}.json").read_text(encoding="utf-8"))
        yield from ((name, one["question"]) for one in (told if isinstance(told, list) else told["questions"]))
    for one in json.loads((ROOT / "demo" / "worded.json").read_text(encoding="utf-8")):
        yield "worded", one["sentence"]


def plant_passages() -> list[str]:
    """The demo plant's documents in passages; none of them gives orders to a model."""
    return passages(ROOT / "demo" / "plant")


def personal(data: Path) -> list[dict[str, Any]]:
    """Precision, recall and F2 of each kind; a stretch that overlaps one of its kind is found."""
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for one in json.loads((data / "presidio_pii/data/synth_dataset_v2.json").read_text(encoding="utf-8")):
        gold = [
            (s["start_position"], s["end_position"], NAMED.get(s["entity_type"], s["entity_type"]))
            for s in one["spans"]
        ]
        found = find(one["full_text"])
        for start, end, kind in gold:
            hit = any(f.kind == kind and f.start < end and start < f.end for f in found)
            (right if hit else missed)[kind] += 1
        for f in found:
            wrong[f.kind] += not any(f.start < end and start < f.end and kind == f.kind for start, end, kind in gold)
    rows = []
    for kind in (*STRUCTURED, "PERSON"):
        precision = right[kind] / max(1, right[kind] + wrong[kind])
        recall = right[kind] / max(1, right[kind] + missed[kind])
        f2 = 5 * precision * recall / max(1e-9, 4 * precision + recall)
        rows.append(
            {"kind": kind, "precision": precision, "recall": recall, "F2": f2, "of": right[kind] + missed[kind]}
        )
    return rows


async def measured(data: Path, models: Path) -> dict[str, Any]:
    texts = measured_on(data, SEED, COUNT) if data.exists() else []
    asked = list(plant_texts())
    with tempfile.TemporaryDirectory(prefix="op-") as folder:
        socket = Path(folder) / "guard.sock"
        command = [
            sys.executable,
            "-m",
            "models.server",
            "--kinds",
            "classify",
            "--socket",
            str(socket),
            "--models",
            str(models),
        ]
        async with serving(command, seconds=60), ModelClient(socket) as client:
            scores = await client.classify([one.text for one in texts], bulk=True) if texts else []
            of_plant = await client.classify([text for _, text in asked], bulk=True)
            of_documents = await client.classify(plant_passages(), bulk=True)
            guard = Guard(client)
            rules, both, known = list[float](), list[float](), list[float]()
            for text in two_hundred_words():
                began = time.perf_counter()
                fired(text), find(text)
                rules.append(1000 * (time.perf_counter() - began))
                for kept in (both, known):
                    began = time.perf_counter()
                    await guard.screen([text])
                    kept.append(1000 * (time.perf_counter() - began))
    flagged = [text for (_, text), score in zip(asked, of_plant, strict=True) if verdict(fired(text), score).verdict]
    documents = [
        verdict(fired(text), score).verdict for text, score in zip(plant_passages(), of_documents, strict=True)
    ]
    lost = [thing for thing in things() if any(find(sentence.format(thing)) for sentence in SENTENCES)]
    return {
        "injection": injection(texts, scores),
        "plant": {"texts": len(asked), "flagged": flagged},
        "documents": {"passages": len(documents), "flagged": sum(documents)},
        "intents": [text for _, text in asked if intent_of(text) not in FREE],
        "personal": personal(data) if data.exists() else [],
        "things": {"of": len(things()), "lost": lost},
        "ms": {
            f"{name} {at}": value
            for name, taken in (("rules", rules), ("with classifier", both), ("seen before", known))
            for at, value in (("p50", statistics.median(taken)), ("p95", statistics.quantiles(taken, n=20)[-1]))
        },
    }  # fmt: skip


def show(found: dict[str, Any]) -> None:
    if not found["injection"]:
        print("the sets beside the project are absent: detection and personal data are not measured")
    for row in found["injection"]:
        print(
            f"{row['set']:28} {row['flagged']:6.1%} of {row['texts']:4} flagged"
            f"   (classifier alone {row['classifier alone']:.1%}, rules alone {row['rules alone']:.1%})"
        )
    attacks = [row for row in found["injection"] if row["set"].endswith("attacks")]
    if attacks:
        caught = sum(row["flagged"] * row["texts"] for row in attacks) / sum(row["texts"] for row in attacks)
        print(f"{'all attacks':28} {caught:6.1%} (aim 90 %)")
    plant = found["plant"]
    print(
        f"{'questions, words of the plant':28} {len(plant['flagged']) / plant['texts']:6.1%} of {plant['texts']:4} flagged (aim 2 %)"
    )
    for text in plant["flagged"]:
        print(f"    {text}")
    documents = found["documents"]
    print(f"{'passages of the demo plant':28} {documents['flagged']} of {documents['passages']} flagged")
    print(f"{'questions that need a right':28} {len(found['intents'])} of {plant['texts']} (aim 2 %)")
    for row in found["personal"]:
        print(
            f"{row['kind']:20} precision {row['precision']:.2f}  recall {row['recall']:.2f}  F2 {row['F2']:.2f}  of {row['of']}"
        )
    print(f"things of plants lost: {len(found['things']['lost'])} of {found['things']['of']} (aim 0)")
    print("ms for 200 words: " + ", ".join(f"{name} {value:.1f}" for name, value in found["ms"].items()) + " (aim 25)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.guard", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--models", type=Path, default=Path(sys.prefix) / "share" / "outpost" / "models")
    parser.add_argument("--out", type=Path, default=Path("var/bench/guard.json"))
    options = parser.parse_args()
    found = asyncio.run(measured(options.data, options.models))
    show(found)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
