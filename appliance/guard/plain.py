"""A text as a language model might read it: without what hides words from rules. Pure.

Full-width and other forms become plain ones (NFKC), characters that show nothing are left out, letters of other alphabets that
look like Latin ones become those, and what is written in base64, hexadecimal, backwards or with figures for letters is read too.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from typing import Final

LONGEST: Final = 64_000
"""Characters that are read; what a person types, or a passage, is far shorter."""
_SHOWN_NOT: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]"
)
_TAGS: Final = {0xE0000 + code: chr(code) for code in range(0x20, 0x7F)}
"""Tag characters (U+E0020 to U+E007E): they show nothing and spell ASCII."""
_ALIKE: Final = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u03bf\u03b1\u03b5\u03b9\u03ba\u03bd\u03c1\u03c4\u03c5\u03c7\u0131\u0261\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",
    "aeopcyxijshdloaeiknptuxigABEKMHOPCTXIABEZHIKMNOPTYX",
)  # fmt: skip
"""Cyrillic and Greek letters that look like Latin ones (Unicode's confusables)."""
_FIGURES: Final = str.maketrans("0134578@$!", "oieastbasi")
_BASE64: Final = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{24,4000}={0,2}(?![A-Za-z0-9+/=])")
_HEX: Final = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}[ :]?){16,2000}(?![0-9A-Fa-f])")
_SPACED: Final = re.compile(r"(?<!\w)(?:\w[ .\-_]){5,200}\w(?!\w)")
_TELLS: Final = re.compile(r"ignor|instruct|prompt|system|disregard|assistant", re.IGNORECASE)
MOST_HIDDEN: Final = 20


def plain(text: str) -> str:
    """As it is shown, in one form of its letters."""
    told = text[:LONGEST].translate(_TAGS)
    return unicodedata.normalize("NFKC", _SHOWN_NOT.sub("", told)).translate(_ALIKE)


def readings(text: str) -> list[str]:
    """The text itself, plain, and whatever else can be read in it."""
    shown = plain(text)
    found = [shown]
    for match in list(_BASE64.finditer(shown))[:MOST_HIDDEN]:
        found += _decoded(match[0])
    for match in list(_HEX.finditer(shown))[:MOST_HIDDEN]:
        found += _words(bytes.fromhex(re.sub(r"[ :]", "", match[0])))
    if spaced := [
        re.sub(r"(?<=\w)[ .\-_](?=\w(?!\w))|(?<=\w)[ .\-_](?=\w[ .\-_]\w(?!\w))", "", one)
        for one in _SPACED.findall(shown)
    ]:
        found.append(" ".join(spaced))
    for other in (shown.translate(_FIGURES), codecs.decode(shown, "rot13"), shown[::-1]):
        # Only where it reads as an order to a model; a plain text in ROT13 is noise.
        if other != shown and _TELLS.search(other) and not _TELLS.search(shown):
            found.append(other)
    return found


def _decoded(written: str) -> list[str]:
    try:
        return _words(base64.b64decode(written + "=" * (-len(written) % 4), validate=True))
    except (binascii.Error, ValueError):
        return []


def _words(raw: bytes) -> list[str]:
    """What was decoded, if it is text: a serial number that happens to decode is none."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return []
    letters = sum(one.isalpha() or one.isspace() for one in text)
    return [text] if len(text) >= 12 and letters > 0.8 * len(text) and " " in text else []
