"""What a process that dies leaves on the disk, before each of its changes: killed, and with the power gone.

killed     everything that it had handed to the kernel is there
lost       of each file what was there when the kernel last said that it is on the disk, and nothing after that
torn       of each file any sectors of what came after that, in any order
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from tests.faults.tracing import Call, watch
from tests.node import ROOT

Kind = Literal["killed", "lost", "torn"]
KINDS: Final[tuple[Kind, ...]] = ("killed", "lost", "torn")
SECTOR: Final = 512
Files = dict[str, bytes]


@dataclass(frozen=True)
class Crash:
    """The moment before one change. `told` are the lines that the process had written down until then."""

    number: int
    call: str
    told: tuple[str, ...]
    files: Files
    durable: Files

    def phase(self) -> str:
        """What the process was at."""
        return next(line for line in reversed(self.told) if line.startswith("phase ")).removeprefix("phase ")

    def of(self, what: str) -> list[str]:
        """What was written down of a kind of thing."""
        return [line.partition(" ")[2] for line in self.told if line.startswith(f"{what} ")]

    def left(self, kind: Kind, seed: int) -> Files:
        """The files as the next start finds them."""
        if kind == "killed":
            return dict(self.files)
        if kind == "lost":
            return {name: self.durable[name] for name in self.files if name in self.durable}
        chance = random.Random(f"{seed} {self.number}")
        return {name: _torn(self.durable.get(name, b""), now, chance) for name, now in sorted(self.files.items())}

    def put(self, kind: Kind, seed: int, into: Path) -> None:
        for name, content in self.left(kind, seed).items():
            path = into / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_bytes(content)
            path.chmod(0o600)


@dataclass
class _Disk:
    """The files below a directory as they are, and as they are sure to be after a power cut."""

    folder: Path
    book: Path
    durable: Files = field(default_factory=dict)
    crashes: list[Crash] = field(default_factory=list)
    known: dict[bytes, bytes] = field(default_factory=dict)

    def now(self) -> Files:
        return {str(path.relative_to(self.folder)): self._once(path) for path in self._paths()}

    def before(self, call: Call) -> None:
        told = tuple(self.book.read_text(encoding="utf-8").splitlines())
        where = "" if call.path is None else f" {call.path.name}"
        self.crashes.append(Crash(len(self.crashes) + 1, call.name + where, told, self.now(), dict(self.durable)))

    def synced(self, path: Path) -> None:
        if path.is_file():
            self.durable[str(path.relative_to(self.folder))] = self._once(path)

    def _paths(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink()]

    def _once(self, path: Path) -> bytes:
        content = path.read_bytes()
        return self.known.setdefault(content, content)  # most are the same at every step


def crashes_of(module: str, data: Path, book: Path, *arguments: str) -> Sequence[Crash]:
    """Every crash of `python -m module DATA BOOK ARGUMENTS`, which must itself end well."""
    book.touch()
    disk = _Disk(data, book)
    disk.durable = disk.now()
    command = [sys.executable, "-B", "-m", module, str(data), str(book), *arguments]
    status = watch(command, data, before=disk.before, synced=disk.synced, cwd=ROOT)
    if status != 0:
        raise AssertionError(f"what was to be watched failed by itself: {status}")
    return disk.crashes


def _torn(old: bytes, new: bytes, chance: random.Random) -> bytes:
    """Of what has been written since, any sectors, and any part of what the file has grown by."""
    if old == new:
        return new
    size = len(new) if len(new) <= len(old) or chance.random() < 0.5 else chance.randrange(len(old), len(new) + 1)
    found = bytearray()
    for start in range(0, size, SECTOR):
        end = min(start + SECTOR, size)
        was = old[start:end].ljust(end - start, b"\0")
        found += new[start:end] if chance.random() < 0.5 else was
    return bytes(found)
