"""Somebody in the plant's network stands between a kiosk and the node, or speaks to the node as nobody should."""

from __future__ import annotations

import asyncio
import datetime as dt
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from appliance.tls import certificates as rules
from appliance.tls.place import Place
from tests.tls.plant_authority import NOW, PlantAuthority
from tests.tls.test_serving import NAMES, fetch, served, trusting

pytestmark = pytest.mark.one_try


@pytest.fixture(scope="module")
def plant_authority() -> PlantAuthority:
    return PlantAuthority()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, bytes(range(32)))


async def refused(port: int, context: ssl.SSLContext, *, host: str = "node.plant.example") -> ssl.SSLError:
    with pytest.raises(ssl.SSLError) as caught:
        await asyncio.to_thread(fetch, port, context, host=host)
    return caught.value


async def test_an_impostor_with_an_authority_of_its_own_is_not_believed(place: Place) -> None:
    trusted = rules.make_authority("plant", NAMES, NOW).certificate
    place.make(NAMES, NOW)
    async with served(place) as port:
        assert isinstance(await refused(port, trusting(trusted)), ssl.SSLCertVerificationError)


async def test_a_certificate_does_not_hold_for_another_host(place: Place) -> None:
    made = place.make(NAMES, NOW)
    async with served(place) as port:
        error = await refused(port, trusting(made.authority), host="other.plant.example")
    assert isinstance(error, ssl.SSLCertVerificationError)


async def test_an_authority_that_was_stolen_cannot_speak_for_the_world(place: Place, tmp_path: Path) -> None:
    """The constraint stands in the authority that kiosks trust, and their own libraries hold it to that."""
    authority = rules.make_authority("plant", NAMES, NOW)
    forged = rules.make_leaf(authority, rules.names_of(["bank.example"]), NOW)
    chain, key = rules.pem([forged.certificate]), rules.key_pem(forged.key)
    (tmp_path / "forged.pem").write_bytes(chain + key)
    impostor = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    impostor.load_cert_chain(tmp_path / "forged.pem")

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=impostor) as server:
        port = server.sockets[0].getsockname()[1]
        error = await refused(port, trusting(authority.certificate), host="bank.example")
    assert "permitted subtree" in str(error)


async def test_an_expired_certificate_of_the_plant_is_served_and_every_client_turns_away(
    place: Place, plant_authority: PlantAuthority, tmp_path: Path
) -> None:
    began = NOW - dt.timedelta(days=100)
    files = plant_authority.issue(tmp_path, begins=began, days=90)
    place.take(*files.read(), rules.names_of([]), began + dt.timedelta(days=1))
    async with served(place) as port:
        error = await refused(port, trusting(plant_authority.root))
    assert "expired" in str(error)


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1", "-ssl3"])
async def test_nothing_older_than_tls_1_2_is_spoken_even_where_1_2_is_allowed(place: Place, version: str) -> None:
    place.make(NAMES, NOW)
    openssl = shutil.which("openssl")
    assert openssl is not None
    async with served(place, "1.2") as port:
        command = [openssl, "s_client", "-connect", f"127.0.0.1:{port}", version, "-cipher", "ALL:@SECLEVEL=0"]
        done = await asyncio.to_thread(subprocess.run, command, input=b"", capture_output=True, timeout=20, check=False)
    assert done.returncode != 0
    assert b"BEGIN CERTIFICATE" not in done.stdout


async def test_plain_words_to_a_tls_server_get_no_answer_and_do_not_hold_it_up(place: Place) -> None:
    made = place.make(NAMES, NOW)
    async with served(place) as port:

        def plain() -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
                line.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                return line.recv(4096)

        assert b"HTTP" not in await asyncio.to_thread(plain)
        silent = socket.create_connection(("127.0.0.1", port))
        assert (await asyncio.to_thread(fetch, port, trusting(made.authority)))[0] == "TLSv1.3"
        silent.close()
