"""How a certificate stands, in one word and one sentence: for health, for `doctor`, for the command line."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from appliance.tls.certificates import WARN_DAYS, days_left
from appliance.tls.place import Served


@dataclass(frozen=True, slots=True)
class Standing:
    """`state` is `note` where somebody should act soon, `bad` where clients turn away."""

    state: Literal["ok", "note", "bad"]
    fact: str


def standing(served: Served, now: dt.datetime) -> Standing:
    if served.ends <= now:
        return Standing("bad", f"the certificate expired on {served.ends:%Y-%m-%d}")
    if served.leaf.not_valid_before_utc > now:
        return Standing("bad", "the certificate is not valid yet, by this node's clock")
    left = days_left(served.ends, now)
    by = "the node's own authority" if served.own else "the plant's authority"
    return Standing("note" if left < WARN_DAYS else "ok", f"{left} days left, issued by {by}")
