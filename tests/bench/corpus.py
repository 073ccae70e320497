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

from tests.bench.figures import Figure
from tests.bench.running import questions
from tests.node import ROOT, RunningNode, listed

SHARED = ROOT.parent / "shared" / "data"
QUESTIONS = 200
WORDS_PER_PAGE = 500


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
        figures += questions(node, asked, f"{passages:,} passages")
    return figures


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
