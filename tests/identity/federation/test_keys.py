"""Keys: out of a set, from a file that changes, from an issuer that comes and goes."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from appliance.identity.federation import jwks
from appliance.identity.federation.errors import BadKeys, ProviderUnreachable
from appliance.identity.federation.keys import IssuerKeys, KeyFile
from appliance.identity.federation.reach import Reach
from tests.identity.federation.company import ISSUER, Issuer, write_keys
from tests.identity.federation.idp import Idp, running
from tests.identity.site import HandClock, base64url

ONE = Issuer()
TWO = Issuer.other(ISSUER, "key-2")
CURVE = Issuer.curve()


def document(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"keys": list(rows)}).encode()


def labels(found: tuple[jwks.PublicKey, ...]) -> list[str | None]:
    return [key.kid for key in found]


# --- Out of a set -----------------------------------------------------------------------------------------------------


def test_a_key_is_for_one_algorithm() -> None:
    found = jwks.read(document(ONE.public(), TWO.public(alg="PS256"), CURVE.public()))

    assert [(key.kid, key.algorithm) for key in found] == [("key-1", "RS256"), ("key-2", "PS256"), ("curve", "ES256")]


def test_keys_for_other_things_are_passed_over() -> None:
    others = [
        ONE.public(kid="a", use="enc"), ONE.public(kid="b", alg="RS512"), ONE.public(kid="c", alg="RSA-OAEP"),
        {"kty": "OKP", "crv": "Ed25519", "kid": "d", "x": "AAAA"}, CURVE.public(kid="e", crv="P-384"), {"kty": ["RSA"]},
    ]  # fmt: skip

    assert labels(jwks.read(document(*others, ONE.public()))) == ["key-1"]


@pytest.mark.parametrize(
    "text",
    [
        b"", b"null", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [1]}', b'{"keys": [{"kty": "RSA"}]}',
        b"\xff\xfe", b"[" * 5000, b'{"keys": ' + b" " * 2**20 + b"[]}",
        document({**ONE.public(), "n": "!!"}), document({**ONE.public(), "kid": 7}), document({**ONE.public(), "iss": []}),
        document({**CURVE.public(), "x": base64url(b"\1" * 32)}),
        document(ONE.public(), ONE.public()),
        document(*[ONE.public(kid=str(number)) for number in range(201)]),
        document({"kty": "RSA", "n": base64url(rsa.generate_private_key(65537, 1024).public_key().public_numbers().n.to_bytes(128)), "e": "AQAB"}),
    ],
    ids=range(18),
)  # fmt: skip
def test_what_is_no_set_of_keys_is_refused(text: bytes) -> None:
    with pytest.raises(BadKeys):
        jwks.read(text)


def test_a_set_that_shows_a_secret_is_refused_whole() -> None:
    with pytest.raises(BadKeys, match="secret"):
        jwks.read(document(TWO.public(), ONE.key.as_dict(private=True)))
    with pytest.raises(BadKeys, match="secret"):
        jwks.read(document(TWO.public(), {"kty": "oct", "k": "AAAA", "kid": "shared"}))


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.text(max_size=6) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["keys", "kty", "n", "e", "x", "y", "crv", "kid", "iss"]), inner, max_size=5
            )
        ),
    ).map(lambda found: json.dumps(found).encode())
)
def test_any_bytes_are_a_set_or_refused(raw: bytes) -> None:
    with contextlib.suppress(BadKeys):
        assert jwks.read(raw)


def test_a_key_that_names_an_issuer_is_that_issuers_alone() -> None:
    named = jwks.read(document(ONE.public(iss=ISSUER), TWO.public()))

    assert labels(jwks.of_issuer(named, ISSUER, only=False)) == ["key-1"]
    assert labels(jwks.of_issuer(named, ISSUER, only=True)) == ["key-1", "key-2"]
    assert labels(jwks.of_issuer(named, "https://other/", only=True)) == ["key-2"]


def test_what_an_issuer_says_of_its_keys_issuer_counts_for_nothing() -> None:
    (found,) = jwks.read(document(ONE.public(iss="https://other/")), issuer=ISSUER)

    assert found.issuer == ISSUER


# --- From a file ------------------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jwks.json"


def test_the_file_is_read_again_when_it_changes(path: Path, clock: HandClock) -> None:
    write_keys(path, ONE)
    file = KeyFile(path, monotonic=clock.seconds)
    assert labels(file.keys()) == ["key-1"]

    write_keys(path, TWO)
    clock.pass_(seconds=2)

    assert labels(file.keys()) == ["key-2"]
    assert file.problem is None


@pytest.mark.parametrize("broken", [b"", b"{", b'{"keys": []}', document(ONE.key.as_dict(private=True))], ids=range(4))
def test_a_broken_file_keeps_the_last_good_keys_and_says_so(path: Path, clock: HandClock, broken: bytes) -> None:
    write_keys(path, ONE)
    file = KeyFile(path, monotonic=clock.seconds)
    file.keys()

    path.write_bytes(broken)
    clock.pass_(seconds=2)
    assert labels(file.keys()) == ["key-1"]
    assert file.problem

    write_keys(path, TWO)
    clock.pass_(seconds=2)
    assert labels(file.keys()) == ["key-2"]
    assert file.problem is None


def test_a_file_that_is_gone_or_not_there_yet_says_so(path: Path, clock: HandClock) -> None:
    file = KeyFile(path, monotonic=clock.seconds)
    assert file.keys() == ()
    assert file.problem

    write_keys(path, ONE)
    clock.pass_(seconds=2)
    assert labels(file.keys()) == ["key-1"]
    path.unlink()
    clock.pass_(seconds=2)

    assert labels(file.keys()) == ["key-1"]
    assert file.problem


def test_a_file_that_is_moved_into_place_is_noticed_though_it_is_as_old_and_as_long(
    path: Path, clock: HandClock
) -> None:
    write_keys(path, ONE)
    file = KeyFile(path, monotonic=clock.seconds)
    file.keys()
    there = path.stat()
    fresh = path.with_suffix(".new")
    write_keys(fresh, Issuer.other(ISSUER, "key-3"))
    fresh.write_text(fresh.read_text().ljust(there.st_size))
    os.utime(fresh, ns=(there.st_atime_ns, there.st_mtime_ns))
    fresh.replace(path)
    clock.pass_(seconds=2)

    assert labels(file.keys()) == ["key-3"]


def test_a_pipe_or_a_directory_in_its_place_is_no_file(tmp_path: Path, clock: HandClock) -> None:
    file = KeyFile(tmp_path, monotonic=clock.seconds)

    assert file.keys() == ()
    assert file.problem


# --- From an issuer ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def idp() -> Iterator[Idp]:
    with running() as idp:
        yield idp


async def test_keys_of_an_issuer_are_kept_for_an_hour_through_its_outage_and_then_for_a_day(clock: HandClock) -> None:
    idp = Idp()
    idp.start()
    keys = IssuerKeys(Reach([idp.host]), monotonic=clock.seconds)
    try:
        before = labels(await keys.keys(idp.url))
        assert len(before) == 1
        idp.stop()
        for hours in (0.7, 0.2, 0.2, 12):
            clock.pass_(hours=hours)
            assert labels(await keys.keys(idp.url)) == before
        clock.pass_(hours=12)

        assert await keys.keys(idp.url) == ()
    finally:
        idp.stop()
        await keys.close()


async def test_new_keys_of_an_issuer_are_fetched_before_the_hour_is_over(clock: HandClock) -> None:
    idp = Idp()
    idp.start()
    keys = IssuerKeys(Reach([idp.host]), monotonic=clock.seconds)
    try:
        before = (await keys.keys(idp.url))[0].key.as_dict(private=False)
        idp.stop()
        idp.start()  # makes a new key
        clock.pass_(minutes=46)

        assert (await keys.keys(idp.url))[0].key.as_dict(private=False) == before
        await keys.settled()
        assert (await keys.keys(idp.url))[0].key.as_dict(private=False) != before
    finally:
        idp.stop()
        await keys.close()


async def test_an_unknown_label_asks_the_issuer_again_once_a_minute(idp: Idp, clock: HandClock) -> None:
    keys = IssuerKeys(Reach([idp.host]), monotonic=clock.seconds)
    asked: list[str] = []
    look = keys.look

    async def counted(issuer: str) -> Any:
        asked.append(issuer)
        return await look(issuer)

    keys.look = counted  # type: ignore[method-assign]
    for _ in range(10):
        await keys.keys(idp.url, missing=True)
    assert len(asked) == 1
    clock.pass_(seconds=61)
    await keys.keys(idp.url, missing=True)

    assert len(asked) == 2
    await keys.close()


async def test_whoever_clicks_a_link_cannot_make_the_box_ask_a_silent_issuer_again_and_again(clock: HandClock) -> None:
    keys = IssuerKeys(Reach(["127.0.0.1:1"]), monotonic=clock.seconds)
    asked: list[str] = []
    look = keys.look

    async def counted(issuer: str) -> Any:
        asked.append(issuer)
        return await look(issuer)

    keys.look = counted  # type: ignore[method-assign]
    for _ in range(10):
        with pytest.raises(ProviderUnreachable):
            await keys.metadata("http://127.0.0.1:1")

    assert len(asked) == 1


async def test_an_issuer_that_is_not_listed_is_never_asked(idp: Idp, clock: HandClock) -> None:
    keys = IssuerKeys(Reach([]), monotonic=clock.seconds)

    assert await keys.keys(idp.url) == ()
    assert not keys.reachable(idp.url)
