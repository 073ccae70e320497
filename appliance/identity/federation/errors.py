"""Why somebody whom an identity provider sent is not let in, and what cannot be set up."""

from __future__ import annotations

from appliance.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated, Unavailable


class OutsideRefused(Unauthenticated):
    """What the identity provider, or somebody in its name, sent does not prove who it is; why stands in the record."""

    code, title = "outside-refused", "That sign-in could not be verified"
    hint = "Begin again from the sign-in page; if it happens again, your admin finds the reason in the record."

    def __init__(self, why: str = "") -> None:
        super().__init__("What the identity provider sent could not be verified.")
        self.why = why
        """For the record and the log; a fixed text, never what was sent."""


class NoRoleHere(Forbidden):
    """The provider vouches for the person, but none of their groups means a role here."""

    code, title = "no-role-here", "You have no role here yet"
    hint = "Ask your admin to give you one of the groups that this plant knows."


class NoSecondFactor(Forbidden):
    """The token of an admin does not say that its issuer asked for a second factor, and this node asks admins for one."""

    code, title = "no-second-factor", "An admin needs a second factor here"
    hint = "Sign in at the sign-in page, or have your identity provider ask for a second factor and say so (`amr`)."


class NotInvited(Forbidden):
    """The provider vouches for the person, but nobody here knows them, and new people are not taken in by themselves."""

    code, title = "not-invited", "You are not known here yet"
    hint = "Ask your admin to let new people of your identity provider in."


class NameHeld(Conflict):
    """A person of this plant already has the name that the provider gives; it is not taken from them."""

    code, title = "name-held", "Somebody here has that name already"
    hint = "Ask your admin: one of the two needs another name to sign in with."


class NotOffered(NotFound):
    """The plant has no such identity provider, or has switched it off."""

    code, title = "sign-in-not-offered", "That way to sign in is not offered here"
    hint = "Sign in with name and password, or ask your admin."


class LocalSignInOff(Forbidden):
    """The plant's people sign in at its identity provider; names and passwords of this node are for when that is lost."""

    code, title = "local-sign-in-off", "Sign in with your company's account"
    hint = "If the identity provider is lost, the owner of the box sets OUTPOST_LOCAL_SIGN_IN=on and starts it again."


class ProviderUnreachable(Unavailable):
    """The identity provider could not be asked."""

    code, title = "identity-provider-unreachable", "The identity provider cannot be reached"
    hint = "Try again in a moment, or sign in with name and password."


class AddressNotListed(InvalidInput):
    """The address of an identity provider is not on the list of the box's owner, or lies where a node must not ask."""

    code, title = "identity-address-refused", "That address cannot be asked"
    hint = "The owner of the box lists identity providers in OUTPOST_IDENTITY_HOSTS, as HOST:PORT."


class BadKeys(InvalidInput):
    """A set of keys that cannot be used."""

    code, title = "bad-keys", "Those keys cannot be used"
    hint = "Write a JSON Web Key Set with the public keys of the issuer: RSA of 2048 bits or more, or EC P-256."


class BadProvider(InvalidInput):
    """The settings of an identity provider do not make sense."""

    code, title = "bad-identity-provider", "Those sign-in settings cannot be used"
    hint = "See docs/administer/sign-in.md."
