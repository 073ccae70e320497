"""Figures with their units, as texts of a plant write them: `47 Nm`, `4,5 bar`, `40 to 50 °C`, `every 2,000 h`, `weekly`.

A *dimension* is what a unit measures. It binds a question to a figure: whoever asks for a torque is not served by the
pressure beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from appliance.retrieval.terms import number_key

_UNITS: dict[str, tuple[str, ...]] = {
    "torque": ("kNm", "Nm", "NM", "N·m", "N m", "N.m", "Ncm", "lbf ft", "lb ft", "ft lb", "ft-lb", "in-lb", "lbf-ft", "kgm"),
    "pressure": ("mbar", "bar(g)", "barg", "bara", "bar", "kPa", "MPa", "hPa", "Pa", "psi", "mmHg", "mWC", "mmWC"),
    "temperature": ("°C", "° C", "°F", "° F", "deg C", "deg F", "degrees Celsius", "degrees C", "degC", "K"),
    "flow": ("m³/h", "m3/h", "m³/min", "m3/min", "L/min", "l/min", "L/h", "l/h", "kg/h", "t/h", "L/s", "l/s", "Nm³/h",
             "Nm3/h", "mL/min", "ml/min", "hL/h", "gpm", "drops a minute", "drops per minute"),
    "speed": ("rpm", "1/min", "min-1", "r/min", "rev/min", "m/s", "mm/s", "m/min", "mm/min", "km/h", "in/min", "units/s",
              "revolutions per minute", "inches per minute", "inches per second"),
    "rate": ("bottles/h", "bottles an hour", "bottles per hour", "packs/h", "packs/min", "pcs/h", "pieces/h", "pieces per hour",
             "cycles/min", "strokes/min", "bottles/min", "bottles per minute", "cans/h", "cans/min", "times an hour",
             "times per hour", "times a day", "starts per hour", "times"),
    "acceleration": ("mm/s²", "m/s²", "mm/s2", "m/s2"),
    "time": ("ms", "µs", "us", "ns", "seconds", "second", "secs", "sec", "s", "minutes", "minute", "mins", "min", "hours",
             "hour", "hrs", "hr", "h", "days", "day", "d", "weeks", "week", "months", "month", "years", "year", "shifts",
             "shift", "operating hours", "running hours", "working days"),
    "length": ("mm", "cm", "dm", "km", "µm", "um", "m", "inches", "inch", "in", "ft", "feet", "metres", "meters", "metre",
               "meter", "millimetres", "mil"),
    "mass": ("kg", "mg", "g", "t", "tonnes", "tons", "lbs", "lb", "oz", "grams", "gram"),
    "volume": ("mL", "ml", "cl", "dL", "hL", "L", "l", "m³", "m3", "cm³", "litres", "liters", "litre", "liter", "gal",
               "gallons", "ccm"),
    "electric": ("kV", "mV", "V", "VAC", "VDC", "V AC", "V DC", "volts", "volt"),
    "current": ("mA", "kA", "A", "amps", "amp", "amperes"),
    "power": ("kW", "MW", "W", "kVA", "VA", "HP", "hp", "PS", "watts"),
    "energy": ("kWh", "MWh", "Wh", "kJ", "J"),
    "frequency": ("kHz", "MHz", "GHz", "Hz"),
    "share": ("%", "percent", "per cent", "ppm", "ppb", "°Bx", "° Bx", "°Brix", "Brix", "g/L", "g/l", "mg/L", "mg/l",
              "mS/cm", "µS/cm", "% v/v", "vol%"),
    "angle": ("°", "degrees", "degree", "deg", "rad"),
    "sound": ("dB(A)", "dBA", "dB"),
    "viscosity": ("cSt", "mm²/s", "mPas", "mPa·s", "cP"),
    "force": ("kN", "N", "daN", "lbf"),
    "money": ("€", "EUR", "USD", "$"),
    "data": ("bits", "bit", "bytes", "byte", "kB", "KB", "MB", "GB", "TB", "baud", "Mbit/s", "kbit/s", "GiB", "MiB"),
}  # fmt: skip
_DIMENSION = {unit: dimension for dimension, units in _UNITS.items() for unit in units}
_LOOSE = {unit.lower(): dimension for unit, dimension in reversed(_DIMENSION.items()) if len(unit) > 2}
_UNIT = "|".join(re.escape(unit) for unit in sorted(_DIMENSION, key=len, reverse=True))
_LOOSE_UNIT = "|".join(re.escape(unit) for unit in sorted(_LOOSE, key=len, reverse=True))
_SPELLED = {
    word: str(value)
    for value, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    )
} | {
    "fifteen": "15",
    "twenty": "20",
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "ninety": "90",
    "half": "0.5",
}
_WORDS = "|".join(_SPELLED)
_NUMBER = r"[+\-−±]?\d{1,3}(?:,\d{3})+(?!\d)|[+\-−±]?\d+(?:[.,]\d+)?"
_NUMERAL = rf"{_NUMBER}|(?:half(?=\s+an?\s)|(?i:{_WORDS})\b)"
_ANY_NUMERAL = re.compile(_NUMERAL)
_RANGE = rf"(?:{_NUMERAL})(?:\s*(?:to|and|or|-|–|—|…|\.\.\.?|/|±|x|×)\s*(?:{_NUMERAL})){{0,7}}"
_MEASURE = re.compile(rf"(?<![\w.,-])({_RANGE})(?:\s?-?|\san?\s)(?:({_UNIT})|((?i:{_LOOSE_UNIT})))(?![\w³²])")
_BARE = re.compile(rf"(?<![\w.,/-])({_RANGE})(?![\w/-]|[.,]\d)")
_ADVERB = re.compile(
    r"\b(once|twice|hourly|daily|weekly|fortnightly|monthly|quarterly|half-yearly|yearly|annually|"
    r"(?:every|each|per|once a|twice a|times a)\s(?:single\s)?(?:shift|hour|day|week|month|quarter|year|batch|changeover|start))\b",
    re.IGNORECASE,
)
_PH = re.compile(rf"\bpH\b[^\d]{{0,20}}({_RANGE})")


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure at `text[start:end]`. `numbers` are its keys (decimal point, no trailing zeros); `dimension` is what its
    unit measures, "count" for a bare figure; `unit` is how that is spelled, empty where there is none.
    """

    start: int
    end: int
    numbers: tuple[str, ...]
    dimension: str
    unit: str = ""


