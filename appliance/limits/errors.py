"""What a person meets who asks too much."""

from __future__ import annotations

from appliance.errors import InvalidInput, NotFound, TooManyRequests


class RateLimited(TooManyRequests):
    """As many requests as may be were made in this window; the request was not looked at."""

    code, title = "rate-limited", "Too many requests in this time"
    hint = "Wait as long as `retry_after` says. An admin can reset the counts, or change the limits in the policy pack."

    def __init__(self, detail: str, *, retry_after: int, window: str, limit: int) -> None:
        super().__init__(detail, retry_after=retry_after, window=window, limit=limit)


class BadLimit(InvalidInput):
    """A limit that cannot be set: of nothing that is limited, or wider than the policy pack allows."""

    code, title = "bad-limit", "That limit cannot be set"
    hint = "`outpost limits show` tells what holds; wider ones need `[limits.ceilings]` in the policy pack."


class NoSuchLimit(NotFound):
    """Nobody set such a limit in this plant."""

    code, title = "no-such-limit", "That limit is not there"
    hint = "`outpost limits show` lists those that were set."
