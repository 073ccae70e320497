"""What notices refuse."""

from __future__ import annotations

from appliance.errors import NotFound


class NoSuchNotice(NotFound):
    """There is none of this id, or not for this person."""

    code, title = "no-such-notice", "There is no such notice"
    hint = "Look at the list again; old notices are removed."
