"""Looks for secrets in the files that git knows, as `make check` does: keys, tokens, passwords in addresses.

    python -m tests.secret_scan        1 if there is one; says where and of what kind, never what

Small on purpose: it knows the shapes that are secrets wherever they stand. What only looks like one, in a test that needs it, is
put together from two pieces there.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
LARGEST: Final = 5 * 2**20

SHAPES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----\s*[A-Za-z0-9+/]{32}")),
    ("a cloud key", re.compile(r"\b(?:AKIA|ASIA)(?![0-9A-Z]{9}EXAMPLE)[0-9A-Z]{16}\b")),
    (
        "a token of a code host",
        re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20})"),
    ),
    ("a token of a package index", re.compile(r"\b(?:pypi-[A-Za-z0-9_-]{50,}|npm_[A-Za-z0-9]{36})\b")),
    ("a key of a model service", re.compile(r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}\b|\bhf_[A-Za-z0-9]{34}\b")),
    ("a chat token", re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{20,}")),
    ("a signed token", re.compile(r"\beyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}")),
    (
        "a password in an address",
        re.compile(r"\b[a-z][a-z0-9+.-]{2,20}://[^\s/:@'\"{}<>$]+:[^\s/:@'\"{}<>$]{8,}@[^\s'\"]"),
    ),
    ("a recovery key", re.compile(r"\b(?:[0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}\b")),
)


def found_in(text: str) -> Iterator[tuple[int, str]]:
    """The line and the kind of everything that is a secret by its shape."""
    for kind, shape in SHAPES:
        for match in shape.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, kind


def files() -> list[Path]:
    told = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [path for name in told.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def scan(paths: list[Path]) -> list[str]:
    """Where something is that should not be, as `file:line: kind`."""
    wrong = []
    for path in paths:
        content = path.read_bytes() if path.stat().st_size <= LARGEST else b""
        if b"\0" not in content[:8192]:
            name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
            wrong += [f"{name}:{line}: {kind}" for line, kind in found_in(content.decode(errors="replace"))]
    return wrong


def main() -> int:
    wrong = scan(files())
    if wrong:
        print(
            "\n".join([*wrong, "Take it out, and out of the history, and have it replaced where it is used."]),
            file=sys.stderr,
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
