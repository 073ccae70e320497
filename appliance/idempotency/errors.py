"""Why a request with an Idempotency-Key is not worked on."""

from __future__ import annotations

from appliance.errors import Conflict, InvalidInput


class InvalidKey(InvalidInput):
    """An Idempotency-Key has 1 to 255 printable ASCII characters."""

    code, title = "invalid-idempotency-key", "That key cannot be used"
    hint = "Make one for each request, such as a UUID."


class KeyReused(Conflict):
    """The key was used for another request before."""

    code, title = "idempotency-key-reused", "The key belongs to another request"
    hint = "Take a new key for a new request; send the same path and body to repeat the old one."


class StillRunning(Conflict):
    """The first request with this key is still being worked on."""

    code, title = "idempotency-still-running", "The first request is still being worked on"
    hint = "Send it again in a moment, with the same key."

    def __init__(self) -> None:
        super().__init__("The same request is being worked on.", retry_after=1)


class AnswerNotKept(Conflict):
    """The work was done, once; its answer is not there: it held something shown once, was too long, or the node stopped."""

    code, title = "idempotency-answer-not-kept", "It was done, and the answer cannot be shown again"
    hint = "Look at what was made. If it held a password or a code, make a new one."
