"""Terms: documents and questions agree on words and figures however they are written."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from appliance.retrieval.terms import column, content_terms, exact_column, near, number_key, stem, terms


@pytest.mark.parametrize(
    ("one", "other"),
    [("1,5", "1.5"), ("10,000", "10000"), ("1.50", "1.5"), ("1,250,000", "1250000"), ("4,50", "4.5"), ("2.0", "2")],
)
def test_two_spellings_of_a_figure_share_a_key(one: str, other: str) -> None:
    assert number_key(one) == number_key(other)


@given(st.integers(0, 9999), st.integers(0, 99))
def test_a_decimal_comma_is_a_decimal_point(whole: int, part: int) -> None:
    assert number_key(f"{whole},{part:02}") == number_key(f"{whole}.{part:02}")


@given(st.integers(1000, 10**9))
def test_grouped_thousands_are_the_same_number(number: int) -> None:
    assert number_key(f"{number:,}") == number_key(str(number)) == str(number)


@given(st.integers(0, 99_999), st.integers(0, 99_999))
def test_different_whole_numbers_never_share_a_key(one: int, other: int) -> None:
    assume(one != other)
    assert number_key(str(one)) != number_key(str(other))


@given(st.decimals(0, 999, places=2), st.decimals(0, 999, places=2))
def test_decimals_share_a_key_exactly_when_they_are_equal(one: object, other: object) -> None:
    assert (number_key(str(one)) == number_key(str(other))) == (one == other)


def test_a_unit_glued_to_its_figure_stands_apart_from_it() -> None:
    glued, apart = column("tighten to 47Nm"), column("tighten to 47 Nm")
    assert glued == apart
    assert "47" in glued.split()


def test_words_are_folded_and_stemmed() -> None:
    assert stem("Tightening") == stem("tightened") == stem("tighten")
    assert stem("Ventilgehäuse") == stem("ventilgehause")
    assert stem("pump's") == stem("pump")


def test_a_compound_is_found_by_its_parts_and_joined() -> None:
    assert {"lock", "out", "lockout"} <= {term.key for term in terms("lock-out")}


@pytest.mark.parametrize(
    ("apart", "joined"),
    [("lock out the pump", "lock-out"), ("changing over to cans", "changeover"), ("before starting up", "start-up")],
)
def test_a_verb_written_apart_is_found_where_it_is_one_word(apart: str, joined: str) -> None:
    assert stem(joined.replace("-", "")) in {term.key for term in terms(apart)}


def test_stop_words_carry_no_content() -> None:
    assert [term.key for term in content_terms("what is the torque of the bolt")] == [stem("torque"), stem("bolt")]


def test_identifiers_stand_in_the_exact_column_alone() -> None:
    text = "Alarm E-0417 of P-101A at 4,5 bar"
    assert exact_column(text).split() == ["e0417", "p101a"]
    assert {"4.5", stem("alarm"), "bar"} <= set(column(text).split())
    assert not {"e0417", "p101a"} & set(column(text).split())


@given(st.text(max_size=200))
def test_any_text_gives_terms_in_order_and_within_it(text: str) -> None:
    found = terms(text)
    assert [term.start for term in found] == sorted(term.start for term in found)
    assert all(0 <= term.start < term.end <= len(text) for term in found)


@given(st.text("abcdefghij", min_size=4, max_size=10), st.data())
def test_one_slip_of_the_finger_is_near(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    assert near(word, word[:at] + word[at + 1 :])
    assert near(word, word[:at] + "x" + word[at:])


@given(st.text("abcdefghij", max_size=9), st.text("abcdefghij", max_size=9))
def test_nearness_goes_both_ways(one: str, other: str) -> None:
    assert near(one, other) == near(other, one)
    assert near(one, one)


def test_short_words_with_another_letter_are_other_words() -> None:
    assert not near("weld", "well")
    assert near("bearing", "bearinf")
    assert near("valve", "vavle")
