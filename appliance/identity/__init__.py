"""Who are they? People, kiosks and sign-in."""

from appliance.identity.api_keys import ApiKeys
from appliance.identity.badges import Badges
from appliance.identity.factors import Factors
from appliance.identity.kiosks import Kiosks
from appliance.identity.limits import Attempts
from appliance.identity.passwords import Passwords
from appliance.identity.people import People
from appliance.identity.proofs import Proofs
from appliance.identity.seed import seed_people
from appliance.identity.sign_in import SignIn
from appliance.identity.step_ups import StepUps
from appliance.identity.values import Credential, Lifetimes

__all__ = [
    "ApiKeys",
    "Attempts",
    "Badges",
    "Credential",
    "Factors",
    "Kiosks",
    "Lifetimes",
    "Passwords",
    "People",
    "Proofs",
    "SignIn",
    "StepUps",
    "seed_people",
]
