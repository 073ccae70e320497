"""Who people are: sign-in, second factors, kiosks, keys, and the identity providers outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from appliance.compose.foundation import Foundation
from appliance.identity.api_keys import ApiKeys
from appliance.identity.badges import Badges
from appliance.identity.factors import Factors
from appliance.identity.federation.api import Federation
from appliance.identity.federation.assembly import Outside, assembled
from appliance.identity.federation.bearer import Identities
from appliance.identity.kiosks import Kiosks
from appliance.identity.limits import Attempts
from appliance.identity.passwords import Passwords
from appliance.identity.people import People
from appliance.identity.proofs import Proofs
from appliance.identity.sign_in import SignIn
from appliance.identity.step_ups import StepUps
from appliance.identity.tenants import Tenants
from appliance.settings import DEMO_MARK
from appliance.teams.service import Memberships


@dataclass(frozen=True, slots=True)
class Identity:
    """The services about people, by the name that handlers ask for them with, and who is behind a token."""

    people: People
    kiosks: Kiosks
    federation: Federation
    identities: Identities
    services: Mapping[str, Any]

    async def close(self) -> None:
        await self.federation.keys.issuers.close()


def identity_of(base: Foundation, passwords: Passwords) -> Identity:
    """An address has one budget of failed attempts for each way in."""
    settings, store, recorder = base.settings, base.store, base.recorder
    people, kiosks = People(store, passwords=passwords), Kiosks(store, recorder, attempts=Attempts())
    attempts, factors = Attempts(), Factors(store)
    proofs = Proofs(store, recorder, passwords=passwords, factors=factors, attempts=attempts)
    demo = (settings.data / DEMO_MARK).exists()
    needed = settings.admins_need_factor(demo=demo)
    memberships = Memberships(store)
    sign_in = SignIn(
        store, recorder, passwords=passwords, factors=factors, attempts=attempts, memberships=memberships,
        admins_need_factor=needed, own_passwords=settings.passwords_are_own(demo=demo), local=settings.local_sign_in,
    )  # fmt: skip
    outside = Outside(settings.identity_hosts, settings.role == "hub", settings.jwks_local_path, settings.public_url)
    federation, identities = assembled(
        store, recorder, sign_in, outside, attempts=Attempts(), memberships=memberships, admins_need_factor=needed
    )
    services = {
        "people": people,
        "kiosks": kiosks,
        "sign_in": sign_in,
        "factors": factors,
        "proofs": proofs,
        "step_ups": StepUps(store, recorder, proofs=proofs),
        "api_keys": ApiKeys(store, base.policy),
        "badges": Badges(store, recorder, passwords=passwords, attempts=Attempts()),
        "federation": federation,
        "tenants": Tenants(store),
    }
    return Identity(people, kiosks, federation, identities, services)
