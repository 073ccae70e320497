"""Webhooks as a way into the plant's network: only listed hosts, one look-up, no redirects, no certificates of strangers."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance import plant
from appliance.notices.errors import AddressNotListed
from appliance.notices.reach import NoAnswer, Reach
from tests.notices.receiver import receiving

pytestmark = pytest.mark.one_try

LISTED = "shiftbook.plant.example:443"
HERE = Path(__file__).parents[2].parent / "shared" / "data" / "payloads_all_the_things"
FORMS = [
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://127.0.0.1:22/",
    "http://localhost/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://0.0.0.0/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://①②⑦.⓪.⓪.①/",
    "https://shiftbook.plant.example@169.254.169.254/",
    "https://169.254.169.254#@shiftbook.plant.example/",
    "https://shiftbook.plant.example:443@169.254.169.254/",
    "https://shiftbook.plant.example\\@169.254.169.254/",
    "https://shiftbook.plant.example.evil.example/",
    "https://shiftbook.plant.example:8443/",
    "http://shiftbook.plant.example/",
    "https://shiftbook.plant.example\t.evil.example/",
    "https://shiftbook.plant.example\r\nhost: evil.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "dict://127.0.0.1:11211/stat",
    "unix:///run/outpost.sock",
    "//169.254.169.254/",
    "",
    "https://",
]


def lines() -> Iterator[str]:
    """Addresses of a public collection of server-side request forgeries, where it is at hand."""
    for path in sorted(HERE.rglob("*")) if HERE.is_dir() else ():
        if "request forgery" in str(path).lower() and path.suffix in {".md", ".txt"}:
            for word in path.read_text(errors="replace").split():
                if "://" in word and "shiftbook" not in word:
                    yield word.strip("`\"'<>()[],")


@pytest.mark.parametrize("url", FORMS)
async def test_no_form_of_an_address_leads_to_a_host_that_is_not_listed(url: str) -> None:
    with pytest.raises(AddressNotListed):
        await Reach([LISTED], beyond=True).post(url, b"{}", {})


async def test_none_of_a_public_collection_does() -> None:
    reach = Reach([LISTED], beyond=True)
    for url in lines():
        with pytest.raises(AddressNotListed):
            await reach.post(url, b"{}", {})


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1", "8.8.8.8", "::ffff:169.254.169.254", "100.64.0.1"]
)
async def test_a_listed_name_that_points_elsewhere_is_not_followed(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    async def pointed(_host: str, _port: int) -> list[plant.Address]:
        return [ipaddress.ip_address("10.0.0.5"), ipaddress.ip_address(address)]

    monkeypatch.setattr(plant, "found", pointed)
    with pytest.raises(AddressNotListed):
        await Reach([LISTED]).post("https://shiftbook.plant.example/", b"{}", {})


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "100.64.0.1"])
async def test_nor_on_a_hub_to_where_machines_keep_their_secrets(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    async def pointed(_host: str, _port: int) -> list[plant.Address]:
        return [ipaddress.ip_address(address)]

    monkeypatch.setattr(plant, "found", pointed)
    with pytest.raises(AddressNotListed):
        await Reach([LISTED], beyond=True).post("https://shiftbook.plant.example/", b"{}", {})


async def test_a_name_is_looked_up_once_and_what_was_judged_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as honest:
        asked: list[str] = []

        async def rebinding(host: str, _port: int) -> list[plant.Address]:
            asked.append(host)
            return [ipaddress.ip_address("127.0.0.1" if len(asked) == 1 else "169.254.169.254")]

        monkeypatch.setattr(plant, "found", rebinding)
        name = f"shiftbook.plant.example:{honest.port}"
        assert await Reach([name]).post(f"http://{name}/", b"{}", {}) == 200

        assert asked == ["shiftbook.plant.example"]
        assert honest.got[0][0]["host"] == name


async def test_a_redirect_is_an_answer_and_nothing_more() -> None:
    async with receiving() as first, receiving() as second:
        answer = f"HTTP/1.1 307 Go\r\nlocation: {second.url}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        first.answers = [answer.encode()]

        assert await Reach([first.host, second.host]).post(first.url, b"{}", {}) == 307
        assert second.got == []


async def test_an_answer_without_end_is_not_read() -> None:
    async with receiving() as endless:
        endless.answers = [b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n" + b"x" * 65536]

        assert await Reach([endless.host]).post(endless.url, b"{}", {}) == 200


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as honest, receiving() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.host}")
        monkeypatch.setenv("ALL_PROXY", f"http://{proxy.host}")

        assert await Reach([honest.host]).post(honest.url, b"{}", {}) == 200
        assert proxy.got == []


def certificate(folder: Path, name: str) -> Path:
    """A certificate of its own for 127.0.0.1, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / f"{name}.pem"
    shown = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + shown)
    return path


async def test_only_a_certificate_that_the_box_trusts_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = certificate(tmp_path, "ours")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(ours)
    async with receiving(tls) as receiver:
        url, reach = f"https://{receiver.host}/", Reach([receiver.host])
        with pytest.raises(NoAnswer, match="certificate"):
            await reach.post(url, b"{}", {})
        assert receiver.got == []

        monkeypatch.setenv("SSL_CERT_FILE", str(ours))
        assert await reach.post(url, b"{}", {}) == 200
