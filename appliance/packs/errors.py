"""What cannot be done with policy packs."""

from __future__ import annotations

from appliance.errors import Conflict, InvalidInput, NotFound


class PackNotSound(InvalidInput):
    """The pack was looked at and refused; what is in force stays."""

    code, title = "policy-pack-not-sound", "The policy pack was refused"
    hint = "Correct what is named and stage it again: `outpost policy check DIR` looks at it here."


class UnknownPack(NotFound):
    """No pack of this version is staged here."""

    code, title = "unknown-policy-pack", "There is no such policy pack here"
    hint = "`outpost policy list` shows the packs of this plant."


class NeedsConfirmation(Conflict):
    """The pack would allow something that is refused now."""

    code, title = "policy-needs-confirmation", "This pack widens what people may do"
    hint = "Look at its preview, and give the word under `confirm` there: `outpost policy preview VERSION`."


class NothingBefore(Conflict):
    """There is no switch to take back."""

    code, title = "policy-nothing-before", "No pack was in force before this one"
    hint = "`outpost policy history` shows every switch."


class SwitchedMeanwhile(Conflict):
    """Somebody else put a pack in force at the same moment."""

    code, title = "policy-switched-meanwhile", "Another pack was put in force just now"
    hint = "Look at what is in force, then decide again."


class UnknownSubject(NotFound):
    """Nobody of that name is here to explain a decision for."""

    code, title = "unknown-policy-subject", "There is nobody of that name here"
    hint = "Give a person's name, `kiosk:NAME`, `role:viewer`, `role:operator` or `role:admin`."
