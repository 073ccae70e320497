"""The people's server: plain on loopback, TLS where there is a certificate, and a new certificate without a restart.

granian reads certificate and key once, when a server begins. A new certificate is therefore a new server at the same
address (SO_REUSEPORT); the one before takes no new visitor and ends when its last answer is given.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from collections.abc import Callable
from typing import Any, Final, Literal

import structlog
from granian.server.embed import Server

from appliance.errors import OutpostError
from appliance.tls import certificates as rules
from appliance.tls.errors import CertificateRefused
from appliance.tls.place import Place, Served

LOOK_SECONDS: Final = 600.0
"""How often the stored certificate is looked at: for its end, and for another in its place."""
PROTOCOLS: Final = {"1.3": "tls1.3", "1.2": "tls1.2"}

log = structlog.get_logger(__name__)


class PeoplesServer:
    """Serves at one address until `stop`.

    Args:
        make: a server that is not yet served, and has no TLS.
        place: where the certificate stands; None serves in the clear.
        minimum: the oldest TLS spoken.
    """

    def __init__(
        self,
        make: Callable[[], Server],
        place: Place | None,
        minimum: Literal["1.2", "1.3"],
        *,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._make, self._place, self._minimum, self._look_seconds = make, place, minimum, look_seconds
        self._stopping = asyncio.Event()
        self._present: Server | None = None

    async def serve(self) -> None:
        """Return when `stop` was called and every server has ended."""
        shown = None if self._place is None else self._looked(self._place)
        serving = [self._begin(shown)]
        while not self._stopping.is_set():
            stopping = asyncio.create_task(self._stopping.wait())
            limit = None if self._place is None else self._look_seconds
            await asyncio.wait({stopping, serving[-1]}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if serving[-1].done():
                break
            if self._place is not None and not self._stopping.is_set():
                found = self._found(self._place)
                if found is not None and shown is not None and found.leaf != shown.leaf:
                    before, shown = self._present, found
                    serving.append(self._begin(found))
                    assert before is not None
                    before.stop()  # type: ignore[no-untyped-call]
                    log.info("another certificate is served", days=rules.days_left(found.ends, _now()))
        if self._present is not None:
            self._present.stop()  # type: ignore[no-untyped-call]
        await asyncio.gather(*serving)

    def stop(self) -> None:
        self._stopping.set()

    def _looked(self, place: Place) -> Served:
        """The certificate to serve, renewed where that is due and can be done."""
        try:
            return place.renew(_now()) or place.served()
        except (CertificateRefused, OSError) as error:
            # Worse than a certificate near its end is none: health and `doctor` say that it ends.
            log.error("the certificate could not be renewed", exc_info=error)
            return place.served()

    def _found(self, place: Place) -> Served | None:
        """The same while serving: what cannot be read now changes nothing."""
        try:
            return self._looked(place)
        except (OutpostError, OSError) as error:
            log.error("the stored certificate cannot be read; the one before is served", exc_info=error)
            return None

    def _begin(self, shown: Served | None) -> asyncio.Task[None]:
        server = self._make()
        descriptors: list[int] = []
        if shown is not None:
            server.ssl_ctx = self._context(shown, descriptors)
        self._present = server
        return asyncio.create_task(_served(server, descriptors))

    def _context(self, shown: Served, descriptors: list[int]) -> tuple[Any, ...]:
        """What `Server.build_ssl_context` makes of two files, with files that are on no disk (memfd_create(2))."""
        for name, content in (("certificate", rules.pem(shown.chain)), ("key", shown.key)):
            descriptor = os.memfd_create(f"outpost-{name}")
            descriptors.append(descriptor)
            os.write(descriptor, content)
        chain, key = (f"/proc/self/fd/{one}" for one in descriptors)
        return (True, chain, key, None, PROTOCOLS[self._minimum], None, [], False)


async def _served(server: Server, descriptors: list[int]) -> None:
    try:
        await server.serve()
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
