"""Every error the appliance shows, under one root.

    OutpostError
    ├── InvalidInput       400   what was sent cannot be used
    ├── Unauthenticated    401   nobody, or no longer anybody, is signed in
    ├── Forbidden          403   the policy says no
    ├── NotFound           404   no such thing here, or not for this person
    ├── Conflict           409   it does not fit the present state
    ├── PreconditionFailed 412   what was read before is not what stands there now
    ├── TooLarge           413   more than a limit allows
    ├── UnsupportedType    415   a kind of file or body we do not take
    ├── Unprocessable      422   well formed, but it makes no sense
    ├── TooManyRequests    429   slow down
    ├── Unavailable        503   a part is down; trying again later may help
    └── Damaged            500   stored bytes are not what was written

A domain adds leaves of its own. Each class says what happened (`title`), a stable word for programs (`code`),
the HTTP `status`, the `exit_code` of a command, and what to do next (`hint`). `reference.py` lists them all.
Neither `detail` nor `context` ever carries a secret or personal data: both are shown, logged and recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar


class OutpostError(Exception):
    """The root; never raised itself.

    Args:
        detail: one sentence about this very case.
        hint: what to do next, where the class's own hint does not fit.
        context: JSON values shown beside the problem.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    hint: str = "Run `outpost doctor`, or look at the log of the node."

    def __init__(self, detail: str, *, hint: str | None = None, **context: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.context = context
        if hint is not None:
            self.hint = hint


class InvalidInput(OutpostError):
    code, title, status, exit_code = "invalid-input", "That cannot be used", 400, 2
    hint = "Correct what was sent and try again."


class Unauthenticated(OutpostError):
    code, title, status, exit_code = "unauthenticated", "Please sign in", 401, 10
    hint = "Sign in again."


class Forbidden(OutpostError):
    code, title, status, exit_code = "forbidden", "Not allowed", 403, 11
    hint = "Ask your site admin for the right to do this."


class NotFound(OutpostError):
    code, title, status, exit_code = "not-found", "Not found", 404, 12
    hint = "Check the name; it may have been removed."


class Conflict(OutpostError):
    code, title, status, exit_code = "conflict", "That does not fit the present state", 409, 13
    hint = "Look at the present state and try again."


class PreconditionFailed(OutpostError):
    code, title, status, exit_code = "precondition-failed", "It has changed meanwhile", 412, 20
    hint = "Read it again, look whether your change still fits, and send it with the new tag."


class TooLarge(OutpostError):
    code, title, status, exit_code = "too-large", "Too large", 413, 14
    hint = "Send less, or ask the site admin to raise the limit."


class UnsupportedType(OutpostError):
    code, title, status, exit_code = "unsupported-type", "That kind of file is not supported", 415, 15
    hint = "Use PDF, DOCX, Markdown, AsciiDoc or plain text."


class Unprocessable(OutpostError):
    code, title, status, exit_code = "unprocessable", "That makes no sense here", 422, 16
    hint = "Correct what was sent and try again."


class TooManyRequests(OutpostError):
    code, title, status, exit_code = "too-many-requests", "Too many requests", 429, 17
    hint = "Wait a moment and try again."


class Unavailable(OutpostError):
    code, title, status, exit_code = "unavailable", "A part is not available", 503, 18
    hint = "Try again in a moment; `outpost doctor` says which part is down."


class Damaged(OutpostError):
    code, title, status, exit_code = "damaged", "Stored data is damaged", 500, 19
    hint = "Stop the node, keep the disk, and restore the last backup."


def every_error(root: type[OutpostError] = OutpostError) -> Iterator[type[OutpostError]]:
    """Yield `root` and all classes below it that have been imported, parents first."""
    yield root
    for child in root.__subclasses__():
        yield from every_error(child)


def problem(error: OutpostError, *, instance: str | None = None, correlation_id: str | None = None) -> dict[str, Any]:
    """Shape `error` as problem details (RFC 9457), with our `code` and `hint` beside the standard members."""
    body: dict[str, Any] = {
        "type": f"urn:outpost:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "hint": error.hint,
    }
    if instance is not None:
        body["instance"] = instance
    if correlation_id is not None:
        body["correlation_id"] = correlation_id
    return body | {key: value for key, value in error.context.items() if key not in body}
