"""What this box can give to a model: cores that are left, memory that is free, both within the limits of our cgroup."""

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from models.gguf import Header

CGROUP = Path("/sys/fs/cgroup")
SPARE = 0.15
"""Share of the free memory that stays free."""
MOST_SEQUENCES, MOST_CONTEXT, LEAST_CONTEXT = 4, 4096, 1024


@dataclass(frozen=True, slots=True)
class Box:
    """`cores` that this process may use, `free` bytes of memory that it may still take."""

    cores: int
    free: int

    @property
    def threads(self) -> int:
        """For inference: never all cores, or nobody's page is drawn while a model answers."""
        return max(1, self.cores - 1)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a chat model is run: answers at once, tokens of each with its prompt, threads, and the bytes that it takes."""

    sequences: int
    context: int
    threads: int
    memory: int


def probe(cgroup: Path = CGROUP) -> Box:
    """Look at this box. A limit that cannot be read is none."""
    cores = len(os.sched_getaffinity(0))
    quota, _, period = _first_line(cgroup / "cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit() and int(period):
        cores = min(cores, max(1, int(quota) // int(period)))
    free = psutil.virtual_memory().available
    most, used = _first_line(cgroup / "memory.max"), _first_line(cgroup / "memory.current")
    if most.isdigit() and used.isdigit():
        free = min(free, max(0, int(most) - int(used)))
    return Box(cores, free)


def fitting(header: Header, box: Box) -> Shape | None:
    """The most answers at once, and the longest, that fit into the free memory of the box; None where not even one does."""
    room = int(box.free * (1 - SPARE))
    longest = min(header.context, MOST_CONTEXT)
    for context in dict.fromkeys((longest, longest // 2, min(longest, LEAST_CONTEXT))):
        for sequences in range(MOST_SEQUENCES, 0, -1):
            memory = header.memory(sequences * context)
            if memory <= room:
                return Shape(sequences, context, box.threads, memory)
    return None


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        return ""
