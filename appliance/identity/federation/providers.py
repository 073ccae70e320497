"""How each tenant trusts identity providers: read and set by its admins, looked up at every sign-in.

A client's secret is sealed under a key of the node (AES-256-GCM, bound to the provider's id) and never shown again. It
belongs to one client at one issuer: whoever names another issuer gives another secret.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.identity import store as people
from appliance.identity.federation import reach
from appliance.identity.federation import store as queries
from appliance.identity.federation.errors import AddressNotListed, BadProvider, NotOffered
from appliance.identity.federation.tables import IdentityProviderRow
from appliance.identity.federation.values import Kind, Provider
from appliance.identity.values import Clock, utc_now
from appliance.store import CONTROL, Admitted, Purpose, Store, TenantId, new_id

SECONDS: Final = 2.0
"""How long settings are remembered: a provider that is switched off is off everywhere within it."""
NONCE: Final = 12
MOST_GROUPS: Final = 200
MOST_CERTIFICATES: Final = 5
KINDS: Final[tuple[Kind, ...]] = ("oidc", "saml")


class Providers:
    """Settings of identity providers.

    Args:
        monotonic: seconds that only grow.
    """

    def __init__(
        self, store: Store, *, clock: Clock = utc_now, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._clock, self._monotonic = store, clock, monotonic
        self._known: tuple[float, list[Provider]] | None = None

    async def of(self, admitted: Admitted) -> list[Provider]:
        """Those of the admission's tenant, whether they are switched on or not."""
        async with self._store.open_control(admitted) as session:
            return await queries.providers_of(session, admitted.tenant_id)

    async def put(self, admitted: Admitted, wanted: dict[Kind, tuple[Provider, str | None]]) -> list[Provider]:
        """Make these the tenant's providers; a kind that is left out is none any more.

        A secret of None leaves the present one where issuer and client are the same; an empty one is none. People of a
        provider that is gone, switched off or replaced by another issuer are signed out.

        Raises:
            BadProvider, AddressNotListed: nothing was changed.
        """
        for provider, _ in wanted.values():
            check(provider)
        now = self._clock()
        async with self._store.open_control(admitted, write=True) as session:
            for kind in KINDS:
                row = await queries.provider_row(session, admitted.tenant_id, kind)
                before = None if row is None else queries.provider_of(row)
                given = wanted.get(kind)
                if given is None:
                    if row is not None:
                        await session.delete(row)
                else:
                    provider, secret = given
                    sealed = None if row is None or before is None else _kept(row, before, provider)
                    if row is None:
                        row = IdentityProviderRow(id=new_id(), tenant_id=admitted.tenant_id, kind=kind)
                        session.add(row)
                    if secret is not None:
                        sealed = self._sealed(row.id, secret) if secret else None
                    provider = replace(provider, most_clearance=admitted.principal.clearance)
                    queries.write(row, provider, sealed, now)
                if before is not None and (given is None or _is_another(before, given[0])):
                    for person_id in await queries.people_from(session, admitted.tenant_id, kind):
                        await people.end_sessions(session, person_id, now)
            await session.flush()
            found = await queries.providers_of(session, admitted.tenant_id)
            admitted.outcome.metadata |= {
                "providers": {one.kind: {"issuer": one.issuer, "enabled": one.enabled} for one in found}
            }
        self._known = None
        return found

    async def offered(self, tenant_id: TenantId, kind: Kind) -> Provider:
        """Raises NotOffered."""
        for one in await self.enabled():
            if (one.tenant_id, one.kind) == (tenant_id, kind):
                return one
        raise NotOffered("This plant has no such identity provider.")

    async def enabled(self) -> list[Provider]:
        """Those of every tenant that are switched on."""
        now = self._monotonic()
        if self._known is None or now >= self._known[0]:
            async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
                self._known = now + SECONDS, await queries.providers(session)
        return self._known[1]

    async def secret(self, provider: Provider) -> str:
        """The client's secret; empty for a public client. Raises BadProvider where it cannot be opened."""
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
            sealed = await queries.secret_of(session, provider.id)
        if sealed is None:
            return ""
        try:
            return self._cipher().decrypt(sealed[:NONCE], sealed[NONCE:], provider.id.bytes).decode()
        except InvalidTag:
            raise BadProvider("The client's secret cannot be opened.", hint="Give the secret again.") from None

    def _sealed(self, provider_id: UUID, secret: str) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._cipher().encrypt(nonce, secret.encode(), provider_id.bytes)

    def _cipher(self) -> AESGCM:
        return AESGCM(self._store.secret("identity-provider-secrets"))


def check(provider: Provider) -> None:
    """Raises BadProvider, AddressNotListed for settings that cannot work or would not be safe."""
    if len(provider.groups) > MOST_GROUPS:
        raise BadProvider(f"At most {MOST_GROUPS} groups can be given a role.")
    if provider.kind == "oidc":
        check_address(provider.issuer, query=False)
        if not provider.client_id:
            raise BadProvider("A client id is needed.")
        return
    if not provider.issuer.isprintable() or not provider.issuer.strip():
        raise BadProvider("The entity id of the identity provider is needed.")
    check_address(provider.sso_url, query=True)
    if not 1 <= len(provider.certificates) <= MOST_CERTIFICATES:
        raise BadProvider(f"Give 1 to {MOST_CERTIFICATES} certificates of the identity provider.")
    for text in provider.certificates:
        certificate(text)


def certificate(text: str) -> x509.Certificate:
    """A certificate out of PEM, whose key is RSA of 2048 bits or more, or EC of 256. Raises BadProvider."""
    try:
        found = x509.load_pem_x509_certificate(text.encode())
        key = found.public_key()
    except (ValueError, UnicodeEncodeError):
        raise BadProvider("That is no certificate.", hint="Give it as PEM, with its BEGIN and END lines.") from None
    if not isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
        raise BadProvider("The key of the certificate is neither RSA nor EC.")
    if key.key_size < (2048 if isinstance(key, rsa.RSAPublicKey) else 256):
        raise BadProvider("The key of the certificate is too short.")
    return found


def check_address(url: str, *, query: bool) -> None:
    """Raises AddressNotListed unless it is HTTPS, or HTTP on the box itself."""
    bare = urlsplit(url)._replace(query="").geturl() if query and url.isascii() else url
    try:
        reach.place_of(bare)
    except ValueError:
        raise AddressNotListed("That is no address.") from None


def _kept(row: IdentityProviderRow, before: Provider, after: Provider) -> bytes | None:
    """The sealed secret, if it was given for the same client of the same issuer."""
    same = (before.issuer, before.client_id) == (after.issuer, after.client_id)
    return row.sealed_secret if same else None


def _is_another(before: Provider, after: Provider) -> bool:
    return before.issuer != after.issuer or not after.enabled
