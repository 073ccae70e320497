"""Which addresses are a plant's own, and how a name is looked up: once, so that nobody can change it in between."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Final

LOOK_UP_SECONDS: Final = 5.0
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PLANT: Final = tuple(
    ipaddress.ip_network(one)
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128")
)
"""RFC 1918, RFC 4193 and loopback. Link-local addresses are left out: cloud machines keep their secrets there."""


async def found(host: str, port: int) -> list[Address]:
    """The addresses of a host; none where it is not known or nobody answers within five seconds."""
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            answers = await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return []
    return [ipaddress.ip_address(one[4][0]) for one in answers]


def inside(address: Address) -> bool:
    """Whether an address is one of a plant's own."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address.version == net.version and address in net for net in _PLANT)
