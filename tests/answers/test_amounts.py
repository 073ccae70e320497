"""Equal amounts have equal keys, others never."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.answers.amounts import amounts


def key(text: str) -> str:
    (found,) = amounts(text)
    return found.key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("4.5 bar", "4,5 bar(g)"),
        ("4.5 bar", "0.45 MPa"),
        ("5 to 30 °C", "5–30 degC"),
        ("5 to 30 °C", "5 °C to 30 °C"),
        ("between 4.8 and 5.4 bar", "4.8 to 5.4 bar"),
        ("2 h", "120 minutes"),
        ("3 litres", "3 L"),
        ("12 percent", "12 %"),
        ("10,000 h", "10000 hours"),
        ("daily", "every day"),
        ("weekly", "once a week"),
        ("per shift", "once per shift"),
        ("two bolts", "2 bolts"),
        ("1.50 mm", "1,5 mm"),
        ("10-15 mm", "10 to 15 mm"),
        ("pH 7.5 to 8", "pH of 7.5–8"),
    ],
)
def test_one_amount_in_two_spellings(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("4.5 bar", "4.5 bara"),
        ("4.5 bar", "4.5 mbar"),
        ("5 to 30 °C", "5 to 35 °C"),
        ("5 to 30 °C", "30 °C"),
        ("12 or 15 bar", "12 to 15 bar"),
        ("-5 °C", "5 °C"),
        ("±2 mm", "2 mm"),
        ("55 kW", "55 W"),
        ("10 °C", "10 K"),
        ("daily", "weekly"),
        ("twice a day", "daily"),
        ("10.5 mm", "105 mm"),
        ("1,000 h", "1.5 h"),
        ("14 Nm", "14"),
        ("150 mg", "150 mg/kg"),
        ("1.2 g/cm³", "1.2 g"),
    ],
)
def test_two_amounts_that_look_alike(one: str, other: str) -> None:
    assert key(one) != key(other)


@given(st.integers(1, 10**6), st.integers(0, 999))
def test_bar_and_kilopascal_agree_exactly(whole: int, thousandths: int) -> None:
    bar = Fraction(whole) + Fraction(thousandths, 1000)
    kilopascal = bar * 100
    text = f"{kilopascal.numerator // kilopascal.denominator}.{int(kilopascal * 10) % 10}"
    assert key(f"{whole}.{thousandths:03d} bar") == key(f"{text} kPa")


@given(st.text(max_size=200))
def test_amounts_stand_where_they_say_and_never_overlap(text: str) -> None:
    found = amounts(text)
    assert all(0 <= item.start < item.end <= len(text) for item in found)
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_dates_and_times_of_day_are_one_figure() -> None:
    assert [item.key for item in amounts("At 09:50 on 2025-02-18")] == ["at 9:50", "at 2025-02-18"]
