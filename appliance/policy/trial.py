"""A pack tried in a process of its own: Cedar, TOML and our compiler meet foreign text there before they meet it here.

The child reads the files as JSON on standard input and says on standard output what is wrong, or nothing. It may take
20 seconds of processor time and 1 GiB of memory, and can neither write a file nor start anything.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections.abc import Mapping
from typing import Final

from appliance.policy.engine import PolicyEngine
from appliance.policy.errors import PackRefused
from appliance.policy.pack import FILES, LARGEST, OPTIONAL, parse
from appliance.policy.rules import sound

CPU_SECONDS: Final = 20
WALL_SECONDS: Final = 40.0
MEMORY: Final = 1 << 30
TOO_MUCH: Final = "Looking at the pack took too long or too much memory."


async def tried(texts: Mapping[str, str]) -> None:
    """Raises PackRefused: the pack is not sound; the detail says what is wrong."""
    if len(texts) > len((*FILES, *OPTIONAL)) or any(len(text.encode()) > LARGEST for text in texts.values()):
        raise PackRefused("The pack is too large.")
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "appliance.policy.trial",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(WALL_SECONDS):
            said, _ = await child.communicate(json.dumps(dict(texts)).encode())
    except TimeoutError:
        raise PackRefused(TOO_MUCH) from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        raise PackRefused(TOO_MUCH)
    if problem := json.loads(said)["problem"]:
        raise PackRefused(problem)


async def judged(texts: Mapping[str, str]) -> None:
    """What the child does, done here: for texts that are no stranger's. Raises PackRefused as `tried` does."""
    sound(PolicyEngine(parse(texts)))


def main() -> int:
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    texts = json.load(sys.stdin)
    problem = None
    try:
        asyncio.run(judged(texts))
    except PackRefused as error:
        problem = error.detail
    sys.stdout.write(json.dumps({"problem": problem}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
