"""What holds refuse."""

from __future__ import annotations

from appliance.errors import Conflict, InvalidInput, NotFound


class NoSuchHold(NotFound):
    """The plant has no such hold."""

    code, title = "no-such-hold", "There is no such hold"
    hint = "Take its id from the list of holds."


class HoldReleased(Conflict):
    """The hold was released before."""

    code, title = "hold-released", "That hold was released already"
    hint = "The list says when, by whom and why."


class BadHold(InvalidInput):
    """A hold that could name nothing."""

    code, title = "bad-hold", "Such a hold would keep nothing"
    hint = "Give a period whose end is after its beginning, and a reason."


class OnHold(Conflict):
    """Something is kept by a destruction hold."""

    code, title = "on-hold", "A destruction hold keeps this"
    hint = "An admin can release the hold when its reason is gone; the list of holds shows it."
