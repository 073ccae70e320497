"""Certificates that the node makes, and those that it takes from the plant."""

from __future__ import annotations

import datetime as dt
import ipaddress
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from appliance.settings import has_certificate
from appliance.tls import certificates as rules
from appliance.tls.errors import BadName, CertificateDamaged, CertificateRefused, NoCertificate
from appliance.tls.place import Place
from appliance.tls.standing import standing
from tests.tls.plant_authority import NOW, PlantAuthority

NAMES = rules.names_of(["node.plant.example", "10.1.2.3", "localhost", "127.0.0.1", "::1"])
DAY = dt.timedelta(days=1)


def test_an_own_certificate_holds_for_every_name_that_was_asked_for(place: Place) -> None:
    made = place.make(NAMES, NOW)

    rules.check(made.chain, made.authority, NAMES, NOW)
    assert rules.names_in(made.leaf) == NAMES
    assert made.own
    assert (made.leaf.not_valid_after_utc - made.leaf.not_valid_before_utc).days <= 397
    assert place.served() == made


def test_an_authority_vouches_for_its_plant_and_for_nobody_else_in_the_world(place: Place) -> None:
    authority = rules.make_authority("plant", NAMES, NOW)
    for word in ("bank.example", "93.184.216.34"):
        forged = rules.make_leaf(authority, rules.names_of([word]), NOW)
        with pytest.raises(CertificateRefused):
            rules.check([forged.certificate], authority.certificate, rules.names_of([word]), NOW)
    place.make(NAMES, NOW)
    with pytest.raises(CertificateRefused):
        place.make(rules.names_of(["bank.example"]), NOW)
    assert rules.names_in(place.served().leaf) == NAMES


def test_a_second_leaf_comes_from_the_authority_that_kiosks_trust_already(place: Place) -> None:
    first = place.make(NAMES, NOW)
    second = place.make(rules.names_of(["node.plant.example", "10.9.9.9"]), NOW)
    third = place.make(NAMES, NOW, anew=True)

    assert second.authority == first.authority
    assert second.key != first.key
    assert third.authority != first.authority


def test_a_leaf_is_renewed_two_months_before_its_end_and_not_earlier(place: Place) -> None:
    made = place.make(NAMES, NOW)
    end = made.leaf.not_valid_after_utc

    assert place.renew(end - 61 * DAY) is None
    renewed = place.renew(end - 59 * DAY)

    assert renewed is not None
    assert renewed.authority == made.authority
    assert rules.names_in(renewed.leaf) == NAMES
    assert renewed.leaf.not_valid_after_utc > end
    assert place.served() == renewed


def test_a_leaf_that_has_run_out_while_the_node_was_off_is_renewed_at_the_next_start(place: Place) -> None:
    made = place.make(NAMES, NOW)

    assert place.renew(made.leaf.not_valid_after_utc + 100 * DAY) is not None


def test_a_leaf_that_was_made_by_a_clock_that_ran_ahead_is_made_anew(place: Place) -> None:
    place.make(NAMES, NOW)
    ahead = place.make(NAMES, NOW + 1000 * DAY)

    assert standing(ahead, NOW).state == "bad"
    renewed = place.renew(NOW)
    assert renewed is not None
    assert standing(renewed, NOW).state == "ok"
    assert place.renew(NOW) is None


def test_what_ends_first_is_the_end_also_where_it_is_the_authority(place: Place) -> None:
    made = place.make(NAMES, NOW)
    late = made.authority.not_valid_after_utc - 10 * DAY
    renewed = place.renew(late)

    assert renewed is not None
    assert standing(renewed, late).state == "note"
    with pytest.raises(CertificateRefused):
        place.renew(late + 390 * DAY)
    assert standing(place.served(), late + 20 * DAY).state == "bad"


@pytest.mark.parametrize(
    ("key", "taken"),
    [
        (lambda: ec.generate_private_key(ec.SECP384R1()), True),
        (ed25519.Ed25519PrivateKey.generate, True),
        (lambda: rsa.generate_private_key(65537, 2048), True),
        (lambda: ec.generate_private_key(ec.SECP521R1()), False),
        (lambda: ec.generate_private_key(ec.SECP256K1()), False),
        (lambda: rsa.generate_private_key(65537, 1024), False),
        (ed448.Ed448PrivateKey.generate, False),
    ],
    ids=["P-384", "Ed25519", "RSA 2048", "P-521", "secp256k1", "RSA 1024", "Ed448"],
)
def test_a_key_that_would_end_the_server_is_refused_before_it_is_served(key: Callable[[], object], taken: bool) -> None:
    if taken:
        rules.check_key(key())
    else:
        with pytest.raises(CertificateRefused, match="kind of key"):
            rules.check_key(key())


