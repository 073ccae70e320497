"""Identifiers: one key for all spellings of one thing, never one key for two things."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from appliance.retrieval.identifiers import family, fold, identifiers, key_of, sisters, spoken, variants
from appliance.retrieval.terms import terms

PREFIXES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=3)
NUMBERS = st.integers(100, 9999).map(str)
LETTERS = st.sampled_from(["", *"ABCDEF"])


def keys(text: str) -> list[str]:
    return [item.key for item in identifiers(text)]


@pytest.mark.parametrize("written", ["P-101A", "p-101a", "p101a", "P101A", "P 101A", "P–101A", "P‑101A", "P_101A"])
def test_every_spelling_of_a_pump_is_the_same_pump(written: str) -> None:
    assert keys(f"torque of {written} please") == ["p101a"]
    assert key_of(written) == "p101a"


@pytest.mark.parametrize("written", ["E-0417", "e-0417", "E0417", "E 0417"])
def test_every_spelling_of_an_alarm_is_the_same_alarm(written: str) -> None:
    found = identifiers(f"alarm {written} came up")
    assert [(item.key, item.kind) for item in found] == [("e0417", "code")]


@pytest.mark.parametrize("written", ["M12x1.75", "M12x1,75", "m12x1.75", "M12×1.75", "M12×1,75"])
def test_a_thread_keeps_its_pitch_and_is_also_its_diameter(written: str) -> None:
    found = identifiers(f"bolt {written} tightened")
    assert {(item.key, item.kind) for item in found} == {("m12x1.75", "thread"), ("m12", "thread")}


@pytest.mark.parametrize(
    ("written", "kind"),
    [("FT 2031", "asset"), ("10-P-101A", "asset"), ("M12", "thread"), ("G1/2", "thread"), ("4711-0032", "part"),
     ("6205-2RS", "part"), ("DN50", "size"), ("PN16", "size"), ("IP65", "size"), ("alarm F07", "code")],
)  # fmt: skip
def test_the_kinds_of_the_module_are_recognised(written: str, kind: str) -> None:
    found = identifiers(written)
    assert [item.kind for item in found] == [kind]


@pytest.mark.parametrize(
    "text", ["in 2010", "47 Nm", "12 bar", "2025-02-18", "step 4", "on 14", "24-hour shift", "CO2"]
)
def test_figures_dates_and_words_are_no_identifiers(text: str) -> None:
    assert identifiers(text) == ()


@pytest.mark.parametrize(
    ("written", "both"),
    [
        ("P-101A/B", ["p101a", "p101b"]),
        ("P-101/102", ["p101", "p102"]),
        ("P-101 A and B", ["p101", "p101a", "p101b"]),
    ],
)
def test_two_machines_written_together_are_two(written: str, both: list[str]) -> None:
    assert sorted(keys(written)) == both


def test_an_identifier_is_one_term_and_never_its_parts() -> None:
    found = terms("Casing of P-101A with M12x1.75 after E-0417")
    assert [term.key for term in found if term.kind == "identifier"] == ["p101a", "m12", "m12x1.75", "e0417"]
    assert not {"p", "101", "101a", "12", "1.75", "0417", "417"} & {term.key for term in found}


@given(PREFIXES, NUMBERS, LETTERS, LETTERS)
def test_two_machines_of_different_letters_never_share_a_key(prefix: str, number: str, one: str, other: str) -> None:
    assume(one != other)
    first, second = f"{prefix}-{number}{one}", f"{prefix}-{number}{other}"
    assert key_of(first) != key_of(second)
    assert not set(keys(first)) & set(keys(second))


@given(PREFIXES, NUMBERS, LETTERS, PREFIXES, NUMBERS, LETTERS)
def test_keys_agree_exactly_when_the_tags_do(p: str, n: str, s: str, q: str, m: str, t: str) -> None:
    assert (key_of(f"{p}-{n}{s}") == key_of(f"{q}-{m}{t}")) == ((p, n, s) == (q, m, t))


@given(PREFIXES, NUMBERS, LETTERS, st.sampled_from(["", "-", " ", "_", "–", "\u00a0"]), st.booleans())
def test_case_and_separator_do_not_change_a_key(prefix: str, number: str, suffix: str, glue: str, low: bool) -> None:
    written = prefix + glue + number + suffix
    assert key_of(written.lower() if low else written) == key_of(f"{prefix}-{number}{suffix}")


@given(st.text(max_size=120))
def test_reading_any_text_keeps_its_places(text: str) -> None:
    assert len(fold(text)) == len(text)
    for item in identifiers(text):
        assert 0 <= item.start < item.end <= len(text)
        assert item.key
        assert not item.key.isspace()


@given(PREFIXES, NUMBERS, st.sampled_from("ABCDEF"), st.sampled_from("ABCDEF"))
def test_sisters_are_of_one_family_and_are_not_themselves(p: str, n: str, one: str, other: str) -> None:
    first, second = key_of(f"{p}-{n}{one}"), key_of(f"{p}-{n}{other}")
    assert family(first) == family(second)
    assert sisters(first, second) == sisters(second, first) == (one != other)


def test_machines_of_other_numbers_are_no_sisters() -> None:
    assert not sisters("p101a", "p102a")
    assert not sisters("p101a", "t101a")
    assert sisters("p101", "p101a")


def test_a_code_without_its_zeros_is_a_variant_but_another_number_is_not() -> None:
    assert "e0417" in variants("e417")
    assert "e417" in variants("e0417")
    assert "e4170" not in variants("e417")
    assert "p101b" not in variants("p101a")


def test_a_carelessly_typed_tag_counts_only_where_the_plant_has_it() -> None:
    known = frozenset({"p101a", "fil02"})
    assert [item.key for item in spoken("seal of p 101 a", known)] == ["p101a"]
    assert [item.key for item in spoken("filter fil 2", known)] == ["fil02"]
    assert spoken("seal of p 101 b", known) == ()
