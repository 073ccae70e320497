"""Keys that tokens are held against: from a file of the box, and from issuers that can be reached.

The file is read again when it changes. A broken or empty one changes nothing: the last good keys stay in force, and
health and log say so. Keys of an issuer are fetched where its host is listed, kept for an hour and fetched anew before
that is over; while the issuer is down those that were fetched last count for a day.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from appliance.identity.federation import jwks
from appliance.identity.federation.errors import AddressNotListed, BadKeys, ProviderUnreachable
from appliance.identity.federation.jwks import PublicKey
from appliance.identity.federation.reach import Reach

HOUR: Final = 3600.0
REFRESH_AFTER: Final = 0.75 * HOUR
OUTAGE: Final = 24 * HOUR
LOOK_SECONDS: Final = 1.0
AGAIN_SECONDS: Final = 60.0
"""A token with an unknown label makes the issuer be asked again, but not more often."""
MOST_ISSUERS: Final = 200

log = structlog.get_logger(__name__)
Monotonic = Callable[[], float]


class KeyFile:
    """Args:
    path: a JSON Web Key Set; None where the box has none.
    monotonic: seconds that only grow.
    """

    def __init__(self, path: Path | None, *, monotonic: Monotonic = time.monotonic) -> None:
        self._path, self._monotonic = path, monotonic
        self._looked: float | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._keys: tuple[PublicKey, ...] = ()
        self.problem: str | None = None
        """Why the file as it is now does not count; None if it does, or there is to be none."""

    @property
    def configured(self) -> bool:
        return self._path is not None

    def keys(self) -> tuple[PublicKey, ...]:
        """The last good ones."""
        now = self._monotonic()
        if self._path is not None and (self._looked is None or now - self._looked >= LOOK_SECONDS):
            self._looked = now
            self._look(self._path)
        return self._keys

    def _look(self, path: Path) -> None:
        try:
            there = path.stat()
            stamp = (there.st_mtime_ns, there.st_size, there.st_ino)
            if stamp == self._stamp:
                return
            with path.open("rb") as file:
                document = file.read(jwks.MOST_BYTES + 1)
            self._stamp = stamp
            self._keys = jwks.read(document)
        except OSError as error:
            self._stamp = None
            self._say(f"the file cannot be read ({error.strerror})")
        except BadKeys as error:
            self._say(error.detail)
        else:
            self.problem = None
            log.info("identity keys loaded", keys=len(self._keys))

    def _say(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("identity keys not loaded", problem=problem, still_in_force=len(self._keys))
        self.problem = problem


@dataclass(slots=True)
class _Issuer:
    keys: tuple[PublicKey, ...] = ()
    metadata: dict[str, Any] | None = None
    fetched: float = 0.0
    tried: float | None = None


class IssuerKeys:
    """Keys and metadata of issuers that can be reached, for one process."""

    def __init__(self, reach: Reach, *, monotonic: Monotonic = time.monotonic) -> None:
        self._reach, self._monotonic = reach, monotonic
        self._known: dict[str, _Issuer] = {}
        self._fetching: dict[str, asyncio.Task[None]] = {}

    def reachable(self, issuer: str) -> bool:
        return self._reach.lists(_discovery(issuer))

    async def keys(self, issuer: str, *, missing: bool = False) -> tuple[PublicKey, ...]:
        """Those of an issuer; none where it cannot be asked and never was.

        Args:
            missing: a label was asked for that the known ones do not have.
        """
        if not self.reachable(issuer):
            return ()
        known = self._known.get(issuer)
        now = self._monotonic()
        age = None if known is None or not known.keys else now - known.fetched
        lately = known is not None and known.tried is not None and now - known.tried < AGAIN_SECONDS
        if age is None or age >= HOUR or missing:
            if not lately:
                await self._fetched(issuer)
        elif age >= REFRESH_AFTER and not lately:
            self._begin(issuer)
        known = self._known.get(issuer)
        usable = known is not None and self._monotonic() - known.fetched < OUTAGE
        return known.keys if known is not None and usable else ()

    async def metadata(self, issuer: str) -> dict[str, Any]:
        """What the issuer says of itself (OpenID Connect Discovery).

        Raises:
            AddressNotListed: it may not be asked.
            ProviderUnreachable: it gave no answer, and has not within a day.
        """
        if not self.reachable(issuer):
            raise AddressNotListed("The issuer is not among the identity providers that may be asked.")
        # Asked there, if it has not been lately: whoever clicks a link cannot make the box ask again and again.
        await self.keys(issuer)
        known = self._known.get(issuer)
        if known is None or known.metadata is None or self._monotonic() - known.fetched >= OUTAGE:
            raise ProviderUnreachable("The issuer gave no answer.")
        return known.metadata

    async def look(self, issuer: str) -> tuple[dict[str, Any], tuple[PublicKey, ...]]:
        """Ask the issuer now, and remember what it says. Raises AddressNotListed, ProviderUnreachable, BadKeys."""
        known = self._known.setdefault(issuer, _Issuer())
        if len(self._known) > MOST_ISSUERS:
            self._known = {issuer: known}
        known.tried = self._monotonic()
        answer = await self._reach.get(_discovery(issuer))
        where = answer.body.get("jwks_uri")
        if answer.status != 200 or answer.body.get("issuer") != issuer or not isinstance(where, str):
            raise ProviderUnreachable(
                "What the issuer says of itself does not fit.", hint="Check the issuer's address."
            )
        set_of_keys = await self._reach.get(where)
        if set_of_keys.status != 200:
            raise ProviderUnreachable("The issuer does not show its keys.")
        known.keys = jwks.read(set_of_keys.raw, issuer=issuer)
        known.metadata, known.fetched = answer.body, self._monotonic()
        return answer.body, known.keys

    async def settled(self) -> None:
        """Return when what is being fetched has come."""
        await asyncio.gather(*self._fetching.values(), return_exceptions=True)

    async def close(self) -> None:
        for task in self._fetching.values():
            task.cancel()
        await self.settled()

    async def _fetched(self, issuer: str) -> None:
        # Shielded: whoever waits may give up without taking the others' answer away.
        await asyncio.shield(self._begin(issuer))

    def _begin(self, issuer: str) -> asyncio.Task[None]:
        running = self._fetching.get(issuer)
        if running is None:
            running = self._fetching[issuer] = asyncio.create_task(self._fetch(issuer))
            running.add_done_callback(lambda _: self._fetching.pop(issuer, None))
        return running

    async def _fetch(self, issuer: str) -> None:
        try:
            await self.look(issuer)
        except (AddressNotListed, ProviderUnreachable, BadKeys) as problem:
            log.warning("identity keys not fetched", code=problem.code, detail=problem.detail)


class Keys:
    """Both places where keys come from. The file goes first."""

    def __init__(self, file: KeyFile, issuers: IssuerKeys) -> None:
        self.file, self.issuers = file, issuers

    async def find(self, issuer: str, kid: str | None, *, only: bool) -> PublicKey | None:
        """The key of an issuer with this label; `only` says that no other issuer is known here."""
        found = jwks.chosen(jwks.of_issuer(self.file.keys(), issuer, only=only), kid)
        if found is None:
            found = jwks.chosen(await self.issuers.keys(issuer), kid)
        if found is None and self.issuers.reachable(issuer):
            found = jwks.chosen(await self.issuers.keys(issuer, missing=True), kid)
        return found


def _discovery(issuer: str) -> str:
    return issuer.rstrip("/") + "/.well-known/openid-configuration"
