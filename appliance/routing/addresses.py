"""Where a node may send a question: hosts that its owner listed, and of these only ones inside the plant.

The name is looked up once, the address found is judged, and that very address is connected to: a name that is changed
between the two (DNS rebinding) leads nowhere. Redirects are never followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from appliance import plant
from appliance.routing.errors import AddressRefused

LONGEST: Final = 300
_PORTS: Final = {"http": 80, "https": 443}


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
    addresses = await plant.found(host, port)
    if not addresses:
        raise AddressRefused(f"{host} is not known here.", hint="Write its address, or teach the box its name.")
    if not all(plant.inside(one) for one in addresses):
        raise AddressRefused(f"{host} is not inside the plant.")
    first = addresses[0]
    at = f"[{first}]" if first.version == 6 else str(first)
    return Address(f"{scheme}://{host}:{port}{path}", f"{scheme}://{at}:{port}{path}", f"{host}:{port}")
