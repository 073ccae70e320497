"""QR codes of what a person keeps on paper."""

from __future__ import annotations

import io

import segno
from segno import DataOverflowError

from appliance.audit.errors import TooMuchForPaper


def drawn(text: str) -> str:
    """A QR code as SVG. Raises TooMuchForPaper."""
    out = io.BytesIO()
    _code(text).save(out, kind="svg", scale=4, xmldecl=False)
    return out.getvalue().decode()


def for_terminal(text: str) -> str:
    """The same as lines of half blocks. Raises TooMuchForPaper."""
    out = io.StringIO()
    _code(text).terminal(out, compact=True)
    return out.getvalue()


def _code(text: str) -> segno.QRCode:
    try:
        return segno.make_qr(text, error="l")
    except DataOverflowError:
        raise TooMuchForPaper(f"A QR code does not hold {len(text.encode())} bytes.") from None
