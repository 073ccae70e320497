"""The demo plant as its tests read it: the sources in plain words, the built files, the questions."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.build import HERE
from demo.source import Source, read_all

PLANT = HERE / "plant"
SOURCES = read_all(HERE / "sources")


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    question: str
    kind: str
    category: str
    tenant: str
    answer_any: list[str]
    must_not: list[str]
    document: str | None
    page: int | None
    expect: str


def questions(name: str) -> list[Question]:
    rows: list[dict[str, Any]] = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    return [Question(**row) for row in rows]


def manifest(tenant: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PLANT / tenant / "manifest.json").read_text(encoding="utf-8"))
    return found


def words(text: str) -> str:
    """Markdown marks away, white space to single blanks, lower case."""
    return re.sub(r"\s+", " ", re.sub(r"[*`]", "", text)).strip().lower()


def pieces(source: Source) -> list[str]:
    """Table rows, list items and sentences: within one of these a value is bound to its label."""
    found: list[str] = []
    for block in re.split(r"\n\s*\n", source.body):
        if block.lstrip().startswith("|"):
            found += block.splitlines()
        else:
            for item in re.split(r"\n(?=\s*(?:\d+\.|-) )", block):
                found += re.split(r"(?<=[.:;?]) ", re.sub(r"\s+", " ", item))
    return [words(piece) for piece in found]


def source(tenant: str, file: str) -> Source:
    return next(source for source in SOURCES if (source.tenant, source.file) == (tenant, file))


def has(text: str, value: str) -> bool:
    """Whether `value` stands in `text` as whole words, so that "6 Nm" is not found in "36 Nm"."""
    return bool(re.search(rf"(?<![\w.,]){re.escape(words(value))}(?![\w])", words(text)))


def file_path(tenant: str, file: str) -> Path:
    return PLANT / tenant / file
