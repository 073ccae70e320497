"""Would people of this provider get in now? What an admin sees before they switch a way to sign in on."""

from __future__ import annotations

import datetime as dt

from appliance.errors import OutpostError
from appliance.identity.federation import jwks
from appliance.identity.federation.asking import endpoint
from appliance.identity.federation.keys import Keys
from appliance.identity.federation.providers import certificate
from appliance.identity.federation.values import Finding, Provider


async def examined(provider: Provider, keys: Keys, *, only: bool, now: dt.datetime) -> list[Finding]:
    """Look at everything that a sign-in needs; nothing is changed and nobody signed in.

    Args:
        only: no other OpenID issuer is known here.
    """
    found = [_mapping(provider)]
    if provider.kind == "saml":
        return [*found, *(_certificate(text, now) for text in provider.certificates)]
    in_file = len(jwks.of_issuer(keys.file.keys(), provider.issuer, only=only))
    issuer, from_issuer = await _issuer(provider, keys)
    known = in_file + from_issuer
    fact = f"{in_file} in the file, {from_issuer} from the issuer"
    return [*found, issuer, Finding("oidc", "keys", known > 0, fact)]


def _mapping(provider: Provider) -> Finding:
    fact = f"{len(provider.groups)} groups mean a role, {provider.default_role or 'no role'} for everybody else"
    return Finding(provider.kind, "roles", bool(provider.groups or provider.default_role), fact)


async def _issuer(provider: Provider, keys: Keys) -> tuple[Finding, int]:
    try:
        metadata, shown = await keys.issuers.look(provider.issuer)
        for name in ("authorization_endpoint", "token_endpoint"):
            endpoint(metadata, name)
    except OutpostError as problem:
        return Finding("oidc", "issuer", False, f"{problem.detail} {problem.hint}"), 0
    return Finding("oidc", "issuer", True, "answers, and says where to sign in"), len(shown)


def _certificate(text: str, now: dt.datetime) -> Finding:
    try:
        found = certificate(text)
    except OutpostError as problem:
        return Finding("saml", "certificate", False, problem.detail)
    until = found.not_valid_after_utc
    over = "" if until > now else ", which is over; it counts all the same, since it was given by an admin"
    return Finding("saml", "certificate", True, f"number {found.serial_number:x}, until {until:%Y-%m-%d}{over}")
