"""What goes over HTTP about identity providers. A client's secret goes in and never comes out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field

from appliance.identity.federation import claims
from appliance.identity.federation.values import Finding, Kind, Profile, Provider
from appliance.identity.schemas import Body
from appliance.identity.values import Role
from appliance.store import TenantId
from appliance.web import Flag, at_most

RoleWord = Literal["viewer", "user", "operator", "admin"]
Title = Annotated[
    str, Field(min_length=1, max_length=60, description="What people know it by: the page says `Sign in with …`.")
]
Issuer = Annotated[str, Field(min_length=1, max_length=300)]
Word = Annotated[str, Field(max_length=255)]
Groups = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=256)], RoleWord],
    at_most(200),
    Field(description="A group or role at the provider, and the role here; `user` is `operator`."),
]
NOBODY: Final = UUID(int=0)


class Settings(Body):
    """What both kinds have."""

    title: Title
    issuer: Issuer
    groups: Groups = Field(default_factory=dict)
    default_role: Annotated[RoleWord | None, Field(description="For people whose groups mean nothing here.")] = None
    allow_new: Annotated[Flag, Field(description="Take people in at their first sign-in.")] = False
    enabled: Flag = True
    groups_claim: Annotated[Word, Field(description="Where groups stand; empty for the profile's own places.")] = ""
    name_claim: Annotated[Word, Field(description="Where the name to sign in with stands; empty as above.")] = ""


class OidcSettings(Settings):
    client_id: Annotated[str, Field(min_length=1, max_length=255)]
    client_secret: Annotated[
        str | None, Field(max_length=512, description="Left out, it stays; empty, there is none.")
    ] = None
    audience: Annotated[Word, Field(description="Of tokens used on the API; empty for the client id.")] = ""
    profile: Profile = "generic"
    directory_ids: list[Annotated[str, Field(max_length=64)]] = Field(
        default_factory=list, max_length=20, description="Entra directories (`tid`) that are this plant."
    )
    own_client: Annotated[
        Flag, Field(description="The client is this plant's alone; its tokens need not name the plant.")
    ] = False

    def provider(self, tenant_id: TenantId) -> Provider:
        return Provider(
            tenant_id=tenant_id,
            kind="oidc",
            client_id=self.client_id,
            audience=self.audience,
            profile=self.profile,
            directory_ids=tuple(self.directory_ids),
            own_client=self.own_client,
            **_shared(self),  # type: ignore[arg-type]  # checked by pydantic
        )


class SamlSettings(Settings):
    """`issuer` is the entity id of the identity provider."""

    sso_url: Annotated[str, Field(min_length=1, max_length=300, description="Where people are sent (HTTP-Redirect).")]
    certificates: Annotated[
        list[Annotated[str, Field(max_length=8192)]],
        Field(min_length=1, max_length=5, description="PEM, those that signatures are held against."),
    ]

    def provider(self, tenant_id: TenantId) -> Provider:
        return Provider(
            tenant_id=tenant_id,
            kind="saml",
            sso_url=self.sso_url,
            certificates=tuple(self.certificates),
            **_shared(self),  # type: ignore[arg-type]  # checked by pydantic
        )


class SignInSettings(Body):
    """The whole of a tenant's settings; a kind that is left out is none any more."""

    oidc: OidcSettings | None = None
    saml: SamlSettings | None = None

    def wanted(self, tenant_id: TenantId) -> dict[Kind, tuple[Provider, str | None]]:
        found: dict[Kind, tuple[Provider, str | None]] = {}
        if self.oidc is not None:
            found["oidc"] = self.oidc.provider(tenant_id), self.oidc.client_secret
        if self.saml is not None:
            found["saml"] = self.saml.provider(tenant_id), None
        return found


class ProviderView(Body):
    title: str
    issuer: str
    groups: dict[str, Role]
    default_role: Role | None
    allow_new: bool
    enabled: bool
    groups_claim: str
    name_claim: str
    changed_at: dt.datetime | None


