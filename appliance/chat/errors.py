"""What may go wrong in a conversation."""

from __future__ import annotations

from appliance.errors import Forbidden, NotFound, Unprocessable


class NothingToWord(Unprocessable):
    """The documents hold no answer to this question, or one that is to be read as it stands."""

    code, title = "nothing-to-word", "There is nothing to put into words"
    hint = "Read the quotes, or ask in other words."


class NoSuchConversation(NotFound):
    """It does not exist, was deleted, or belongs to somebody else; which of these is not told."""

    code, title = "no-such-conversation", "That conversation is not there"
    hint = "Start a new one."


class NoSuchAnswer(NotFound):
    """Feedback points at an answer that was not given to this person."""

    code, title = "no-such-answer", "That answer is not there"
    hint = "Rate an answer that you were given."


class KioskKeepsNothing(Forbidden):
    """A kiosk is anybody's: words typed there are answered, and not kept."""

    code, title = "kiosk-keeps-nothing", "A kiosk keeps no words"
    hint = "Sign in at the console to keep a conversation or to leave a comment."
