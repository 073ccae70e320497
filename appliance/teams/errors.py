"""What teams refuse."""

from __future__ import annotations

from appliance.errors import Conflict, InvalidInput, NotFound


class UnknownTeam(NotFound):
    """There is no such team in this plant."""

    code, title = "no-such-team", "There is no such team here"
    hint = "The list of teams shows those that you are in."


class NotInTeam(NotFound):
    """The person is not in the team."""

    code, title = "not-in-team", "That person is not in the team"
    hint = "The team itself shows who is in it."


class GuestRefused(NotFound):
    """Somebody who is not of this plant was to be put into a team of it."""

    code, title = "no-guests", "Only people of this plant can be in its teams"
    hint = "Make an account for them in this plant."


class BadTeam(InvalidInput):
    """A name, a short name or settings that no team can have."""

    code, title = "bad-team", "A team cannot be called that"
    hint = "A name has 1 to 80 characters; a short name small letters, digits and dashes; settings are at most 4 KiB."


class TeamExists(Conflict):
    """Another team of the plant has this short name."""

    code, title = "team-exists", "Another team has this short name"
    hint = "Choose another short name."


class TeamHolds(Conflict):
    """Something belongs to the team, so that it cannot be removed."""

    code, title = "team-holds", "Something still belongs to the team"
    hint = "Delete what belongs to it first; only those who are in the team see it."
