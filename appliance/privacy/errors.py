"""What requests about one's own data refuse."""

from __future__ import annotations

from appliance.errors import Conflict, NotFound


class NoSuchRequest(NotFound):
    """The plant has no such request, or it is somebody else's."""

    code, title = "no-such-request", "There is no such request"
    hint = "Take its id from the list of requests."


class RequestDecided(Conflict):
    """The request was decided before."""

    code, title = "request-decided", "That request was decided already"
    hint = "The list says when and how; a new one can be made."
