"""Why a model is not taken, or not put in force. Whatever was in force before still is."""

from __future__ import annotations

from appliance.errors import Conflict, InvalidInput, NotFound, Unavailable, Unprocessable


class NoSuchModel(NotFound):
    """No package with this id or name is on the shelf."""

    code, title = "no-such-model", "That model is not on the shelf"
    hint = "`outpost model list` shows what is there."


class ModelRefusedHere(Unprocessable):
    """The file is no model that can be served here, was altered, or did not pass its trial."""

    code, title = "model-refused", "This model was not taken"
    hint = "Get the file again from where it came, or choose another model; the one in force goes on."


class ModelDoesNotFit(Conflict):
    """The box has too little free memory, or too little free disk."""

    code, title = "model-does-not-fit", "This model does not fit on this box"
    hint = "Take a smaller model or one with fewer bits, or make room; the one in force goes on."


class ChatNotInstalled(Unavailable):
    """This installation has no chat server. Quotes need none."""

    code, title = "chat-not-installed", "The chat server is not installed"
    hint = "Run `make chat` where the appliance was set up; it builds llama.cpp once."


class ModelInUse(Conflict):
    """What is in force can be neither removed nor put in force again."""

    code, title = "model-in-use", "That model is in force"
    hint = "Put another one in force first, or `outpost model deactivate`."


class ShelfBusy(Conflict):
    """One change of the shelf at a time."""

    code, title = "shelf-busy", "Another model is being worked on"
    hint = "Wait until it is done; `outpost model list` shows how far it is."


class NothingBefore(Conflict):
    """There is no earlier model to go back to."""

    code, title = "nothing-before", "There is no earlier model"
    hint = "Put a model of the list in force by its name."


class BadModelName(InvalidInput):
    """A name or a tier that a model cannot have, or a path that is not this person's to read."""

    code, title = "bad-model-name", "A model cannot be called or found so"
    hint = "A name has letters, digits, dots and dashes, at most 64; put files into the import folder of the node."
