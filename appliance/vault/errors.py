"""What the vault refuses. Never with a word of a secret."""

from __future__ import annotations

from appliance.errors import Conflict, Damaged, InvalidInput, NotFound


class NoSuchSecret(NotFound):
    """Nothing is kept under this name in this plant."""

    code, title = "no-such-secret", "The vault has nothing under that name"
    hint = "`outpost vault list` shows the names there are."


class BadSecret(InvalidInput):
    """A name or a value that the vault does not take."""

    code, title = "bad-secret", "The vault does not take that"
    hint = (
        "Names have small letters, digits, dots, dashes and underscores, at most 64; a value has 4 to 8192 characters."
    )


class SecretChanged(Conflict):
    """Somebody else changed the same secret at the same moment."""

    code, title = "secret-changed", "That secret was just changed"
    hint = "Look at its version, and do it again if it is still needed."


class SecretDamaged(Damaged):
    """A secret does not open with the key of its tenant, or stands in the place of another."""

    code, title = "secret-damaged", "A secret cannot be opened"
    hint = "Set it again; `outpost doctor` says whether more is damaged."
