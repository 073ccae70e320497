"""The one way in which a parser says no."""

from __future__ import annotations


class Unreadable(Exception):
    """The file cannot be read; the message is shown to the person who uploaded it, so it is a plain sentence."""
