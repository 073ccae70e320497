"""Everything about identity providers, put together for one process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.identity.federation.api import Federation
from appliance.identity.federation.arrivals import Arrivals
from appliance.identity.federation.asking import TokenEndpoint
from appliance.identity.federation.bearer import Identities, Verifier
from appliance.identity.federation.confirming import Confirmations
from appliance.identity.federation.grants import Grants
from appliance.identity.federation.keys import IssuerKeys, KeyFile, Keys
from appliance.identity.federation.oidc import CodeFlow
from appliance.identity.federation.providers import Providers
from appliance.identity.federation.reach import Reach
from appliance.identity.federation.saml import SamlFlow
from appliance.identity.limits import Attempts
from appliance.identity.ports import Memberships, Records
from appliance.identity.sign_in import SignIn
from appliance.store import Store


@dataclass(frozen=True, slots=True)
class Outside:
    """What the owner of the box says of identity providers.

    Attributes:
        hosts: those that may be asked, as HOST:PORT.
        beyond: whether addresses outside the plant may be among them.
        key_file: public keys of issuers; None where there is no such file.
        public_url: what people type to reach the box.
    """

    hosts: Sequence[str] = ()
    beyond: bool = False
    key_file: Path | None = None
    public_url: str = ""


def assembled(
    store: Store,
    recorder: Records,
    sign_in: SignIn,
    outside: Outside,
    *,
    attempts: Attempts,
    memberships: Memberships | None = None,
    admins_need_factor: bool,
) -> tuple[Federation, Identities]:
    """The services, and who is behind a token; `federation.keys.issuers` is to be closed by the caller."""
    providers = Providers(store)
    reach = Reach(outside.hosts, beyond=outside.beyond)
    keys = Keys(KeyFile(outside.key_file), IssuerKeys(reach))
    verifier = Verifier(providers, keys)
    grants = Grants(store, recorder, providers, keys.issuers, verifier, reach)
    sign_in.ask_first(grants.renew)
    arrivals = Arrivals(store, recorder, sign_in, attempts=attempts, grants=grants)
    confirmations = Confirmations(store, providers, arrivals, admins_need_factor=admins_need_factor)
    url = outside.public_url
    oidc = CodeFlow(
        providers, keys.issuers, verifier, TokenEndpoint(providers, reach), arrivals, confirmations, public_url=url
    )
    saml = SamlFlow(providers, arrivals, confirmations, public_url=url)
    identities = Identities(
        sign_in, verifier, store, recorder, memberships=memberships, admins_need_factor=admins_need_factor
    )
    return Federation(providers, keys, arrivals, oidc, saml, confirmations, url), identities