@pytest.mark.parametrize(("days", "state"), [(31, "ok"), (29, "note"), (0.5, "note"), (-1, "bad"), (500, "bad")])
def test_how_a_certificate_stands_follows_from_the_days_left(place: Place, days: float, state: str) -> None:
    made = place.make(NAMES, NOW)

    assert standing(made, made.leaf.not_valid_after_utc - days * DAY).state == state


def test_a_certificate_of_the_plant_is_taken_with_its_chain(
    place: Place, plant_authority: PlantAuthority, tmp_path: Path
) -> None:
    files = plant_authority.issue(tmp_path)
    taken = place.take(*files.read(), rules.names_of(["127.0.0.1"]), NOW)

    assert not taken.own
    assert len(taken.chain) == 2
    assert taken.authority == plant_authority.root
    assert place.renew(taken.leaf.not_valid_after_utc) is None
    assert place.served() == taken


def test_a_certificate_for_all_hosts_of_a_domain_is_taken(
    place: Place, plant_authority: PlantAuthority, tmp_path: Path
) -> None:
    files = plant_authority.issue(tmp_path, hosts=["*.plant.example"], addresses=[])

    assert place.take(*files.read(), rules.names_of(["node.plant.example"]), NOW)
    assert place.take(*files.read(), rules.names_of([]), NOW)
    with pytest.raises(CertificateRefused):
        place.take(*files.read(), rules.names_of(["node.other.example"]), NOW)


@pytest.mark.parametrize(
    ("wanted", "begins", "days"),
    [
        (["10.0.0.9"], NOW, 90),
        (["other.plant.example"], NOW, 90),
        (["127.0.0.1"], NOW - 100 * DAY, 90),
        (["127.0.0.1"], NOW + 10 * DAY, 90),
    ],
    ids=["another address", "another name", "out of date", "not yet valid"],
)
def test_a_certificate_that_does_not_fit_is_refused_and_the_one_before_stays(
    place: Place, plant_authority: PlantAuthority, tmp_path: Path, wanted: list[str], begins: dt.datetime, days: int
) -> None:
    before = place.make(NAMES, NOW)
    files = plant_authority.issue(tmp_path, begins=begins, days=days)

    with pytest.raises(CertificateRefused):
        place.take(*files.read(), rules.names_of(wanted), NOW)
    assert place.served() == before


def test_a_certificate_without_any_name_is_refused(
    place: Place, plant_authority: PlantAuthority, tmp_path: Path
) -> None:
    files = plant_authority.issue(tmp_path, hosts=[], addresses=[])

    with pytest.raises(CertificateRefused, match="names no host"):
        place.take(*files.read(), rules.names_of([]), NOW)


def test_files_that_do_not_belong_together_are_refused(
    place: Place, plant_authority: PlantAuthority, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    chain, key, authority = plant_authority.issue(tmp_path).read()
    _, other_key, _ = plant_authority.issue(tmp_path / "other").read()
    leaf_alone = chain[: chain.index(b"-----END CERTIFICATE-----") + 26]
    stranger = rules.make_authority("other", NAMES, NOW).certificate
    nothing = rules.names_of([])

    for words in (
        (chain, other_key, authority),
        (leaf_alone, key, authority),
        (chain, key, rules.pem([stranger])),
        (chain, b"no key", authority),
        (b"", key, authority),
        (chain, key, b""),
    ):
        with pytest.raises(CertificateRefused):
            place.take(*words, nothing, NOW)
    with pytest.raises(NoCertificate):
        place.served()


def test_no_key_of_a_certificate_lies_on_the_disk_in_the_clear(
    place: Place, data: Path, plant_authority: PlantAuthority, tmp_path: Path
) -> None:
    place.make(NAMES, NOW)
    place.take(*plant_authority.issue(tmp_path).read(), rules.names_of([]), NOW)

    assert has_certificate(data)
    assert stat.S_IMODE((data / "tls").stat().st_mode) == 0o700
    for path in (data / "tls").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"PRIVATE" not in path.read_bytes()
        assert b"BEGIN" not in path.read_bytes()


def test_a_certificate_of_another_node_does_not_open(place: Place, data: Path) -> None:
    place.make(NAMES, NOW)

    with pytest.raises(CertificateDamaged):
        Place(data, bytes(32)).served()


def test_an_authority_whose_first_leaf_was_never_written_is_made_again(place: Place, data: Path) -> None:
    first = place.make(NAMES, NOW)
    (data / "tls" / "node.sealed").unlink()

    assert place.make(NAMES, NOW).authority != first.authority


@given(st.text(min_size=1, max_size=80))
def test_a_word_is_a_host_an_address_or_refused(word: str) -> None:
    try:
        names = rules.names_of([word])
    except BadName:
        return
    assert len(names.words()) == 1
    for host in names.hosts:
        assert x509.DNSName(host).value == host
        with pytest.raises(ValueError, match=r".*"):
            ipaddress.ip_address(host)
