"""What the documents of the project point at is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.node import ROOT

CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)")
ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:|#|//")


def links(page: Path) -> list[str]:
    """Targets of links and pictures that are files of the repository; what stands in code is no link."""
    found = LINK.findall(CODE.sub("", page.read_text(encoding="utf-8")))
    return [target.partition("#")[0] for target in found if not ELSEWHERE.match(target)]


def test_every_relative_link_of_a_document_leads_somewhere() -> None:
    told = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    pages = [ROOT / name for name in told.stdout.split("\0") if name]
    leading = [(page, target) for page in pages for target in links(page)]

    assert ROOT / "README.md" in {page for page, _ in leading}
    broken = [f"{page.relative_to(ROOT)}: {target}" for page, target in leading if not (page.parent / target).exists()]
    assert broken == []
