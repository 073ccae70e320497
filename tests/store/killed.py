"""Moves the master key of a copy of a directory, killed before its nth step, for every n; says how many steps there are.

    python -m tests.store.killed FROM INTO        FROM is left alone; INTO/<n> is what the nth kill has left

A step is a change of the directory that the interpreter announces before it makes it (PEP 578).
"""

from __future__ import annotations

import os
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any

from appliance.store.keeping import Cost, read_master, under_passphrase
from appliance.store.switching import switch

PASSPHRASE = "seven green valves at night"
STEPS = {"open", "os.rename", "os.remove", "os.mkdir"}


def move(keys: Path, dies_at: int) -> None:
    """Move from file to passphrase, and die without a word before a step."""
    done = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal done
        if event in STEPS and str(keys) in str(arguments[0]):
            done += 1
            if done == dies_at:
                os._exit(9)

    sys.addaudithook(watch)
    keep = partial(under_passphrase, passphrase=PASSPHRASE, cost=Cost(passes=1, memory_kib=64))
    switch(keys, read_master(keys), keep, ("token-signing",))


def main(source: Path, into: Path) -> int:
    for dies_at in range(1, 1000):
        keys = into / str(dies_at)
        shutil.copytree(source, keys)
        child = os.fork()
        if child == 0:
            try:
                move(keys, dies_at)
                os._exit(0)
            finally:
                os._exit(1)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code != 9:
            print(dies_at)
            return code
    return 2


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
