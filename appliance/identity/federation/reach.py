"""The one way out to identity providers: hosts that the owner of the box listed, HTTPS, and nothing else.

The name is looked up once, every address found is judged, and that very address is connected to. Redirects are not
followed, proxies of the environment not used. An answer is read with limits of time and size and must be a JSON object.
A node asks only inside the plant; a hub also beyond it, but never where cloud machines keep their secrets.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from appliance import plant
from appliance.identity.federation.errors import AddressNotListed, ProviderUnreachable

LONGEST: Final = 300
SECONDS: Final = 8.0
MOST_BYTES: Final = 2**20
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """An address of the list, taken apart; `host` carries brackets if it is an IPv6 address."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is what came, a JSON object."""

    status: int
    body: dict[str, Any]
    raw: bytes


def place_of(url: str) -> Place:
    """Take an address apart. Raises AddressNotListed unless it is HTTPS, or HTTP on the box itself."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressNotListed("That is no address.") from None
    if len(url) > LONGEST or not url.isascii() or any(one.isspace() or one == "\\" for one in url):
        raise AddressNotListed("That is no address.")
    if parts.scheme not in _PORTS or not host or parts.username is not None or parts.password is not None:
        raise AddressNotListed("An address begins with https:// and names a host, without a name or a password.")
    if parts.query or parts.fragment:
        raise AddressNotListed("An address that is asked has no query and no fragment.")
    if parts.scheme == "http" and host not in {"127.0.0.1", "::1", "localhost"}:
        raise AddressNotListed("An identity provider is asked by HTTPS.", hint="Give it a certificate of the plant.")
    shown = f"[{host}]" if ":" in host else host
    return Place(parts.scheme, shown, port if port is not None else _PORTS[parts.scheme], parts.path)


class Reach:
    """Args:
    allowed: HOST:PORT of identity providers that may be asked.
    beyond: whether addresses outside the plant may be among them.
    """

    def __init__(self, allowed: Sequence[str], *, beyond: bool = False) -> None:
        self._allowed, self._beyond = frozenset(allowed), beyond

    def lists(self, url: str) -> bool:
        """Whether the owner of the box lets this address be asked."""
        try:
            self._listed(url)
        except AddressNotListed:
            return False
        return True

    async def get(self, url: str, *, bearer: str | None = None) -> Answer:
        """Raises AddressNotListed, ProviderUnreachable."""
        return await self._ask("GET", url, bearer=bearer)

    async def post(self, url: str, form: Mapping[str, str], *, basic: tuple[str, str] | None = None) -> Answer:
        """Send a form, with name and secret in an `Authorization` header if given. Raises as `get` does."""
        return await self._ask("POST", url, form=form, basic=basic)

    def _listed(self, url: str) -> Place:
        place = place_of(url)
        if f"{place.host}:{place.port}" not in self._allowed:
            raise AddressNotListed(f"{place.host}:{place.port} is not among the identity providers that may be asked.")
        return place

    async def _pinned(self, place: Place) -> str:
        """The address to connect to. Raises AddressNotListed, ProviderUnreachable."""
        addresses = await plant.found(place.host, place.port)
        if not addresses:
            raise ProviderUnreachable(f"{place.host} is not known here.")
        if not all(plant.inside(one) or (self._beyond and one.is_global and not one.is_multicast) for one in addresses):
            raise AddressNotListed(f"{place.host} does not lie where it may be asked.")
        return f"[{addresses[0]}]" if addresses[0].version == 6 else str(addresses[0])

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
        bearer: str | None = None,
    ) -> Answer:
        place = self._listed(url)
        at = await self._pinned(place)
        # The plant's own authority stands in the system's list.
        verify = ssl.create_default_context() if place.scheme == "https" else False
        headers = {"host": f"{place.host}:{place.port}", "accept": "application/json"}
        if bearer is not None:
            headers["authorization"] = f"Bearer {bearer}"
        request = httpx.Request(
            method,
            f"{place.scheme}://{at}:{place.port}{place.path or '/'}",
            headers=headers,
            data=form,
            extensions={"sni_hostname": place.host.strip("[]")},
        )
        auth = httpx.BasicAuth(*basic) if basic is not None else None
        try:
            async with (
                asyncio.timeout(SECONDS),
                httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(verify=verify), trust_env=False) as client,
            ):
                response = await client.send(request, auth=auth, stream=True, follow_redirects=False)
                raw = await _read(response)
                await response.aclose()
        except (httpx.HTTPError, TimeoutError, ssl.SSLError) as problem:
            raise ProviderUnreachable(f"{place.host} gave no answer ({type(problem).__name__}).") from None
        return Answer(response.status_code, _object(raw, place.host), raw)


async def _read(response: httpx.Response) -> bytes:
    found = bytearray()
    async for piece in response.aiter_bytes():
        found += piece
        if len(found) > MOST_BYTES:
            raise ProviderUnreachable("The identity provider answered with more than it may.")
    return bytes(found)


def _object(raw: bytes, host: str) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ProviderUnreachable(f"{host} answered with something else than JSON.")
    return body
