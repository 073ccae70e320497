"""Why somebody is not signed in, and what cannot be done with people and kiosks."""

from __future__ import annotations

from appliance.errors import Conflict, Forbidden, InvalidInput, NotFound, TooManyRequests, Unauthenticated


class SignInRefused(Unauthenticated):
    """Tenant, name and password do not fit, or the account is locked: which of these is not said."""

    code, title = "sign-in-refused", "Sign-in refused"
    hint = "Check tenant, name and password. After six failures an account is locked for 15 minutes; an admin can unlock it."

    def __init__(self) -> None:
        super().__init__("Tenant, name and password do not fit, or the account is locked.")


class TooManyAttempts(TooManyRequests):
    """More failed attempts came from one address than a person makes."""

    code, title = "too-many-attempts", "Too many failed attempts"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Try again in {retry_after} seconds.", retry_after=retry_after)


class TokenRefused(Unauthenticated):
    """The token is not ours, was altered, or has expired."""

    code, title = "token-refused", "The sign-in has expired"


class SessionEnded(Unauthenticated):
    """The session was signed out, replaced or withdrawn."""

    code, title = "session-ended", "The session has ended"


class KioskRefused(Unauthenticated):
    """The kiosk is unknown or revoked, or could not prove that it holds its key."""

    code, title = "kiosk-refused", "The kiosk could not sign in"
    hint = "Ask for a new challenge and sign it; if that fails again, enrol the kiosk anew."


class PersonInactive(Forbidden):
    """The account is switched off."""

    code, title = "person-inactive", "This account is switched off"
    hint = "Ask your site admin to switch the account on."


class TenantInactive(Forbidden):
    """The tenant is switched off."""

    code, title = "tenant-inactive", "This plant is switched off"
    hint = "Ask the owner of this node to switch the tenant on."


class EnrolmentRefused(Forbidden):
    """The enrolment code is unknown, used, or too old."""

    code, title = "enrolment-refused", "The enrolment code does not work"
    hint = "A code works once, for 24 hours. Ask an admin for a new one."


class NoTenant(NotFound):
    """The data directory has no such tenant, or none at all."""

    code, title = "no-tenant", "There is no such tenant"
    hint = "Check the tenant's short name; `outpost doctor` names the tenants of a node."


class UnknownPerson(NotFound):
    """No such person in this tenant."""

    code, title = "unknown-person", "There is no such person here"


class UnknownKiosk(NotFound):
    """No such kiosk in this tenant."""

    code, title = "unknown-kiosk", "There is no such kiosk here"


class UsernameTaken(Conflict):
    """Another person of the tenant has this name."""

    code, title = "username-taken", "That name is taken"
    hint = "Choose another name to sign in with."


class LastAdmin(Conflict):
    """The change would leave the tenant without an admin."""

    code, title = "last-admin", "A plant needs an admin"
    hint = "Make somebody else an admin first."


class OwnAccount(Forbidden):
    """Role, clearance and activity are never one's own to change."""

    code, title = "own-account", "Not on your own account"
    hint = "Ask another admin."


class BeyondOwnClearance(Forbidden):
    """Nobody gives more than they have."""

    code, title = "beyond-own-clearance", "That is more than you have yourself"
    hint = "Ask an admin who holds that clearance."


class KeyKnown(Conflict):
    """A kiosk with this key is enrolled already."""

    code, title = "kiosk-key-known", "That key belongs to a kiosk already"
    hint = "Make a new key on the device and enrol again."


class InvalidName(InvalidInput):
    """A name that cannot be used for signing in."""

    code, title = "invalid-username", "That name cannot be used"
    hint = "Use 1 to 64 letters, digits and . _ @ + -, beginning with a letter or digit."


class WeakPassword(InvalidInput):
    """A password that is guessed too easily."""

    code, title = "weak-password", "That password is too weak"
    hint = "Use at least 10 characters that do not contain the name, or leave it out to get a generated one."


class InvalidKey(InvalidInput):
    """Not a public P-256 key."""

    code, title = "invalid-kiosk-key", "That key cannot be used"
    hint = 'Send the public key as a JWK with kty "EC" and crv "P-256".'
