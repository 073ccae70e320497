"""Figures with their units, however a plant writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.answers.quantities import dimensions, figures, measures

UNITS = {
    "Nm": "torque", "bar": "pressure", "°C": "temperature", "L/min": "flow", "rpm": "speed", "mm": "length", "kg": "mass",
    "kW": "power", "Hz": "frequency", "%": "share", "V": "electric", "A": "current", "h": "time", "mm/s": "speed",
    "dB(A)": "sound", "cSt": "viscosity", "kN": "force",
}  # fmt: skip


@given(
    st.sampled_from(sorted(UNITS)),
    st.integers(0, 9999),
    st.integers(1, 9),
    st.sampled_from(".,"),
    st.sampled_from(["", " "]),
)
def test_a_figure_with_its_unit_is_read_with_comma_or_point(
    unit: str, whole: int, part: int, mark: str, gap: str
) -> None:
    text = f"Set it to {whole}{mark}{part}{gap}{unit} and wait"
    (found,) = measures(text)
    assert found.numbers == (f"{whole}.{part}",)
    assert found.dimension == UNITS[unit]
    assert text[found.start : found.end] == f"{whole}{mark}{part}{gap}{unit}"


@pytest.mark.parametrize(
    ("text", "numbers", "dimension"),
    [
        ("40 to 50 °C", ("40", "50"), "temperature"),
        ("4,5 bar", ("4.5",), "pressure"),
        ("every 2,000 h", ("2000",), "time"),
        ("47 Nm", ("47",), "torque"),
        ("5–6 bar", ("5", "6"), "pressure"),
        ("-18 °C", ("18",), "temperature"),
        ("pH 7 to 8", ("7", "8"), "acidity"),
        ("ten minutes", ("10",), "time"),
        ("weekly", (), "time"),
        ("every shift", (), "time"),
    ],
)
def test_figures_of_a_plant_are_read(text: str, numbers: tuple[str, ...], dimension: str) -> None:
    assert [(item.numbers, item.dimension) for item in measures(text)] == [(numbers, dimension)]


@pytest.mark.parametrize("text", ["P-101A", "E-0417", "no figure here", "Nm", "M12x1.75"])
def test_identifiers_and_bare_units_are_no_measures(text: str) -> None:
    assert measures(text) == ()


def test_a_bare_figure_counts_and_a_measured_one_is_not_counted_twice() -> None:
    assert [(item.numbers, item.dimension) for item in figures("4 bolts with 47 Nm")] == [
        (("4",), "count"), (("47",), "torque"),
    ]  # fmt: skip


def test_a_row_tells_all_that_it_measures() -> None:
    assert dimensions("Bolt: M12 | Torque: 47 Nm | Length: 80 mm | Pressure: 4 bar") == {"torque", "length", "pressure"}


@given(st.text(max_size=200))
def test_any_text_is_read_within_its_ends(text: str) -> None:
    found = figures(text)
    assert [item.start for item in found] == sorted(item.start for item in found)
    assert all(0 <= item.start < item.end <= len(text) for item in found)
