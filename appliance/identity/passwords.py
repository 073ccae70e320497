"""Passwords: argon2id with limits that fit a small box, off the event loop.

32 MiB and two passes take about 60 ms on one core of the build machine (OWASP's least is 19 MiB and two passes). Two
run at once, so that guessing costs a four-core box at most 64 MiB and half its cores, and sign-ins queue behind.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from appliance.errors import TooManyRequests

T = TypeVar("T")
AT_ONCE: Final = 2
WAITING: Final = 64
ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
"""No `l`, `o`, `0` or `1`: a generated password is read from paper and typed with gloves."""


class Passwords:
    """Hashes and checks passwords; `close` ends its threads.

    Args:
        memory_kib, passes: argon2id's cost. Hashes made with another cost still verify, and are renewed at sign-in.
    """

    def __init__(self, *, memory_kib: int = 32 * 1024, passes: int = 2) -> None:
        self._hasher = argon2.PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
        self._waiting = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        return await self._run(self._hasher.hash, password)

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether `password` fits. Without a hash (an unknown person) it takes as long, and is False.

        Raises:
            TooManyRequests: too many are waiting already.
        """
        return await self._run(self._verify, hashed, password)

    def outdated(self, hashed: str) -> bool:
        """Whether the hash was made with another cost than today's."""
        return self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, hashed: str | None, password: str) -> bool:
        if hashed is None:
            if self._nobody is None:
                self._nobody = self._hasher.hash(secrets.token_urlsafe())
            self._fits(self._nobody, password)
            return False
        return self._fits(hashed, password)

    def _fits(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., T], *arguments: str | None) -> T:
        if self._waiting >= WAITING:
            raise TooManyRequests("Too many people are signing in at once.", retry_after=5)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._waiting -= 1


def generated() -> str:
    """Four groups of four, like `7kmp-rw3h-x9at-u4ne`: 80 bits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))
