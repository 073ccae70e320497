"""The one way in which a parser says no."""

from __future__ import annotations


class Unreadable(Exception):  # noqa: N818 (it says what the file is, as our other errors do)
    """The file cannot be read; the message is shown to the person who uploaded it, so it is a plain sentence."""
