"""Behind a reverse proxy nobody passes for the box itself, for somebody else, or for who came over TLS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.edge import OWNER, Edge
from appliance.proxies import Proxies
from appliance.static import BuiltUi
from tests.api.test_crossing import asked
from tests.attacks.tally import attempt

PROXY, PERSON = ("127.0.0.1", 9), "10.1.2.3"
ADDRESSES = st.ip_addresses().map(str)


@pytest.fixture
def ui(tmp_path: Path) -> BuiltUi:
    (tmp_path / "index.html").touch()
    return BuiltUi(tmp_path)


def seen_through(proxies: Proxies, client: tuple[str, int], **headers: str) -> tuple[str, str]:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: Any = {"type": "http", "headers": pairs, "scheme": "http", "client": client}
    proxies.reveal(scope)
    return scope["client"][0], scope["scheme"]


@pytest.mark.parametrize(
    "headers",
    [
        {"x_forwarded_for": PERSON},
        {"x_forwarded_for": f"127.0.0.1, {PERSON}"},
        {"x_forwarded_for": "nonsense"},
        {"x_real_ip": PERSON},
        {"forwarded": f"for={PERSON}"},
        {"via": "1.1 proxy"},
    ],
)
@pytest.mark.parametrize("trusted", [(), ("127.0.0.1",)])
async def test_metrics_are_not_read_through_a_proxy(
    ui: BuiltUi, headers: dict[str, Any], trusted: tuple[str, ...]
) -> None:
    async def never(*_: Any) -> None:
        raise AssertionError

    with attempt():
        assert (await asked(Edge(never, ui, proxies=trusted), path="/metrics", client=PROXY, **headers)).status == 401


@pytest.mark.parametrize(
    ("peer", "hops", "asker"),
    [
        ("127.0.0.1", PERSON, PERSON),
        ("127.0.0.1", f"127.0.0.1, {PERSON}", PERSON),
        ("127.0.0.1", f"6.6.6.6, {PERSON}, 10.7.0.4", PERSON),
        ("127.0.0.1", f"{PERSON}, nonsense", "127.0.0.1"),
        ("127.0.0.1", f"{PERSON}:4711", PERSON),
        ("127.0.0.1", "[2001:db8::7]:443", "2001:db8::7"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("10.9.9.9", "127.0.0.1", "10.9.9.9"),
    ],
)
def test_a_person_is_who_the_last_trusted_proxy_heard(peer: str, hops: str, asker: str) -> None:
    with attempt():
        found = seen_through(Proxies(["127.0.0.1", "10.7.0.0/24"]), (peer, 9), x_forwarded_for=hops)
        assert found == (asker, "http")


@given(claimed=st.lists(ADDRESSES, max_size=4), really=ADDRESSES.filter(lambda one: not one.startswith("127.")))
def test_whatever_somebody_claims_of_themselves_their_address_counts(claimed: list[str], really: str) -> None:
    hops = ", ".join([*claimed, really])

    assert seen_through(Proxies(["127.0.0.1"]), PROXY, x_forwarded_for=hops)[0] == really


def test_only_a_trusted_proxy_says_that_a_line_is_encrypted() -> None:
    said = {"x_forwarded_for": PERSON, "x_forwarded_proto": "https"}
    with attempt():
        assert seen_through(Proxies(), PROXY, **said) == ("127.0.0.1", "http")
        assert seen_through(Proxies(["127.0.0.1"]), (PERSON, 9), **said) == (PERSON, "http")
        forged = said | {"x_forwarded_proto": "https, http"}
        assert seen_through(Proxies(["127.0.0.1"]), PROXY, **forged) == (PERSON, "http")
    assert seen_through(Proxies(["127.0.0.1"]), PROXY, **said) == (PERSON, "https")


async def test_the_owners_door_believes_no_header(ui: BuiltUi) -> None:
    async def shown(scope: Any, _receive: Any, send: Any) -> None:
        assert scope["client"] == PROXY
        assert scope[OWNER]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    edge = Edge(shown, ui, proxies=["127.0.0.1"])
    with attempt():
        assert (await asked(edge, client=PROXY, owner=True, x_forwarded_for=PERSON)).status == 200


async def test_who_comes_over_tls_by_a_proxy_is_told_to_stay_with_it(ui: BuiltUi) -> None:
    async def fine(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    said: dict[str, Any] = {"x_forwarded_for": PERSON, "x_forwarded_proto": "https"}
    trusted = await asked(Edge(fine, ui, proxies=["127.0.0.1"]), client=PROXY, **said)
    assert "strict-transport-security" in trusted.headers
    assert "strict-transport-security" not in (await asked(Edge(fine, ui), client=PROXY, **said)).headers
