"""What notices refuse."""

from __future__ import annotations

from appliance.errors import Conflict, InvalidInput, NotFound, Unavailable, Unprocessable


class NoSuchNotice(NotFound):
    """There is none of this id, or not for this person."""

    code, title = "no-such-notice", "There is no such notice"
    hint = "Look at the list again; old notices are removed."


class NoSuchWebhook(NotFound):
    """There is none of this id in this plant, or no such delivery of it."""

    code, title = "no-such-webhook", "There is no such webhook"
    hint = "`outpost webhook list` shows those that there are."


class AddressNotListed(InvalidInput):
    """Nothing is sent to that address."""

    code, title = "webhook-address-refused", "Nothing is sent there"
    hint = "The owner of the box lists the hosts in the setting `webhook_hosts`, as HOST:PORT."


class TooManyWebhooks(Conflict):
    """A plant has as many webhooks as it may have."""

    code, title = "too-many-webhooks", "There are too many webhooks"
    hint = "Remove one that is not needed."


class BadAddress(InvalidInput):
    """No mail goes to such an address."""

    code, title = "bad-mail-address", "That is no address for mail"
    hint = "Write it plainly, such as nora@plant.example."


class MailOff(Conflict):
    """The owner of the box has not said where mail is handed over."""

    code, title = "mail-off", "No mail is sent from here"
    hint = "The owner of the box sets `mail_server` and `mail_sender`."


class MailRefused(Unprocessable):
    """The mail server does not take this mail, however often it is sent."""

    code, title = "mail-refused", "The mail server refused it"
    hint = "Check address, sender, user and the secret `mail` in the vault; `outpost mail test ADDRESS` tries it."


class MailUnavailable(Unavailable):
    """The mail server does not answer, or asks to come back later."""

    code, title = "mail-unavailable", "The mail server does not take mail now"
    hint = "Check that it runs, `mail_server` and `mail_security`, and that its certificate is trusted here."
