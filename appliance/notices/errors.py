"""What notices refuse."""

from __future__ import annotations

from appliance.errors import Conflict, InvalidInput, NotFound


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
