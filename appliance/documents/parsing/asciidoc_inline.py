"""AsciiDoc inline markup turned into the words a reader would see.

Syntax: https://docs.asciidoctor.org/asciidoc/latest/ (text formatting, links, macros, attribute references).
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHARACTERS = {
    "nbsp": " ", "sp": " ", "empty": "", "blank": "", "plus": "+", "amp": "&", "lt": "<", "gt": ">", "vbar": "|",
    "apos": "'", "quot": '"', "asterisk": "*", "caret": "^", "tilde": "~", "backtick": "`", "backslash": "\\",
    "startsb": "[", "endsb": "]", "two-colons": "::", "two-semicolons": ";;", "deg": "°", "zwsp": "", "wj": "",
}  # fmt: skip

_ATTRIBUTE = re.compile(r"(?<!\\)\{([A-Za-z0-9_][\w-]*)\}")
_INDEX_TERM = re.compile(r"\(\(\(.*?\)\)\)|indexterm:\[[^\]]*\]")
_INDEX_VISIBLE = re.compile(r"\(\(([^()]+)\)\)|indexterm2:\[([^\]]*)\]")
_ANCHOR = re.compile(r"\[\[\[?[\w:. -]+(?:,[^\]]*)?\]\]\]?|anchor:[\w:.-]+\[[^\]]*\]")
_CROSS_REFERENCE = re.compile(r"<<([^,<>]+?)(?:,\s*([^<>]+?))?>>")
_LINK = re.compile(r"(?:link:|xref:|mailto:)([^\s\[\]]+)\[([^\]]*)\]|\b((?:https?|ftp|irc)://[^\s\[\]<>]+)\[([^\]]*)\]")
_IMAGE = re.compile(r"\b(?:image|icon):([^\s:\[\]]+)\[([^\]]*)\]")
_KEYS = re.compile(r"\b(?:kbd|btn):\[([^\]]*)\]")
_MENU = re.compile(r"\bmenu:([^\[\]\n]+)\[([^\]]*)\]")
_FOOTNOTE = re.compile(r"footnote:[\w-]*\[([^\]]*)\]")
_PASS = re.compile(r"\b(?:pass:[a-z,]*|latexmath:|stem:|asciimath:)\[(\$?.*?\$?)\]|\+\+\+(.+?)\+\+\+|\$\$(.+?)\$\$")
_ROLE = re.compile(r"\[[^\[\]\n]{1,40}\](?=[#*_`])")
_UNCONSTRAINED = re.compile(r"(\*\*|__|``|##|\+\+)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_CONSTRAINED = re.compile(r"(?<![\w\\*_`#+^~])([*_`#+])(?=\S)((?:(?!\1).)*?\S)\1(?![\w*_`#+])", re.DOTALL)
_SUPER_SUB = re.compile(r"\^(\S{1,20}?)\^|~(\w{1,4})~")
_ESCAPE = re.compile(r"\\(?=[*_`#+{<\[(|'~^\\])")


def plain(text: str, attributes: Mapping[str, str]) -> str:
    """The text without its markup; a link or cross reference leaves its label, an index term nothing."""
    text = substitute(text, attributes)
    text = _INDEX_TERM.sub("", text)
    text = _INDEX_VISIBLE.sub(lambda match: match[1] or match[2], text)
    raw: list[str] = []

    def keep(match: re.Match[str]) -> str:
        raw.append(next(group for group in match.groups() if group is not None))
        return f"\0{len(raw) - 1}\0"

    text = _PASS.sub(keep, text.replace("\0", ""))
    text = _ANCHOR.sub("", text)
    text = _CROSS_REFERENCE.sub(lambda match: match[2] or match[1], text)
    text = _LINK.sub(_label, text)
    text = _IMAGE.sub(lambda match: match[2].split(",")[0].strip('" '), text)
    text = _KEYS.sub(r"\1", text)
    text = _MENU.sub(lambda match: f"{match[1]} > {match[2]}" if match[2] else match[1], text)
    text = _FOOTNOTE.sub(r" (\1)", text)
    text = _ROLE.sub("", text)
    for pattern in (_UNCONSTRAINED, _CONSTRAINED, _CONSTRAINED):  # twice, for *`nested`* marks
        text = pattern.sub(r"\2", text)
    text = _SUPER_SUB.sub(lambda match: match[1] or match[2], text)
    text = html.unescape(_ESCAPE.sub("", text))
    return re.sub(r"\0(\d+)\0", lambda match: raw[int(match[1])], text) if raw else text


def substitute(text: str, attributes: Mapping[str, str]) -> str:
    """Attribute references replaced by their values; an unknown one stays as it was written."""
    if "{" not in text:
        return text
    return _ATTRIBUTE.sub(
        lambda match: attributes.get(match[1].lower(), _CHARACTERS.get(match[1].lower(), match[0])), text
    )


def _label(match: re.Match[str]) -> str:
    target, label = (match[1], match[2]) if match[1] else (match[3], match[4])
    label = label.split(",window=")[0].rstrip("^").strip('" ')
    return label or target
