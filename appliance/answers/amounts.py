"""Figures of a text in one spelling, so that equal amounts have equal keys: `4,5 bar` and `0.45 MPa`, `daily` and `every day`.

A key says everything: all numbers of a range and how they are joined, signs, and the unit as the base of its kind. What
is converted is converted exactly (fractions, no rounding); a unit without a factor here equals only itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from appliance.answers.quantities import figures, numerals

_SAME: dict[str, tuple[str, ...]] = {
    "Nm": ("NM", "N·m", "N m", "N.m"),
    "bar": ("bar(g)", "barg"),
    "°C": ("° C", "deg C", "degrees Celsius", "degrees C", "degC"),
    "°F": ("° F", "deg F"),
    "m³/h": ("m3/h",),
    "m³/min": ("m3/min",),
    "L/min": ("l/min",),
    "L/h": ("l/h",),
    "L/s": ("l/s",),
    "mL/min": ("ml/min",),
    "Nm³/h": ("Nm3/h",),
    "rpm": ("1/min", "min-1", "r/min", "rev/min", "revolutions per minute"),
    "bottles/h": ("bottles an hour", "bottles per hour"),
    "bottles/min": ("bottles per minute",),
    "mm/s²": ("mm/s2",),
    "m/s²": ("m/s2",),
    "%": ("percent", "per cent"),
    "°Bx": ("° Bx", "°Brix", "Brix"),
    "g/L": ("g/l",),
    "mg/L": ("mg/l",),
    "°": ("degrees", "degree", "deg"),
    "dB(A)": ("dBA",),
    "mPas": ("mPa·s",),
    "V": ("volts", "volt"),
    "A": ("amps", "amp", "amperes"),
    "EUR": ("€",),
    "shift": ("shifts",),
    "month": ("months",),
    "year": ("years",),
    "h run": ("operating hours", "running hours"),
    "drops/min": ("drops a minute", "drops per minute"),
}
_FACTORS: dict[str, dict[str, str]] = {
    "Pa": {"Pa": "1", "hPa": "100", "mbar": "100", "kPa": "1000", "bar": "100000", "MPa": "1000000"},
    "Nm": {"Nm": "1", "kNm": "1000", "Ncm": "1/100"},
    "s": {
        **dict.fromkeys(("seconds", "second", "secs", "sec", "s"), "1"),
        **dict.fromkeys(("minutes", "minute", "mins", "min"), "60"),
        **dict.fromkeys(("hours", "hour", "hrs", "hr", "h"), "3600"),
        **dict.fromkeys(("days", "day", "d"), "86400"),
        **dict.fromkeys(("weeks", "week"), "604800"),
        "ms": "1/1000",
    },
    "m": {
        "mm": "1/1000", "cm": "1/100", "dm": "1/10", "km": "1000", "µm": "1/1000000", "um": "1/1000000",
        **dict.fromkeys(("m", "metres", "meters", "metre", "meter"), "1"), "millimetres": "1/1000",
    },
    "kg": {"kg": "1", "g": "1/1000", "grams": "1/1000", "gram": "1/1000", "mg": "1/1000000",
           **dict.fromkeys(("t", "tonnes"), "1000")},
    "L": {"mL": "1/1000", "ml": "1/1000", "cl": "1/100", "dL": "1/10", "hL": "100", "m³": "1000", "m3": "1000",
          "cm³": "1/1000", **dict.fromkeys(("L", "l", "litres", "liters", "litre", "liter"), "1")},
    "W": {"W": "1", "watts": "1", "kW": "1000", "MW": "1000000"},
    "V": {"V": "1", "kV": "1000", "mV": "1/1000"},
    "A": {"A": "1", "mA": "1/1000", "kA": "1000"},
    "Hz": {"Hz": "1", "kHz": "1000", "MHz": "1000000", "GHz": "1000000000"},
    "N": {"N": "1", "daN": "10", "kN": "1000"},
    "Wh": {"Wh": "1", "kWh": "1000", "MWh": "1000000"},
    "L/h": {"L/h": "1", "L/min": "60", "L/s": "3600", "mL/min": "3/50", "hL/h": "100", "m³/h": "1000", "m³/min": "60000"},
    "ppb": {"ppb": "1", "ppm": "1000"},
    "bottles/h": {"bottles/h": "1", "bottles/min": "60"},
}  # fmt: skip
_SPELLING = {other: unit for unit, others in _SAME.items() for other in others}
_BASE = {unit: (base, Fraction(factor)) for base, units in _FACTORS.items() for unit, factor in units.items()}
_LOW = {unit.lower(): unit for unit in (*_SPELLING, *_SAME, *_BASE) if len(unit) > 2}
_TO = frozenset({"to", "-", "–", "—", "…", "..", "..."})
_MOMENT = re.compile(r"(?<![\w:.,-])\d{1,2}:\d{2}(?![\w:])|(?<![\w-])(?:19|20)\d\d-\d\d-\d\d(?![\w-])")
_PERIOD = r"(?:single\s)?(shift|hour|day|week|month|quarter|year|batch|changeover|start)s?"
_OFTEN = re.compile(
    rf"\b(?:(?:(once|twice)\s(?:a|an|per|each|every)|every|each|per)\s{_PERIOD}|"
    r"(?:(once|twice)\s)?(hourly|daily|weekly|monthly|quarterly|yearly|annually))\b",
    re.IGNORECASE,
)
_ADVERBS = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter",
            "yearly": "year", "annually": "year"}  # fmt: skip
_PER = re.compile(r"\s?/\s?[A-Za-zµ°]{1,6}[²³23]?(?![\w])")
_BETWEEN = re.compile(r"\bbetween\s+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount at `text[start:end]`; `kind` is what it measures, "count" without a unit, "moment" for a date or a time
    of day, "often" for how often.
    """

    key: str
    kind: str
    start: int
    end: int