class OidcView(ProviderView):
    client_id: str
    has_secret: bool
    audience: str
    profile: Profile
    directory_ids: list[str]
    own_client: bool
    redirect_uri: Annotated[str, Field(description="To be registered at the provider.")]


class SamlView(ProviderView):
    sso_url: str
    certificates: list[str]
    entity_id: Annotated[str, Field(description="Of this plant, to be registered at the provider.")]
    acs_url: Annotated[str, Field(description="Where the provider sends people back to.")]


class SignInView(Body):
    oidc: OidcView | None
    saml: SamlView | None

    @classmethod
    def of(cls, providers: Iterable[Provider], public_url: str, slug: str) -> Self:
        by_kind = {one.kind: one for one in providers}
        oidc, saml = by_kind.get("oidc"), by_kind.get("saml")
        return cls(
            oidc=None if oidc is None else _oidc(oidc, public_url, slug),
            saml=None if saml is None else _saml(saml, public_url, slug),
        )


class Way(Body):
    """A link of the sign-in page."""

    kind: Kind
    title: str
    start: str


class WaysView(Body):
    items: list[Way]


class FindingView(Body):
    kind: Kind
    subject: str
    ok: bool
    fact: str

    @classmethod
    def of(cls, finding: Finding) -> Self:
        return cls(kind=finding.kind, subject=finding.subject, ok=finding.ok, fact=finding.fact)


class FindingsView(Body):
    items: list[FindingView]


class Exchange(Body):
    code: Annotated[str, Field(min_length=1, max_length=128)]


class SamlResponse(BaseModel):
    """A form of the HTTP-POST binding; providers add fields of their own."""

    SAMLResponse: Annotated[str, Field(max_length=400_000)]


def way(provider: Provider, public_url: str, slug: str) -> Way:
    start = f"{public_url}/v1/auth/{provider.kind}/{slug}/start"
    return Way(kind=provider.kind, title=provider.title, start=start)


def redirect_uri(public_url: str, slug: str) -> str:
    return f"{public_url}/v1/auth/oidc/{slug}/callback"


def entity_id(public_url: str, slug: str) -> str:
    return f"{public_url}/v1/auth/saml/{slug}/metadata"


def acs_url(public_url: str, slug: str) -> str:
    return f"{public_url}/v1/auth/saml/{slug}/acs"


def _shared(settings: Settings) -> dict[str, object]:
    return {
        "id": NOBODY,
        "title": settings.title,
        "issuer": settings.issuer,
        "groups": {name: claims.ALIASES[word] for name, word in settings.groups.items()},
        "default_role": None if settings.default_role is None else claims.ALIASES[settings.default_role],
        "allow_new": settings.allow_new,
        "enabled": settings.enabled,
        "groups_claim": settings.groups_claim,
        "name_claim": settings.name_claim,
    }


def _seen(provider: Provider) -> dict[str, object]:
    return {name: getattr(provider, name) for name in ProviderView.model_fields} | {"groups": dict(provider.groups)}


def _oidc(provider: Provider, public_url: str, slug: str) -> OidcView:
    return OidcView(
        client_id=provider.client_id,
        has_secret=provider.has_secret,
        audience=provider.audience,
        profile=provider.profile,
        directory_ids=list(provider.directory_ids),
        own_client=provider.own_client,
        redirect_uri=redirect_uri(public_url, slug),
        **_seen(provider),  # type: ignore[arg-type]  # checked by pydantic
    )


def _saml(provider: Provider, public_url: str, slug: str) -> SamlView:
    return SamlView(
        sso_url=provider.sso_url,
        certificates=list(provider.certificates),
        entity_id=entity_id(public_url, slug),
        acs_url=acs_url(public_url, slug),
        **_seen(provider),  # type: ignore[arg-type]  # checked by pydantic
    )
