"""Why nobody writes, or a provider is not taken. Quotes need neither."""

from __future__ import annotations

from appliance.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable, Unprocessable


class NoWriter(Unavailable):
    """No chat model is in force, all are down, or have too much to do."""

    code, title = "no-writer", "Nothing can be put into words now"
    hint = "The quotes above stand by themselves. An admin sees the state of the chat models under Models."


class NoSuchRoute(Unprocessable):
    """The tier or the model asked for is served by nobody here."""

    code, title = "no-such-route", "Nobody here writes with that model"
    hint = "Name a tier (light, standard, heavy) or a model of `outpost provider list`, or leave it out."


class ModelNotPermitted(Forbidden):
    """The policy pack keeps this model from who asks."""

    code, title = "model-not-permitted", "That model does not write for you"
    hint = "Leave the model out, or ask your site admin; `outpost policy explain models.use writer` names the policy."


class NoSuchProvider(NotFound):
    """No provider has this id or name."""

    code, title = "no-such-provider", "That provider is not there"
    hint = "`outpost provider list` shows those there are."


class ProviderExists(Conflict):
    """Names are given once."""

    code, title = "provider-exists", "There is such a provider already"
    hint = "Choose another name, or change the one there is."


class AddressRefused(Unprocessable):
    """A node asks nobody outside the plant, and in it only who the owner of the box has listed."""

    code, title = "address-refused", "That address is not asked"
    hint = "The owner of the box lists servers of the plant in OUTPOST_MODEL_HOSTS, as HOST:PORT, and starts it again."


class ProviderRefused(Unprocessable):
    """It does not answer, does not have the model, or is a kind that does not exist here."""

    code, title = "provider-refused", "This provider was not taken"
    hint = "See that it runs and serves these models (`GET /v1/models`); nothing was changed."


class BadProvider(InvalidInput):
    """A name or a choice that cannot be."""

    code, title = "bad-provider", "That cannot be said of a provider"
    hint = "Names have small letters, digits and dashes, at most 32; `local` is the node's own."
