"""Attacks through the address of an identity provider: a node must not be made to ask what its owner did not list."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from appliance.identity.federation.errors import AddressNotListed, BadKeys, ProviderUnreachable
from appliance.identity.federation.keys import IssuerKeys
from appliance.identity.federation.reach import MOST_BYTES, Reach, place_of

pytestmark = pytest.mark.one_try


class Hostile:
    """An HTTP server that answers each path with what it is told, and remembers who asked."""

    def __init__(self) -> None:
        hostile = self
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[tuple[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hostile.asked.append((self.path, self.headers["host"]))
                status, headers, body = hostile.answers.get(self.path, (404, {}, b"{}"))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}"

    def says(self, path: str, body: Any, status: int = 200, **headers: str) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers[path] = status, headers, raw


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    hostile = Hostile()
    thread = threading.Thread(target=hostile.server.serve_forever, args=(0.02,))
    thread.start()
    yield hostile
    hostile.server.shutdown()
    hostile.server.server_close()
    thread.join()


def certified(folder: Path, name: str) -> Path:
    """A certificate for a name and its key, in one file; it is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem = made.sign(key, SHA256()).public_bytes(Encoding.PEM)
    pem += key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / f"{name}.pem"
    path.write_bytes(pem)
    return path


@pytest.mark.parametrize("case", ["trusted", "nobody knows it", "for another name"])
async def test_a_provider_shows_a_certificate_for_its_name_that_the_box_trusts(
    hostile: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """The address is connected to and the name is checked: whoever sits on the address is not the provider for that."""
    shown = certified(tmp_path, "elsewhere.example" if case == "for another name" else "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown)
    hostile.server.socket = context.wrap_socket(hostile.server.socket, server_side=True)
    hostile.says("/", {"a": 1})
    if case != "nobody knows it":
        monkeypatch.setenv("SSL_CERT_FILE", str(shown))
    host = f"localhost:{hostile.host.rpartition(':')[2]}"

    if case == "trusted":
        assert (await Reach([host]).get(f"https://{host}/")).body == {"a": 1}
    else:
        with pytest.raises(ProviderUnreachable):
            await Reach([host]).get(f"https://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.plant/", "ftp://login.example.plant/", "file:///etc/passwd", "gopher://127.0.0.1:70/", "//login",
        "https://", "https://user@login.example.plant/", "https://user:pw@login.example.plant/", "https://login.example.plant/?x",
        "https://login.example.plant/#x", "https://login.example.plant:99999/", "https://login.exa mple/", "https://lo\\gin/",
        "https://login.example.plant\n/", "https://l\u00f6gin.example/", "https://" + "a" * 400, "https://[::1", "http://127.0.0.2/",
        "http://localhost.example/", "http://2130706433/", "http://0x7f000001/",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_provider_is_refused(url: str) -> None:
    with pytest.raises(AddressNotListed):
        place_of(url)


async def test_a_host_that_is_not_listed_is_never_asked(hostile: Hostile) -> None:
    for allowed in ([], ["127.0.0.1:1"], ["127.0.0.1"], ["localhost:" + hostile.host.rpartition(":")[2]]):
        with pytest.raises(AddressNotListed):
            await Reach(allowed).get(hostile.url)
    assert hostile.asked == []


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "fe80::1", "8.8.8.8", "0.0.0.0", "100.100.100.200", "224.0.0.1", "::ffff:169.254.169.254"],
)
@pytest.mark.parametrize("beyond", [False, True])
async def test_a_listed_name_that_leads_to_where_nobody_may_ask_is_refused(
    monkeypatch: pytest.MonkeyPatch, address: str, beyond: bool
) -> None:
    async def looked_up(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.5", port)), (0, 0, 0, "", (address, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", looked_up)
    reach = Reach(["login.example.plant:443"], beyond=beyond)
    if beyond and address == "8.8.8.8":
        return  # a hub may ask a provider in the cloud
    with pytest.raises(AddressNotListed):
        await reach.get("https://login.example.plant/")


async def test_the_address_that_was_judged_is_the_one_that_is_asked(
    monkeypatch: pytest.MonkeyPatch, hostile: Hostile
) -> None:
    """DNS rebinding: the second look-up would lead elsewhere, and there is none."""
    looks: list[str] = []

    async def looked_up(host: str, port: int, **_: Any) -> list[Any]:
        looks.append(host)
        return [(0, 0, 0, "", ("127.0.0.1" if len(looks) == 1 else "169.254.169.254", port))]

    hostile.says("/", {"a": 1})
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", looked_up)
    port = hostile.host.rpartition(":")[2]

    answer = await Reach([f"localhost:{port}"]).get(f"http://localhost:{port}/")

    assert answer.body == {"a": 1}
    assert looks == ["localhost"]
    assert hostile.asked == [("/", f"localhost:{port}")]


async def test_a_redirect_is_not_followed(hostile: Hostile) -> None:
    hostile.says("/", {}, status=302, location=f"{hostile.url}/secret")
    hostile.says("/secret", {"secret": True})

    answer = await Reach([hostile.host]).get(hostile.url)

    assert (answer.status, answer.body) == (302, {})
    assert [path for path, _ in hostile.asked] == ["/"]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"7", b"\xff", b"[" * 50_000, b"{" + b" " * (MOST_BYTES + 1) + b"}"], ids=range(7)
)
async def test_what_is_no_object_or_too_much_is_no_answer(hostile: Hostile, body: bytes) -> None:
    hostile.says("/", body)

    with pytest.raises(ProviderUnreachable):
        await Reach([hostile.host]).get(hostile.url)


@pytest.mark.parametrize(
    "what", ["another issuer", "no issuer", "keys elsewhere", "keys in a file", "keys of a secret", "an error"]
)
async def test_an_issuer_that_lies_about_itself_gives_no_keys(hostile: Hostile, what: str) -> None:
    said: dict[str, Any] = {"issuer": hostile.url, "jwks_uri": f"{hostile.url}/jwks"}
    changed: dict[str, dict[str, Any]] = {
        "another issuer": {"issuer": "https://login.example.plant/"}, "no issuer": {"issuer": None},
        "keys elsewhere": {"jwks_uri": "https://thief.example/jwks"}, "keys in a file": {"jwks_uri": "file:///etc/passwd"},
    }  # fmt: skip
    said |= changed.get(what, {})
    hostile.says("/.well-known/openid-configuration", said, status=500 if what == "an error" else 200)
    hostile.says("/jwks", {"keys": [{"kty": "oct", "k": "AAAA"}]})
    keys = IssuerKeys(Reach([hostile.host]))

    with pytest.raises((ProviderUnreachable, AddressNotListed, BadKeys)):
        await keys.look(hostile.url)
    assert await keys.keys(hostile.url) == ()
