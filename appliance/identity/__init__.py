"""Who are they? People, kiosks and sign-in."""

from appliance.identity.kiosks import Kiosks
from appliance.identity.limits import Attempts
from appliance.identity.passwords import Passwords
from appliance.identity.people import People
from appliance.identity.seed import seed_people
from appliance.identity.sign_in import SignIn
from appliance.identity.values import Credential, Lifetimes

__all__ = ["Attempts", "Credential", "Kiosks", "Lifetimes", "Passwords", "People", "SignIn", "seed_people"]
