"""A company's side: issuers with keys of their own, and a node that is told to trust them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from appliance.identity.federation.bearer import Identities, Verifier
from appliance.identity.federation.grants import Grants
from appliance.identity.federation.keys import IssuerKeys, KeyFile, Keys
from appliance.identity.federation.providers import Providers
from appliance.identity.federation.reach import Reach
from appliance.identity.federation.values import Kind, Provider
from appliance.store import Principal, Store, Tenant, new_id
from tests.identity.site import Site

ISSUER = "https://login.example.plant/realms/works"
CLIENT = "outpost"
GROUPS: dict[str, Any] = {"plant-operators": "operator", "plant-admins": "admin", "plant-viewers": "viewer"}
_RSA = RSAKey.generate_key(2048, {"kid": "key-1", "use": "sig"})


class Issuer:
    """Makes tokens as an identity provider does; every claim can be changed, left out with `...`, or added."""

    def __init__(self, issuer: str = ISSUER, key: RSAKey | ECKey = _RSA, algorithm: str = "RS256") -> None:
        self.issuer, self.key, self.algorithm = issuer, key, algorithm

    @classmethod
    def other(cls, issuer: str, kid: str = "key-1") -> Issuer:
        return cls(issuer, RSAKey.generate_key(2048, {"kid": kid, "use": "sig"}))

    @classmethod
    def curve(cls) -> Issuer:
        return cls(ISSUER, ECKey.generate_key("P-256", {"kid": "curve", "use": "sig"}), "ES256")

    def public(self, **members: Any) -> dict[str, Any]:
        """The key as it stands in a set, without its secret part."""
        return {**self.key.as_dict(private=False), **members}

    def claims(self, now: dt.datetime, **changed: Any) -> dict[str, Any]:
        made = int(now.timestamp())
        body = {
            "iss": self.issuer, "aud": CLIENT, "sub": "f3c1-nora", "iat": made, "exp": made + 600,
            "preferred_username": "nora", "name": "Nora North", "groups": ["plant-operators"], "tenant_id": "north",
        } | changed  # fmt: skip
        return {name: value for name, value in body.items() if value is not ...}

    def token(self, now: dt.datetime, header: Any = None, **changed: Any) -> str:
        head = {"alg": self.algorithm, "kid": self.key.kid} | (header or {})
        return self.sign(head, self.claims(now, **changed))

    def sign(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        return jwt.encode(header, claims, self.key, algorithms=[header["alg"]])


def write_keys(path: Path, *issuers: Issuer, **members: Any) -> None:
    path.write_text(json.dumps({"keys": [one.public(**members) for one in issuers]}))


def keys_of(*issuers: Issuer) -> KeySet:
    return KeySet([one.key for one in issuers])


class FederatedSite(Site):
    """A site that trusts issuers: settings, keys in a file, and whoever is behind a token."""

    def __init__(self, store: Store, folder: Path, *, allowed: Sequence[str] = (), beyond: bool = False) -> None:
        super().__init__(store)
        self.key_file = folder / "jwks.json"
        self.reach = Reach(allowed, beyond=beyond)
        self.file_keys = KeyFile(self.key_file, monotonic=self.clock.seconds)
        self.issuer_keys = IssuerKeys(self.reach, monotonic=self.clock.seconds)
        self.keys = Keys(self.file_keys, self.issuer_keys)
        self.providers = Providers(store, clock=self.clock, monotonic=self.clock.seconds)
        self.verifier = Verifier(self.providers, self.keys, clock=self.clock)
        self.grants = self.grants_by(self.issuer_keys, self.reach)

    def grants_by(self, issuers: IssuerKeys, reach: Reach) -> Grants:
        return Grants(
            self.store, self.record, self.providers, issuers, self.verifier, reach,
            clock=self.clock, monotonic=self.clock.seconds,
        )  # fmt: skip

    @property
    def identities(self) -> Identities:
        """A process of its own each time, as `sign_in` is."""
        return Identities(
            self.sign_in, self.verifier, self.store, self.record, admins_need_factor=self.admins_need_factor,
            clock=self.clock, monotonic=self.clock.seconds,
        )  # fmt: skip

    async def trust(
        self, tenant: Tenant, *, secret: str | None = None, kind: Kind = "oidc", clearance: int = 3, **changed: Any
    ) -> Provider:
        """Set the tenant's provider; the other kind stays."""
        plain = Provider(
            id=new_id(), tenant_id=tenant.id, kind=kind, title="Works login", issuer=ISSUER, client_id=CLIENT,
            profile="keycloak", groups=GROUPS, allow_new=True,
        )  # fmt: skip
        others = {one.kind: (one, None) for one in await self.providers.of(self.admitted(tenant))}
        wanted: dict[Kind, tuple[Provider, str | None]] = {**others, kind: (replace(plain, **changed), secret)}
        found = await self.providers.put(self.admitted(tenant, clearance=clearance), wanted)
        self.clock.since_start += 5  # longer than settings are remembered
        return next(one for one in found if one.kind == kind)

    async def enters(self, token: str) -> Principal:
        return await self.identities.authenticate(token)

    def later(self, seconds: float = 5) -> None:
        self.clock.pass_(seconds=seconds)


Role = Literal["viewer", "operator", "admin"]
