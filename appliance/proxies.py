"""Reverse proxies that the owner of the box trusts, and what they say of whoever asks.

    browser 10.1.2.3 ── TLS ──> proxy 127.0.0.1 ── X-Forwarded-For: 10.1.2.3, X-Forwarded-Proto: https ──> the node

Each proxy adds at the right whom it heard, so the list is read from the right for as long as the hops are trusted ones; what
stands left of the first other is anybody's own word. Nothing is believed of who is not listed.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from litestar.types import HTTPScope

FOR, PROTO = b"x-forwarded-for", b"x-forwarded-proto"
_PASSED_ON: Final = frozenset({FOR, b"x-forwarded-host", b"x-real-ip", b"forwarded", b"via"})


class Proxies:
    """Args:
    listed: addresses or networks (`10.0.0.0/24`).
    """

    def __init__(self, listed: Iterable[str] = ()) -> None:
        self._networks = tuple(ipaddress.ip_network(one, strict=False) for one in listed)

    def reveal(self, scope: HTTPScope) -> None:
        """Put who really asks, and whether their line is encrypted, in place of the proxy and its line."""
        client = scope.get("client")
        if not client or not self._trusts(client[0]):
            return
        found = cast("dict[str, Any]", scope)
        found["client"] = (self.asker(client[0], _words(scope, FOR)), 0)
        if protocols := _words(scope, PROTO):
            found["scheme"] = "https" if protocols[-1].lower() == "https" else "http"

    def asker(self, peer: str, hops: Sequence[str]) -> str:
        """The last of `hops` that is no trusted proxy, seen from a trusted `peer`; no address at all is nobody's word."""
        seen = peer
        for hop in reversed(hops):
            if (address := _address(hop)) is None:
                return seen
            seen = address
            if not self._trusts(address):
                return seen
        return seen

    def _trusts(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def was_passed_on(scope: HTTPScope) -> bool:
    """Whether some proxy, trusted or not, says that it asks for somebody else."""
    return any(name in _PASSED_ON for name, _ in scope["headers"])


def _words(scope: HTTPScope, name: bytes) -> list[str]:
    """What stands between the commas of a header that may come several times."""
    lines = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return [word.strip() for line in lines for word in line.split(",") if word.strip()]


def _address(hop: str) -> str | None:
    """Without a port: `10.1.2.3:80` and `[::1]:80` are written by some."""
    bare = hop.partition("]")[0].removeprefix("[") if hop.startswith("[") else hop
    bare = bare.partition(":")[0] if bare.count(":") == 1 else bare
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return None
