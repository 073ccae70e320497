"""Personal data is found by form and check digits; what a plant is about stays as it is."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.guard import find, redact
from appliance.guard.checks import card, iban, luhn, ssn
from appliance.guard.pii import patterns
from tests.guard.plant_things import SENTENCES, things


def kinds(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in find(text)]


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("Write to nora.north@plant.example by noon.", "EMAIL_ADDRESS", "nora.north@plant.example"),
        ("Card 4111 1111 1111 1111 was charged.", "CREDIT_CARD", "4111 1111 1111 1111"),
        ("Paid with 378282246310005.", "CREDIT_CARD", "378282246310005"),
        ("To DE89 3704 0044 0532 0130 00 please", "IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
        ("to gb82west12345698765432 please", "IBAN_CODE", "gb82west12345698765432"),
        ("SSN 536-90-4399 on file", "US_SSN", "536-90-4399"),
        ("from 192.168.17.4 at night", "IP_ADDRESS", "192.168.17.4"),
        ("from 2001:db8:85a3::8a2e:370:7334 at night", "IP_ADDRESS", "2001:db8:85a3::8a2e:370:7334"),
        ("Ring +420 602 123 456 now", "PHONE_NUMBER", "+420 602 123 456"),
        ("(602) 272-9781 is hers", "PHONE_NUMBER", "(602) 272-9781"),
        ("tel. 0231 55 66 77", "PHONE_NUMBER", "0231 55 66 77"),
        ("http://intranet.example/people?id=7.", "URL", "http://intranet.example/people?id=7"),
        ("Employee ID: E-104477", "EMPLOYEE_ID", "E-104477"),
        ("badge no. 55231 was used", "EMPLOYEE_ID", "55231"),
        ("Mr. Jan Novák closed the valve", "PERSON", "Jan Novák"),
        ("Reported by: Nora North", "PERSON", "Nora North"),
        ("born on 3 May 1981", "DATE_OF_BIRTH", "3 May 1981"),
        ("passport no. C01X00T47 1234567", "PASSPORT", ""),
        ("password = hunter2!x", "SECRET", "hunter2!x"),
        ("Authorization: Bearer abcdefghijklmnop1234", "SECRET", "abcdefghijklmnop1234"),
        ("postgresql://outpost:s3cret@db/x", "SECRET", "s3cret"),
        ("key AKIAIOSFODNN7EXAMPLE", "SECRET", "AKIAIOSFODNN7EXAMPLE"),
    ],
)
def test_what_is_personal_or_secret_is_found(text: str, kind: str, found: str) -> None:
    if not found:
        assert kind not in dict(kinds(text))
        return
    assert (kind, found) in kinds(text)


def test_a_private_key_is_a_secret_whole() -> None:
    text = "before -----BEGIN EC PRIVATE KEY-----\nMHcCAQ==\n-----END EC PRIVATE KEY----- after"

    assert redact(text, find(text)) == "before [SECRET] after"


@pytest.mark.parametrize("sentence", SENTENCES)
def test_of_five_hundred_things_of_plants_none_is_lost(sentence: str) -> None:
    lost = [(thing, kinds(sentence.format(thing))) for thing in things() if kinds(sentence.format(thing))]

    assert lost == []


@pytest.mark.parametrize(
    "text",
    [
        "Call the shift leader when E-0417 comes.", "Card reader 4111 1111 1111 1112 is faulty.", "666-12-3456", "000-12-3456",
        "The contact of relay 230-24-10 is worn.", "Dr. 4 is stuck.", "12:30:45", "At 10.20.30 the line stood.",
        "Serial 4111111111111111 is the seal's.", "IBAN-like XX89 3704 0044", "Pump 1.2.3.4.5 of the tree", "+20 to +40 °C",
        "The password is asked for at the panel.", "the secret is out",
    ],
)  # fmt: skip
def test_what_only_looks_so_is_left(text: str) -> None:
    assert kinds(text) == []


@given(st.text(max_size=400))
def test_findings_are_apart_and_in_order_and_redacting_again_changes_nothing(text: str) -> None:
    found = find(text)

    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(one.end <= two.start for one, two in pairwise(found))
    once = redact(text, found)
    assert redact(once, find(once)) == once


HOSTILE = ("1 " * 50_000, "1-" * 50_000, "(1)" * 33_000, "a@" * 50_000, "a." * 50_000 + "@", "http://" * 14_000, "password=" * 11_000,
           "+1 " * 33_000, "::" * 50_000, "Mr. A" * 20_000, "AA11 " * 20_000, "-----BEGIN PRIVATE KEY-----" * 3_700, "e" + "yJ" * 50_000,
           "x://" + "a" * 100_000, "Name: " + "Ab " * 33_000)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_no_text_takes_a_pattern_long(text: str) -> None:
    began = time.process_time()
    find(text[:20_000])
    short = time.process_time() - began
    began = time.process_time()
    find(text[:80_000])

    # Four times the text, not sixteen times the work; what is too quick to be measured is quick enough.
    assert time.process_time() - began < max(10 * short, 0.5)


def test_check_digits() -> None:
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert card("4111 1111 1111 1111")
    assert not card("0000 0000 0000 0000")
    assert iban("GB82 WEST 1234 5698 7654 32")
    assert not iban("GB82 WEST 1234 5698 7654 33")
    assert ssn("536-90-4399")
    assert not ssn("900-12-3456")


def test_every_kind_is_named_once_and_every_pattern_compiles() -> None:
    assert {one.kind for one in patterns()} >= {
        "EMAIL_ADDRESS",
        "CREDIT_CARD",
        "IBAN_CODE",
        "US_SSN",
        "IP_ADDRESS",
        "PHONE_NUMBER",
    }
