"""The token endpoint of an issuer (RFC 6749, 3.2), asked in the client's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.errors import OutpostError
from appliance.identity.federation import providers as checks
from appliance.identity.federation.errors import ProviderUnreachable
from appliance.identity.federation.providers import Providers
from appliance.identity.federation.reach import Answer, Reach
from appliance.identity.federation.values import Provider


class TokenEndpoint:
    """Asks as the client that the provider's settings name."""

    def __init__(self, providers: Providers, reach: Reach) -> None:
        self._providers, self._reach = providers, reach

    async def ask(self, provider: Provider, metadata: dict[str, Any], form: Mapping[str, str]) -> Answer:
        """What the issuer answers to `form`, whatever the status. Raises ProviderUnreachable, AddressNotListed."""
        secret = await self._providers.secret(provider)
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = bool(secret) and "client_secret_basic" in methods
        sent = {**form, "client_id": provider.client_id}
        if secret and not basic:
            sent["client_secret"] = secret
        where = endpoint(metadata, "token_endpoint")
        return await self._reach.post(where, sent, basic=(provider.client_id, secret) if basic else None)


def endpoint(metadata: dict[str, Any], name: str) -> str:
    """An address that the issuer names. Raises ProviderUnreachable where there is none that can be used."""
    where = metadata.get(name)
    try:
        if not isinstance(where, str):
            raise ProviderUnreachable(f"The issuer does not say its {name}.")
        checks.check_address(where, query=name == "authorization_endpoint")
    except OutpostError:
        raise ProviderUnreachable(f"The issuer's {name} cannot be used.") from None
    return where
