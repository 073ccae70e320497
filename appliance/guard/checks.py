"""Whether what looks like a number of some kind can be one: check digits, ranges, lengths. Pure."""

from __future__ import annotations

import ipaddress
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

_APART: Final = re.compile(r"[\s./()-]")
_CARDS: Final = re.compile(
    r"(?:4\d{12}(?:\d{3}){0,2}|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|(?:2131|1800|35\d{3})\d{11}|"
    r"(?:6011|65\d\d|64[4-9]\d)\d{12}|(?:5018|5020|5038|5[6-8]\d\d|6304|67\d\d|0604|6390)\d{8,15})"
)
"""Beginnings and lengths of the networks' numbers (ISO/IEC 7812)."""
_IBAN_LENGTHS: Final[Mapping[str, int]] = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24,
    "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29,
    "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "XK": 20,
}  # fmt: skip
"""Characters of an IBAN by country (SWIFT's registry)."""


def luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1: from the right every second digit doubled, its digits summed."""
    total = 0
    for at, one in enumerate(reversed(digits)):
        value = int(one) * (2 if at % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card(text: str) -> bool:
    digits = _APART.sub("", text)
    return _CARDS.fullmatch(digits) is not None and luhn(digits) and len(set(digits)) > 1


def iban(text: str) -> bool:
    """ISO 13616: the length of its country, and 1 as the rest by 97 with letters as 10 to 35."""
    plain = _APART.sub("", text).upper()
    if _IBAN_LENGTHS.get(plain[:2]) != len(plain):
        return False
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(one, 36)) for one in turned)) % 97 == 1


def ssn(text: str) -> bool:
    """Areas, groups and serials that were ever given out (Social Security Administration)."""
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def address(text: str) -> bool:
    """Whether it is an IP address, and none that names nobody."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (found.is_unspecified or found.is_multicast)


def phone(text: str) -> bool:
    """As many digits as numbers have (ITU-T E.164), and not all the same."""
    digits = re.sub(r"\D", "", text.partition("x")[0])
    return 6 <= len(digits) <= 15 and len(set(digits)) > 2


def entropy(text: str) -> float:
    """Bits a character (Shannon)."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def token(text: str) -> bool:
    """A run of letters and digits that nobody would type."""
    mixed = sum(any(map(test, text)) for test in (str.isdigit, str.isupper, str.islower))
    return mixed > 1 and any(map(str.isdigit, text)) and entropy(text) >= 3.3


def random(text: str) -> bool:
    """The same without a word before it: all kinds of letters, many of them, and no parts that a number of a thing would have."""
    every = all(any(map(test, text)) for test in (str.isdigit, str.isupper, str.islower))
    parts = [part for part in re.split(r"[-_/]", text) if part]
    return every and entropy(text) >= 4.0 and max(map(len, parts)) >= 20


_INSIDE: Final = re.compile(
    r"(?i)(?:^|\.)(?:local|localhost|localdomain|internal|intranet|lan|corp|home|private|arpa)\.?$"
)


def inside(link: str) -> bool:
    """A link to a host of the plant's own network: a private address, a name without a dot, or one of a zone kept for that."""
    try:
        host = urlsplit(link).hostname or ""
    except ValueError:
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host.strip(".") or _INSIDE.search(host) is not None or host.replace(".", "").isdigit()


CHECKS: Final[Mapping[str, Callable[[str], bool]]] = {
    "card": card, "iban": iban, "ssn": ssn, "address": address, "phone": phone,
    "token": token, "random": random, "inside": inside,
}  # fmt: skip


def mod97(text: str) -> bool:
    """ISO/IEC 7064, MOD 97-10: 1 as the rest by 97, the check digits last, letters as 10 to 35."""
    return int("".join(str(int(one, 36)) for one in text)) % 97 == 1


def _alike(check: Callable[[str], bool], kept: str) -> Callable[[str], bool]:
    """The check on what a plant's pattern found: whatever stands between, and False for what it was not made for."""

    def checked(text: str) -> bool:
        plain = re.sub(kept, "", text)
        return bool(plain) and plain.isascii() and check(plain)

    return checked


def _is_ssn(text: str) -> bool:
    return re.fullmatch(r"\d{3}-\d{2}-\d{4}", text, re.ASCII) is not None and ssn(text)


FOR_PLANTS: Final[Mapping[str, Callable[[str], bool]]] = {
    "luhn": _alike(luhn, r"[^0-9]"), "mod97": _alike(mod97, r"[^0-9A-Za-z]"), "card": card, "iban": _alike(iban, r"[^0-9A-Za-z]"),
    "ssn": _is_ssn, "address": address, "phone": phone,
}  # fmt: skip
"""Checks that a plant's own patterns can ask for: none raises, whatever a pattern finds."""
