"""Time to the first quote over 20,000 chunks of other people's text, and how fast they are taken in."""

from __future__ import annotations

import gzip
import json
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.bench.figures import Figure
from tests.bench.running import questions
from tests.node import ROOT, RunningNode, listed

SHARED = ROOT.parent / "shared" / "data"
QUESTIONS = 200
WORDS_PER_PAGE = 500
ABOUT_THE_CONTROLLER = (
    ("What is the default of HOME_IGNORE_LIMITS?", "ini-homing.adoc"),
    ("What happens when HOME_SEARCH_VEL is zero?", "ini-homing.adoc"),
    ("At what speed is the final homing move made if HOME_FINAL_VEL is not given?", "ini-homing.adoc"),
    ("Which plane should a lathe use by default?", "lathe-user.adoc"),
    ("How much RAM does the controller need?", "system-requirements.adoc"),
    ("What screen resolution must the graphics card support?", "system-requirements.adoc"),
    ("Which realtime system gives the best latency?", "system-requirements.adoc"),
    ("Which option of the linuxcnc script turns on verbose mode?", "starting-linuxcnc.adoc"),
    ("How can I list the loaded kernel modules?", "linux-faq.adoc"),
    ("What does a torch height controller do in plasma cutting?", "plasma-cnc-primer.adoc"),
    ("Which arc start method causes less electrical noise?", "plasma-cnc-primer.adoc"),
    ("What should I do when the plasma cut angle is positive?", "plasma-cnc-primer.adoc"),
    ("What resolution does a stepper have with 16x microstepping?", "steppers.adoc"),
    ("How do closed loop steppers know the actual position?", "steppers.adoc"),
    ("What does G81 do?", "g-code.adoc"),
    ("What is G33 used for?", "g-code.adoc"),
    ("What does M6 do?", "m-code.adoc"),
    ("What does M30 do?", "m-code.adoc"),
    ("What is backlash?", "glossary.adoc"),
    ("What does the proportional term of a PID loop do?", "pid-theory.adoc"),
)
"""Questions of our own about corpusA_linuxcnc, and the file that answers each."""


def measure(folder: Path) -> list[Figure]:
    """Ingest corpusA_linuxcnc and the squad11 paragraphs, then ask questions that people wrote about them."""
    if not SHARED.is_dir():
        print("bench: ../shared/data is not here; the corpus figures are left out")
        return []
    asked, articles = _squad(folder / "squad")
    with RunningNode(folder / "node", demo=True) as node:
        figures = [_ingest(node, SHARED / "corpusA_linuxcnc", "*.adoc"), _ingest(node, articles, "*.md")]
        with node.owner() as door:
            passages = sum(item.get("passages") or 0 for item in listed(door, "ready"))
            figures.append(Figure("passages in one tenant", passages, "passages"))
            figures += _cited(door)
        figures += questions(node, asked, f"{passages:,} passages")
    return figures


def _cited(door: httpx.Client) -> list[Figure]:
    """How often the right one of all those files is cited, and how often it is among the first three shown."""
    shown = cited = answers = 0
    for question, right in ABOUT_THE_CONTROLLER:
        answer = door.post("/v1/chat", json={"message": question}).raise_for_status().json()
        # A folder is ingested with the paths of its files.
        files = [Path(item["filename"]).name for item in answer["citations"]]
        answers += bool(files)
        cited += right in files
        shown += right in [*files, *(Path(item["filename"]).name for item in answer["passages"])]
    asked = len(ABOUT_THE_CONTROLLER)
    return [
        Figure("right file among those shown", 100 * shown / asked, "%", f"{asked} questions about corpusA_linuxcnc"),
        Figure("answers that cite the right file", 100 * cited / max(1, answers), "%", f"of {answers} answers"),
    ]


def _squad(folder: Path) -> tuple[list[tuple[str, str]], Path]:
    folder.mkdir(parents=True)
    texts: dict[str, list[str]] = {}
    asked: list[str] = []
    with gzip.open(SHARED / "squad11" / "train.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            paragraph = json.loads(line)
            texts.setdefault(paragraph["title"], []).append(paragraph["text"])
            asked += [one["q"] for one in paragraph["qas"][:1]]
    for title, paragraphs in texts.items():
        name = re.sub(r"[^A-Za-z0-9]+", "-", title)[:80]
        # A heading per paragraph keeps it a chunk of its own, as the figure speaks of chunks.
        body = "\n\n".join(f"## Part {number}\n\n{text}" for number, text in enumerate(paragraphs, 1))
        (folder / f"{name}.md").write_text(f"# {title}\n\n{body}\n", encoding="utf-8")
    random.Random(11).shuffle(asked)
    return [("alder", question) for question in asked[:QUESTIONS]], folder


def _ingest(node: RunningNode, folder: Path, pattern: str) -> Figure:
    words = sum(len(path.read_text(encoding="utf-8", errors="replace").split()) for path in folder.rglob(pattern))
    command = [sys.executable, "-m", "appliance.cli", "ingest", str(folder), "--wait", "--data", str(node.data)]
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-2000:])
    pages = words / WORDS_PER_PAGE
    note = f"{pages:.0f} pages of {WORDS_PER_PAGE} words in {seconds:.0f} s, exit {done.returncode}"
    return Figure(f"ingest of {folder.name}", pages / seconds, "pages/s", note)
