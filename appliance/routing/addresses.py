"""Where a node may send a question: hosts that its owner listed, and of these only ones inside the plant.

The name is looked up once, the address found is judged, and that very address is connected to: a name that is changed
between the two (DNS rebinding) leads nowhere. Redirects are never followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from appliance.routing.errors import AddressRefused

LOOK_UP_SECONDS: Final = 5.0
LONGEST: Final = 300
_PORTS: Final = {"http": 80, "https": 443}
_PLANT: Final = tuple(
    ipaddress.ip_network(one)
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128")
)
"""RFC 1918, RFC 4193 and loopback. Link-local addresses are left out: cloud machines keep their secrets there."""


@dataclass(frozen=True, slots=True)
class Address:
    """`url` names the host, `pinned` the same with the address that was found for it; `host` is HOST:PORT."""

    url: str
    pinned: str
    host: str


def listed(url: str, allowed: Sequence[str]) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of an address that is on the list. Raises AddressRefused."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressRefused("That is no address.") from None
    if len(url) > LONGEST or not url.isascii() or any(one.isspace() or one == "\\" for one in url):
        raise AddressRefused("That is no address.")
    if parts.scheme not in _PORTS or not host:
        raise AddressRefused("An address begins with http:// or https:// and names a host.")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise AddressRefused("An address holds no name, password, query or fragment; the key is given by itself.")
    port = port if port is not None else _PORTS[parts.scheme]
    shown = f"[{host}]" if ":" in host else host
    if f"{shown}:{port}" not in allowed:
        raise AddressRefused(f"{shown}:{port} is not among the servers that this node may ask.")
    return parts.scheme, shown, port, parts.path.rstrip("/").removesuffix("/v1")


async def checked(url: str, allowed: Sequence[str]) -> Address:
    """Look an address up and judge it. Raises AddressRefused."""
    scheme, host, port, path = listed(url, allowed)
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        raise AddressRefused(
            f"{host} is not known here.", hint="Write its address, or teach the box its name."
        ) from None
    addresses = [ipaddress.ip_address(one[4][0]) for one in found]
    if not addresses or not all(inside(one) for one in addresses):
        raise AddressRefused(f"{host} is not inside the plant.")
    first = addresses[0]
    at = f"[{first}]" if first.version == 6 else str(first)
    return Address(f"{scheme}://{host}:{port}{path}", f"{scheme}://{at}:{port}{path}", f"{host}:{port}")


def inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is one of a plant's own."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address.version == net.version and address in net for net in _PLANT)
