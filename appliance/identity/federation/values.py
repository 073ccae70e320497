"""Identity providers and those they vouch for, as the rest of identity sees them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from appliance.identity.values import Role
from appliance.store import TenantId

Kind = Literal["oidc", "saml"]
Profile = Literal["generic", "entra", "keycloak", "auth0"]


@dataclass(frozen=True, slots=True)
class Provider:
    """How a tenant trusts one identity provider; a tenant has at most one of each kind.

    Attributes:
        issuer: the issuer of its tokens (OIDC), or its entity id (SAML), letter by letter.
        groups: a group or role at the provider, and the role it means here.
        default_role: for people whose groups mean nothing here; None refuses them.
        allow_new: whether somebody unknown becomes a person at the first sign-in.
        directory_ids: Entra directories (`tid`) that are this tenant.
        own_client: the client at the provider is this tenant's alone, so that a token need not name the tenant.
        most_clearance: of whoever set this up; nobody gives more than they have.
        sso_url, certificates: of a SAML provider: where people are sent, and PEM texts that its signatures are held against.
    """

    id: UUID
    tenant_id: TenantId
    kind: Kind
    title: str
    issuer: str
    enabled: bool = True
    profile: Profile = "generic"
    client_id: str = ""
    audience: str = ""
    groups: Mapping[str, Role] = field(default_factory=dict)
    groups_claim: str = ""
    name_claim: str = ""
    default_role: Role | None = None
    allow_new: bool = False
    directory_ids: tuple[str, ...] = ()
    own_client: bool = False
    most_clearance: int = 1
    sso_url: str = ""
    certificates: tuple[str, ...] = ()
    has_secret: bool = False
    changed_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Outsider:
    """Somebody whom a provider vouches for. `said_at` is when it did: the newest word counts."""

    issuer: str
    external_id: str
    username: str
    display_name: str
    groups: frozenset[str]
    said_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """That a provider had somebody show who they are.

    Attributes:
        at: when, in seconds since 1970; None where it does not say.
        second_factor: whether it says that it asked for more than one thing.
    """

    external_id: str
    at: float | None
    second_factor: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at when an admin asked whether people of a provider would get in."""

    kind: Kind
    subject: str
    ok: bool
    fact: str
