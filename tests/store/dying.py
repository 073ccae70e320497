"""Use the store again and again, in processes that die without a word at their first, second, third... change to the disk.

    python -m tests.store.dying <root> open                leaves <root>/1, <root>/2, ...: data directories half made
    python -m tests.store.dying <root> tenant <template>   the same for a tenant `east`, made in copies of <template>

It ends, printing how many died, with the first that does not. The changes are those that Python announces (PEP 578):
directories, renames, removals, files opened for writing and databases opened. SQLite's own writes are not among them; a
crash inside those is SQLite's promise.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from appliance.store import open_store

_DIED = 77
_CHANGES = {"os.mkdir", "os.rename", "os.remove", "sqlcipher3.connect"}


def die_at(count: int) -> None:
    """Arm this process: the change of that number, from 1, does not happen any more."""
    left = count

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        writing = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if writing or event in _CHANGES:
            left -= 1
            if left == 0:
                os._exit(_DIED)

    sys.addaudithook(watch)


async def use(data: Path, what: str, count: int) -> None:
    if what == "open":
        die_at(count)
    store = await open_store(data)
    await store.migrate()
    if what == "tenant":
        die_at(count)
        await store.create_tenant("east", "East plant")
    await store.close()


def main(root: Path, what: str, template: Path | None) -> None:
    # What is imported late is imported now: each child is a fork and shall be quick.
    importlib.import_module("alembic.command")
    for count in itertools.count(1):
        data = root / str(count)
        if template is not None:
            shutil.copytree(template, data)
        child = os.fork()
        if child == 0:
            asyncio.run(use(data, what, count))
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code == 0:
            print(count - 1)
            return
        if code != _DIED:
            raise SystemExit(f"the use of the store failed by itself: {code}")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]) if len(sys.argv) > 3 else None)
