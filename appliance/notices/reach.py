"""The one way out for webhooks: hosts that the owner of the box listed, and nothing else.

The name is looked up once, every address found is judged, and that very address is connected to: a name that is changed
between the two leads nowhere. Redirects are not followed, proxies of the environment not used, certificates verified.
Of the answer only the status is read. A node sends inside the plant alone; a hub also beyond it, but only by HTTPS and
never to where cloud machines keep their secrets.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx

from appliance import plant
from appliance.notices.errors import AddressNotListed

LONGEST: Final = 300
SECONDS: Final = 10.0
_PORTS: Final = {"http": 80, "https": 443}


class NoAnswer(Exception):
    """Nobody answered; `reason` is a word for the list of deliveries."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Place:
    """An address of the list, taken apart; `host` carries brackets if it is an IPv6 address, `path` its query."""

    scheme: str
    host: str
    port: int
    path: str


def place_of(url: str) -> Place:
    """Raises AddressNotListed: it is no address that anything is sent to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressNotListed("That is no address.") from None
    if len(url) > LONGEST or not url.isascii() or any(ord(one) <= 32 or one in "\\\x7f" for one in url):
        raise AddressNotListed("That is no address.")
    if parts.scheme not in _PORTS or not host:
        raise AddressNotListed("An address begins with http:// or https:// and names a host.")
    if "@" in parts.netloc or parts.fragment:
        raise AddressNotListed("An address holds no name, password or fragment.")
    shown = f"[{host}]" if ":" in host else host
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(parts.scheme, shown, port if port is not None else _PORTS[parts.scheme], path)


class Reach:
    """Args:
    allowed: HOST:PORT that may be sent to; with none nothing leaves the box.
    beyond: whether addresses outside the plant may be among them.
    """

    def __init__(self, allowed: Sequence[str], *, beyond: bool = False) -> None:
        self._allowed, self._beyond = frozenset(allowed), beyond

    def listed(self, url: str) -> Place:
        """Raises AddressNotListed."""
        place = place_of(url)
        if f"{place.host}:{place.port}" not in self._allowed:
            raise AddressNotListed(f"{place.host}:{place.port} is not among the hosts that may be sent to.")
        return place

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send, and return the status of the answer.

        Raises:
            AddressNotListed: nothing was sent.
            NoAnswer: nobody is known to have got it.
        """
        place = self.listed(url)
        at = await self._pinned(place)
        verify = ssl.create_default_context() if place.scheme == "https" else False
        request = httpx.Request(
            "POST",
            f"{place.scheme}://{at}:{place.port}{place.path}",
            headers={"host": f"{place.host}:{place.port}", "content-type": "application/json", **headers},
            content=body,
            extensions={"sni_hostname": place.host.strip("[]")},
        )
        try:
            async with (
                asyncio.timeout(SECONDS),
                httpx.AsyncClient(
                    transport=httpx.AsyncHTTPTransport(verify=verify), trust_env=False, timeout=SECONDS
                ) as client,
            ):
                response = await client.send(request, stream=True, follow_redirects=False)
                await response.aclose()
        except TimeoutError:
            raise NoAnswer("timeout") from None
        except httpx.TimeoutException:
            raise NoAnswer("timeout") from None
        except (httpx.HTTPError, ssl.SSLError, OSError) as problem:
            told = "certificate" if "CERTIFICATE" in str(problem).upper() else "unreachable"
            raise NoAnswer(told) from None
        return response.status_code

    async def _pinned(self, place: Place) -> str:
        """The address to connect to."""
        addresses = await plant.found(place.host, place.port)
        if not addresses:
            raise NoAnswer("unknown-host")
        inside = all(plant.inside(one) for one in addresses)
        public = self._beyond and place.scheme == "https"
        if not inside and not (public and all(one.is_global and not one.is_multicast for one in addresses)):
            raise AddressNotListed(f"{place.host} does not lie where anything may be sent.")
        return f"[{addresses[0]}]" if addresses[0].version == 6 else str(addresses[0])
