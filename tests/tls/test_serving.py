"""The people's server over TLS, with real sockets and clients that trust one authority alone."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
from cryptography import x509
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from appliance.tls import certificates as rules
from appliance.tls.place import Place
from appliance.tls.serving import PeoplesServer
from tests.node import free_port
from tests.tls.plant_authority import NOW

NAMES = rules.names_of(["node.plant.example", "127.0.0.1"])
SLOW_PIECES = 10


async def told(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    """Answers with the scheme; on /slow in pieces."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/slow":
        for _ in range(SLOW_PIECES):
            await send({"type": "http.response.body", "body": b".", "more_body": True})
            await asyncio.sleep(0.1)
    await send({"type": "http.response.body", "body": scope["scheme"].encode()})


@asynccontextmanager
async def served(place: Place | None, minimum: Literal["1.2", "1.3"] = "1.3") -> AsyncIterator[int]:
    port = free_port()
    make = partial(
        Server, told, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, http=HTTPModes.http1,
        log_enabled=False, websockets=False,
    )  # fmt: skip
    server = PeoplesServer(make, place, minimum, look_seconds=0.05)
    serving = asyncio.create_task(server.serve())
    try:
        await listening(port)
        yield port
    finally:
        server.stop()
        await asyncio.wait_for(serving, 10)


async def listening(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise AssertionError("nobody listens")


def trusting(authority: x509.Certificate) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=rules.pem([authority]).decode())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def fetch(port: int, context: ssl.SSLContext, *, host: str = "node.plant.example", path: str = "/") -> tuple[Any, ...]:
    """The protocol, the certificate, and the end of the answer."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=host) as line,
    ):
        shown = x509.load_der_x509_certificate(line.getpeercert(binary_form=True) or b"")
        line.sendall(f"GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
        received = b""
        while more := line.recv(65536):
            received += more
        return line.version(), shown, received


async def test_a_kiosk_that_trusts_the_authority_is_served_over_tls_1_3(place: Place) -> None:
    made = place.make(NAMES, NOW)
    async with served(place) as port:
        for host in ("node.plant.example", "127.0.0.1"):
            version, shown, answer = await asyncio.to_thread(fetch, port, trusting(made.authority), host=host)
            assert version == "TLSv1.3"
            assert shown == made.leaf
            # What the security headers of the edge go by.
            assert b"https" in answer


async def test_without_a_certificate_loopback_is_served_in_the_clear() -> None:
    async with served(None) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\nhttp")
        writer.close()


async def test_tls_1_2_is_refused_unless_it_is_allowed(place: Place) -> None:
    made = place.make(NAMES, NOW)
    old = trusting(made.authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2

    async with served(place) as port:
        with pytest.raises(ssl.SSLError):
            await asyncio.to_thread(fetch, port, old)
    async with served(place, "1.2") as port:
        assert (await asyncio.to_thread(fetch, port, old))[0] == "TLSv1.2"
        assert (await asyncio.to_thread(fetch, port, trusting(made.authority)))[0] == "TLSv1.3"


async def test_a_renewed_certificate_is_served_without_a_restart_and_answers_begun_are_finished(place: Place) -> None:
    made = place.make(NAMES, NOW)
    async with served(place) as port:
        slow = asyncio.create_task(asyncio.to_thread(fetch, port, trusting(made.authority), path="/slow"))
        await asyncio.sleep(0.2)
        renewed = place.make(NAMES, NOW)

        shown = made.leaf
        for _ in range(100):
            # Who comes just as the old server closes its door is hung up on, and comes again.
            with suppress(ConnectionError, ssl.SSLEOFError):
                _, shown, _ = await asyncio.to_thread(fetch, port, trusting(made.authority))
            if shown == renewed.leaf:
                break
            await asyncio.sleep(0.05)
        assert shown == renewed.leaf
        _, before, answer = await slow
        assert before == made.leaf
        assert answer.count(b"\r\n.\r\n") == SLOW_PIECES
        assert b"https" in answer


async def test_a_leaf_near_its_end_is_renewed_while_it_serves(place: Place) -> None:
    made = place.make(NAMES, NOW - dt.timedelta(days=390))
    async with served(place) as port:
        _, shown, _ = await asyncio.to_thread(fetch, port, trusting(made.authority))
    assert rules.days_left(shown.not_valid_after_utc, NOW) > 300


async def test_a_certificate_that_is_damaged_while_it_serves_changes_nothing(place: Place, data: Path) -> None:
    made = place.make(NAMES, NOW)
    async with served(place) as port:
        (data / "tls" / "node.sealed").write_bytes(b"damaged")
        await asyncio.sleep(0.3)
        assert (await asyncio.to_thread(fetch, port, trusting(made.authority)))[1] == made.leaf


async def test_a_certificate_that_cannot_be_renewed_is_served_to_its_end(place: Place, data: Path) -> None:
    made = place.make(NAMES, NOW - dt.timedelta(days=390))
    (data / "tls" / "ca.sealed").unlink()
    async with served(place) as port:
        assert (await asyncio.to_thread(fetch, port, trusting(made.authority)))[1] == made.leaf
