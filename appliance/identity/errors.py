"""Why somebody is not signed in, and what cannot be done with people and kiosks."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.errors import Conflict, Forbidden, InvalidInput, NotFound, TooManyRequests, Unauthenticated


class SignInRefused(Unauthenticated):
    """Tenant, name and password do not fit, or the account is locked: which of these is not said."""

    code, title = "sign-in-refused", "Sign-in refused"
    hint = "Check tenant, name and password. After six failures an account is locked for 15 minutes; an admin can unlock it."

    def __init__(self) -> None:
        super().__init__("Tenant, name and password do not fit, or the account is locked.")


class SecondFactorRequired(Unauthenticated):
    """The password is right and the account has a second factor.

    `challenge` is good for nothing but answering it with a code of that factor, for five minutes; `kinds` are at hand.
    """

    code, title = "second-factor-required", "One more step"
    hint = "Give the code of your authenticator app, or a recovery code."

    def __init__(self, challenge: str, kinds: Sequence[str]) -> None:
        super().__init__("This account has a second factor.", challenge=challenge, kinds=list(kinds))


class SecondFactorRefused(Unauthenticated):
    """The code is wrong or was used, the step is too old, or the account is locked: which of these is not said."""

    code, title = "second-factor-refused", "The code does not work"
    hint = "Wait for the app's next code. If the clock of the app or the node is wrong, use a recovery code."

    def __init__(self) -> None:
        super().__init__("The code does not fit, was used already, or the account is locked.")


class ProofRefused(Forbidden):
    """Somebody who is signed in could not show again that it is them."""

    code, title = "proof-refused", "That could not be confirmed"
    hint = "With a second factor, give its next code; without one, your password. Six failures lock the account for 15 minutes."

    def __init__(self) -> None:
        super().__init__("The password or code does not fit, or the account is locked.")


class StepUpRequired(Forbidden):
    """The action asks who is signed in to show again that it is them."""

    code, title = "step-up-required", "Please confirm that it is you"
    hint = (
        "Give your next code, or your password where you have no second factor (POST /v1/auth/step-up, then X-Step-Up)."
    )

    def __init__(self, action: str, resource: str) -> None:
        super().__init__("This asks you to confirm that it is you.", action=action, resource=resource)


class StepUpRefused(Forbidden):
    """The step-up is for another action, resource or session, was used, or is older than two minutes."""

    code, title = "step-up-refused", "That confirmation does not serve"
    hint = "Confirm again; each confirmation is good once, for one action on one thing."

    def __init__(self) -> None:
        super().__init__("The step-up is not for this, was used, or is too old.")


class NoStepUp(InvalidInput):
    """The action is one that no step-up is asked for."""

    code, title = "no-step-up", "No confirmation is needed for that"
    hint = "Leave the step-up out."


class FactorExists(Conflict):
    """A person has one authenticator app at a time."""

    code, title = "factor-exists", "There is an authenticator app already"
    hint = "Remove it first, or use it."


class KeyUnavailable(Conflict):
    """Security keys belong to a name that the node is reached by over TLS; this is none, or the person has none for it."""

    code, title = "security-key-unavailable", "Security keys do not work here"
    hint = "Reach the node by its name over TLS, with the key that was set up there; or use another factor."


class FactorRefused(InvalidInput):
    """The first code of a new factor does not fit, so it was not taken."""

    code, title = "factor-refused", "The new factor does not work yet"
    hint = "Check that the clock of the device is right, and give the code it shows now."


class UnknownFactor(NotFound):
    """The person has no such factor."""

    code, title = "unknown-factor", "There is no such factor"


class NotAPerson(Forbidden):
    """Factors and step-up belong to people who have signed in, badges are read at kiosks."""

    code, title = "not-a-person", "Not for who asks"


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


class KeyRefused(Unauthenticated):
    """The API key is unknown, revoked or too old, or its maker is switched off."""

    code, title = "api-key-refused", "The API key does not work"
    hint = "Ask an admin for a new key; `outpost key list` shows which there are."

    def __init__(self) -> None:
        super().__init__("The API key is not valid, or not any more.")


class UnknownApiKey(NotFound):
    """No such key in this tenant."""

    code, title = "unknown-api-key", "There is no such API key here"


class ApiKeyOver(Conflict):
    """A key that was revoked is not brought back."""

    code, title = "api-key-over", "That key was revoked"
    hint = "Make a new one."


class ScopeRefused(InvalidInput):
    """A key is to do what its maker or its role may not do, or what no action is called."""

    code, title = "scope-refused", "The key cannot have these scopes"
    hint = "Scopes are names of actions, such as chat.ask or documents.upload, that you and the key's role may do."

    def __init__(self, scopes: Sequence[str]) -> None:
        super().__init__("Some scopes cannot be given.", scopes=list(scopes))


class BadgeRefused(Unauthenticated):
    """The badge is unknown or its person switched off, the PIN is wrong or locked: which of these is not said."""

    code, title = "badge-refused", "Badge or PIN refused"
    hint = "Try again. After six wrong PINs the PIN is locked for 15 minutes; the badge alone still opens what a viewer may."

    def __init__(self) -> None:
        super().__init__("The badge is not known here, or the PIN does not fit or is locked.")


class BadgeTaken(Conflict):
    """Somebody else has this badge."""

    code, title = "badge-taken", "That badge is somebody's already"
    hint = "Remove it there first, or use another badge."


class NoBadge(NotFound):
    """The person has no badge, which a PIN belongs to."""

    code, title = "no-badge", "There is no badge"
    hint = "An admin gives out badges."


class WeakPin(InvalidInput):
    """A PIN that is guessed too easily."""

    code, title = "weak-pin", "That PIN is too weak"
    hint = "Use 6 to 12 digits that are neither all the same nor counted up or down."
