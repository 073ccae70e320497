"""Decisions about people, with nothing read or written.

Lock-out: six failures in a row lock an account for 15 minutes, whatever comes from where; the first attempt after that
starts to count anew. A clock that was set back must not lock anybody for longer, so a lock that ends later than it
could have begun is over.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from appliance.errors import InvalidInput
from appliance.identity.duties import AUDITOR, gives, takes
from appliance.identity.errors import BeyondOwnClearance, InvalidName, LastAdmin, OwnAccount, WeakPassword, WeakPin
from appliance.identity.values import Person, PersonChange, Role
from appliance.store import Principal

FAILURES: Final = 6
LOCK: Final = dt.timedelta(minutes=15)
PASSWORD_LENGTH: Final = (10, 256)
HIGHEST_CLEARANCE: Final = 3
"""Class IV is readable by nobody on this node, so nobody is cleared for it."""

STEP_UP: Final = frozenset(
    {
        "api_keys.create",
        "api_keys.rotate",
        "approvals.decide",
        "badges.pin",
        "badges.set",
        "factors.enrol",
        "factors.remove",
        "factors.reset",
        "kiosks.enrol",
        "limits.set",
        "passwords.change",
        "people.create",
        "people.update",
        "policy.activate",
        "privacy.erase",
    }
)
"""Actions that are done only by somebody who has just shown that it is them. Of changes to people, only those that
raise a right or give a password (`raises`) ask for it; of limits, only those that widen one."""

WITHOUT_FACTOR: Final = frozenset({"auth.me", "factors.read", "factors.enrol"})
"""All that an admin may do who needs a second factor and has none."""

WITHOUT_PASSWORD: Final = frozenset({"passwords.change"})
"""All that somebody may do whose password was made by somebody else."""

ROLES: Final[tuple[Role, ...]] = ("viewer", "operator", "admin")
CLEARANCES: Final[Mapping[Role, int]] = {"viewer": 2, "operator": 2, "admin": 3}
KIOSK_CLEARANCE: Final = 2
EXPORT_REGIMES: Final = frozenset({"EAR", "ITAR"})
"""What people can be eligible for."""
_USERNAME: Final = re.compile(r"\w[\w.@+-]{0,63}")


def folded(name: str) -> str:
    """One spelling for a name that people type in several."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def username(name: str) -> str:
    """The folded name, if it can be used to sign in. Raises InvalidName."""
    found = folded(name)
    if not _USERNAME.fullmatch(found):
        raise InvalidName("A name to sign in with is missing or has other characters.")
    return found


def display_name(name: str) -> str:
    """Raises InvalidInput unless the name has 1 to 120 visible characters."""
    found = " ".join(unicodedata.normalize("NFC", name).split())
    if not 1 <= len(found) <= 120 or not found.isprintable():
        raise InvalidInput("A name has 1 to 120 visible characters.")
    return found


def password(chosen: str, name: str) -> str:
    """Raises WeakPassword for one that is short, or that holds the name."""
    least, most = PASSWORD_LENGTH
    if not least <= len(chosen) <= most:
        raise WeakPassword(f"A password has {least} to {most} characters.")
    if (len(name) > 2 and name in chosen.casefold()) or len(set(chosen)) < 4:
        raise WeakPassword("The password is too easily guessed.")
    return chosen


def pin(chosen: str) -> str:
    """Raises WeakPin unless it has 6 to 12 digits, not all the same and not counted up or down."""
    if not (6 <= len(chosen) <= 12 and chosen.isascii() and chosen.isdigit()):
        raise WeakPin("A PIN has 6 to 12 digits.")
    steps = {int(after) - int(before) for before, after in pairwise(chosen)}
    if len(steps) == 1 and steps <= {-1, 0, 1}:
        raise WeakPin("The PIN is too easily guessed.")
    return chosen


def badge(code: str) -> str:
    """What a reader read, in one spelling. Raises InvalidInput unless it has 6 to 128 letters and digits."""
    found = "".join(letter for letter in code.casefold() if letter.isalnum())
    if not 6 <= len(found) <= 128:
        raise InvalidInput("A badge has 6 to 128 letters or digits.")
    return found


def locked(until: dt.datetime | None, now: dt.datetime) -> bool:
    return until is not None and now < until <= now + LOCK


def after_failure(failures: int, until: dt.datetime | None, now: dt.datetime) -> tuple[int, dt.datetime | None]:
    """Failures in a row, and until when the account is locked, after one more failure of an unlocked account."""
    counted = 1 if until is not None else failures + 1
    return counted, now + LOCK if counted >= FAILURES else None


def clearance(wanted: int | None, role: Role, actor: Principal) -> int:
    """The clearance a person or kiosk gets: the one asked for, or that of the role within what the actor has.

    Raises:
        InvalidInput: there is no such clearance here.
        BeyondOwnClearance: the actor has less.
    """
    if wanted is None:
        return min(CLEARANCES[role], actor.clearance)
    if not 1 <= wanted <= HIGHEST_CLEARANCE:
        raise InvalidInput(f"A clearance is 1 to {HIGHEST_CLEARANCE}.", hint="Class IV is not served by this node.")
    if wanted > actor.clearance:
        raise BeyondOwnClearance("Nobody can give a clearance above their own.")
    return wanted


def check_change(actor: Principal, person: Person, change: PersonChange, *, other_admins: int) -> None:
    """Whether `actor` may change `person` so, where the tenant has `other_admins` active admins beside them.

    Raises:
        OwnAccount: an admin's rights are changed by another admin.
        LastAdmin: nobody would be left to run the site.
    """
    rights = (change.role, change.clearance, change.is_active, change.export_eligibility, change.duties)
    if actor.id == person.id and any(right is not None for right in rights):
        raise OwnAccount("Your own role, clearance, eligibility, duties and activity are for another admin to change.")
    audits = AUDITOR in (person.duties if change.duties is None else change.duties)
    stays_admin = (change.role or person.role) == "admin" and change.is_active is not False and not audits
    if person.role == "admin" and person.is_active and not stays_admin and other_admins == 0:
        raise LastAdmin("This is the only active admin of the plant.")


def ends_sessions(person: Person, change: PersonChange) -> bool:
    """Whether the person has to sign in anew: what was handed out before must not outlive a lower right."""
    lowered = change.clearance is not None and change.clearance < person.clearance
    lost = change.export_eligibility is not None and not person.export_eligibility <= set(change.export_eligibility)
    ended = change.is_active is False or change.password is not None
    taken = change.duties is not None and takes(person.duties, change.duties)
    return ended or lowered or lost or taken or change.role not in {None, person.role}


def raises(person: Person, change: PersonChange) -> bool:
    """Whether the change gives the person more, or lets somebody else be them."""
    higher = change.role is not None and ROLES.index(change.role) > ROLES.index(person.role)
    cleared = change.clearance is not None and change.clearance > person.clearance
    eligible = not set(change.export_eligibility or ()) <= person.export_eligibility
    switched_on = change.is_active is True and not person.is_active
    given = change.duties is not None and gives(person.duties, change.duties)
    return higher or cleared or eligible or given or switched_on or change.password is not None


def lower(one: Role, other: Role) -> Role:
    return min(one, other, key=ROLES.index)