@lru_cache(maxsize=4096)
def measures(text: str) -> tuple[Measure, ...]:
    """All figures with a unit, and words such as `weekly` that stand for one, in order."""
    found = [
        Measure(
            m.start(),
            m.end(),
            _numbers(m.group(1)),
            _DIMENSION.get(m.group(2) or "") or _LOOSE[m.group(3).lower()],
            m.group(2) or m.group(3),
        )
        for m in _MEASURE.finditer(text)
    ]
    found += [Measure(m.start(), m.end(), (), "time") for m in _ADVERB.finditer(text)]
    found += [Measure(m.start(1), m.end(1), _numbers(m.group(1)), "acidity") for m in _PH.finditer(text)]
    return tuple(sorted(found, key=lambda item: (item.start, item.end)))


@lru_cache(maxsize=8192)
def figures(text: str) -> tuple[Measure, ...]:
    """All figures, with or without a unit."""
    measured = measures(text)
    bare = [
        Measure(m.start(), m.end(), _numbers(m.group(1)), "count")
        for m in _BARE.finditer(text)
        if m.group().lower() != "one" and not any(item.start <= m.start() < item.end for item in measured)
    ]
    return tuple(sorted((*measured, *bare), key=lambda item: (item.start, item.end)))


@lru_cache(maxsize=8192)
def dimensions(text: str) -> frozenset[str]:
    """What the figures of `text` measure."""
    return frozenset(item.dimension for item in measures(text))


def numerals(text: str) -> list[tuple[str, str]]:
    """The numbers of one figure, each with what joins it to the one before: `40 to 50` gives ("", "40"), ("to", "50").

    A sign stays (`-5`, `±2`); words are digits (`two` is `2`).
    """
    found: list[tuple[str, str]] = []
    at = 0
    for match in _ANY_NUMERAL.finditer(text):
        written = match.group()
        joint = text[at : match.start()].strip().lower()
        sign = written[0].replace("−", "-") if written[0] in "-−±" else ""
        if found and sign == "-" and not joint:
            # `10-15` is a range, not a figure below zero.
            joint, sign = sign, ""
        found.append((joint, sign + (_SPELLED.get(written.lower()) or number_key(written.lstrip("+-−±")))))
        at = match.end()
    return found


def _numbers(text: str) -> tuple[str, ...]:
    found = re.findall(_NUMERAL, text)
    return tuple(_SPELLED.get(item.lower()) or number_key(item.lstrip("+-−±")) for item in found)
