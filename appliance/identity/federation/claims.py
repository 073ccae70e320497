"""What the claims of a token mean here: who it is, of which plant, in which role.

    tenant   tenant_id ── else extension_PlatformTenantId ── else `tid`, if the plant's settings list that directory
             the first that is there counts, and it must name the plant whose settings are used; `tid` alone is no plant
             none there: only where the client at the provider is this plant's alone
    person   `sub`, letter by letter
    role     the highest that one of the groups means; unknown groups mean nothing; `user` is read as `operator`

Where a provider puts groups, and the name that people know, is its profile:

    entra     roles, groups                                             preferred_username, upn, email
    keycloak  groups, realm_access.roles, resource_access.<client>.roles    preferred_username, email
    auth0     claims named https://…/roles or …/groups                   nickname, email
    generic   roles, groups                                             preferred_username, email, upn
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args

from appliance.identity import rules
from appliance.identity.errors import InvalidName
from appliance.identity.federation import tokens
from appliance.identity.federation.errors import OutsideRefused
from appliance.identity.federation.values import Outsider, Profile, Provider, Shown
from appliance.identity.values import Role

TENANT_CLAIMS: Final = ("tenant_id", "extension_PlatformTenantId")
DIRECTORY: Final = "tid"
SECOND_FACTORS: Final = frozenset({"mfa", "otp", "hwk", "swk", "sc", "fido"})
TWO_FACTOR_CONTEXTS: Final = frozenset(
    {
        "https://refeds.org/profile/mfa",
        "http://schemas.microsoft.com/claims/multipleauthn",
        "http://schemas.openid.net/pape/policies/2007/06/multi-factor",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken",
    }
)
"""Of REFEDS, Microsoft, PAPE, and those of SAML (Authentication Context, 3.4) in which something is had and something known."""
LONGEST_ID: Final = 255
MOST_GROUPS: Final = 1000
LONGEST_GROUP: Final = 256
ROLES: Final[tuple[Role, ...]] = get_args(Role)
"""From the lowest to the highest."""
ALIASES: Final[Mapping[str, Role]] = {"viewer": "viewer", "user": "operator", "operator": "operator", "admin": "admin"}

_NAMES: Final[Mapping[Profile, tuple[str, ...]]] = {
    "generic": ("preferred_username", "email", "upn"),
    "entra": ("preferred_username", "upn", "email"),
    "keycloak": ("preferred_username", "email"),
    "auth0": ("nickname", "email"),
}


def outsider(claims: Mapping[str, Any], provider: Provider) -> Outsider:
    """Whom verified claims are about. Raises OutsideRefused."""
    subject = claims.get("sub")
    if not isinstance(subject, str):
        raise OutsideRefused("claim sub")
    names = (provider.name_claim,) if provider.name_claim else _NAMES[provider.profile]
    return Outsider(
        issuer=provider.issuer,
        external_id=external_id(subject),
        username=username((claims.get(name) for name in names), subject),
        display_name=display_name(claims.get("name"), subject),
        groups=groups(claims, provider),
        said_at=tokens.issued_at(dict(claims)),
    )


def says_second_factor(claims: Mapping[str, Any]) -> bool:
    """Whether the issuer asked for more than one thing.

    `amr` names `mfa`, or what only somebody's device can do (RFC 8176); or `acr` is a class of contexts that has two factors.
    """
    said, context = claims.get("amr"), claims.get("acr")
    named = isinstance(said, list) and any(one in SECOND_FACTORS for one in said if isinstance(one, str))
    return named or (isinstance(context, str) and context in TWO_FACTOR_CONTEXTS)


def shown(claims: Mapping[str, Any], person: Outsider) -> Shown:
    """When and how the issuer had them show who they are (`auth_time`)."""
    at = claims.get("auth_time")
    known = isinstance(at, int | float) and not isinstance(at, bool)
    return Shown(person.external_id, at if known else None, says_second_factor(claims))


def check_tenant(claims: Mapping[str, Any], provider: Provider, *, slug: str) -> None:
    """Whether a token speaks of the provider's own tenant. Raises OutsideRefused."""
    ours = {str(provider.tenant_id), slug}
    for name in TENANT_CLAIMS:
        if name in claims:
            said = claims[name]
            if not isinstance(said, str) or said.strip().lower() not in ours:
                raise OutsideRefused("another tenant")
            return
    if DIRECTORY in claims:
        if claims[DIRECTORY] not in provider.directory_ids:
            raise OutsideRefused("another directory")
    elif not provider.own_client:
        raise OutsideRefused("no tenant is named")


def groups(claims: Mapping[str, Any], provider: Provider) -> frozenset[str]:
    """Groups and roles that the provider says the person has. Raises OutsideRefused where they are left out or too many."""
    if provider.groups_claim:
        places: list[Any] = [_at(claims, provider.groups_claim)]
    else:
        places = [claims.get("groups"), claims.get("roles"), *_profiled(claims, provider)]
    found = frozenset(one for place in places for one in _texts(place))
    if len(found) > MOST_GROUPS:
        raise OutsideRefused("too many groups")
    if not found and provider.profile == "entra" and (claims.get("hasgroups") or "_claim_names" in claims):
        # Entra leaves out more than 200 groups and names a place in the cloud to ask, which a node cannot.
        raise OutsideRefused("groups left out by the provider")
    return found


def role(said: Iterable[str], mapping: Mapping[str, Role], default: Role | None) -> Role | None:
    """The highest role that the groups mean; None if they mean none and there is no default."""
    meant = {mapping[group] for group in said if group in mapping}
    return max(meant, key=ROLES.index) if meant else default


def external_id(subject: str) -> str:
    """Raises OutsideRefused unless it is 1 to 255 visible characters; nothing is cut off or folded."""
    if not 1 <= len(subject) <= LONGEST_ID or not subject.isprintable() or subject != subject.strip():
        raise OutsideRefused("an unusable subject")
    return subject


def username(said: Iterable[Any], subject: str) -> str:
    """The first name that can be used here, else one made of the subject. Raises OutsideRefused."""
    for name in [*said, subject, subject.replace("|", "-")]:
        if isinstance(name, str):
            try:
                return rules.username(name)
            except InvalidName:
                continue
    raise OutsideRefused("no usable name")


def display_name(said: Any, otherwise: str) -> str:
    """A name to show, of at most 120 visible characters."""
    for name in (said, otherwise):
        if isinstance(name, str):
            shown = " ".join("".join(one if one.isprintable() else " " for one in name).split())[:120].strip()
            if shown:
                return rules.display_name(shown)
    return "?"


def _profiled(claims: Mapping[str, Any], provider: Provider) -> list[Any]:
    match provider.profile:
        case "keycloak":
            clients = claims.get("resource_access")
            client = clients.get(provider.client_id) if isinstance(clients, dict) else None
            return [one.get("roles") for one in (claims.get("realm_access"), client) if isinstance(one, dict)]
        case "auth0":
            return [
                value
                for name, value in claims.items()
                if name.startswith("https://") and name.rpartition("/")[2] in {"roles", "groups"}
            ]
        case "entra" | "generic":
            return []


def _at(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by a path of names with dots between them."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for step in name.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _texts(place: Any) -> list[str]:
    """Texts of a claim that is one text or a list of them; what is anything else, or too long, means nothing."""
    rows = place if isinstance(place, list) else [place]
    return [one for one in rows if isinstance(one, str) and 1 <= len(one) <= LONGEST_GROUP]