@lru_cache(maxsize=8192)
def amounts(text: str) -> tuple[Amount, ...]:
    """All amounts of `text` in order, none inside another."""
    found = [Amount(f"at {m.group().lstrip('0')}", "moment", m.start(), m.end()) for m in _MOMENT.finditer(text)]
    measured = [item for item in figures(text) if item.numbers]
    # The widest of those that begin at one place, and none of those that overlap it.
    for item in sorted(measured, key=lambda one: (one.start, -one.end)):
        if not any(item.start < other.end and other.start < item.end for other in found):
            between = _BETWEEN.search(text[: item.start]) is not None
            unit = "pH" if item.dimension == "acidity" else item.unit
            key = _key(numerals(text[item.start : item.end - len(item.unit)]), unit, between=between)
            # `1.25 g/cm³` is no mass, `150 mg/kg` another than `150 mg`.
            per = _PER.match(text, item.end) if item.unit else None
            if per is not None:
                found.append(Amount(key + per.group(), f"{item.dimension}{per.group()}", item.start, per.end()))
            else:
                found.append(Amount(key, item.dimension, item.start, item.end))
    for match in _OFTEN.finditer(text):
        if not any(match.start() < other.end and other.start < match.end() for other in found):
            found.append(Amount(_often(match), "often", match.start(), match.end()))
    return _merged(text, sorted(found, key=lambda one: one.start))


def _often(match: re.Match[str]) -> str:
    count, period, times, adverb = (part.lower() if part else "" for part in match.groups())
    twice = "twice" in (count, times)
    return f"{'2' if twice else '1'} per {period or _ADVERBS[adverb]}"


def _key(numbers: list[tuple[str, str]], unit: str, *, between: bool = False) -> str:
    spelled = _SPELLING.get(unit, unit)
    if spelled not in _BASE and spelled not in _SAME:
        spelled = _LOW.get(unit.lower(), spelled)
        spelled = _SPELLING.get(spelled, spelled)
    base, factor = _BASE.get(spelled, (spelled, Fraction(1)))
    made = ""
    for joint, number in numbers:
        plus_minus = number.startswith("±")
        value = Fraction(number.lstrip("±")) * factor
        joined = "to" if joint in _TO or (between and joint == "and") else joint
        made += f" {joined} " if joined else ""
        made += f"{'±' if plus_minus else ''}{value}"
    return f"{made} {base}".strip()


def _merged(text: str, found: list[Amount]) -> tuple[Amount, ...]:
    """`5 °C to 30 °C` is one range, like `5 to 30 °C`."""
    made: list[Amount] = []
    for item in found:
        before = made[-1] if made else None
        if before is not None and before.kind == item.kind and item.kind not in ("count", "moment", "often"):
            joint = text[before.end : item.start].strip().lower()
            base = item.key.rpartition(" ")[2]
            between = joint == "and" and _BETWEEN.search(text[: before.start]) is not None
            if (joint in _TO or between) and before.key.endswith(f" {base}") and " to " not in before.key:
                key = f"{before.key.removesuffix(f' {base}')} to {item.key}"
                made[-1] = Amount(key, item.kind, before.start, item.end)
                continue
        made.append(item)
    return tuple(made)
