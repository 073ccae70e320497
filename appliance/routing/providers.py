"""The registry of providers: who of the plant may be asked to write, under which name, and with what trust.

    register    name ─ kind ─ address on the owner's list, inside the plant ─ it answers ─ it has the models ─ measured ─ one row

The key of a provider is sealed under a key of the node (AES-256-GCM, bound to the provider's id) and never shown again.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, get_args
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.routing import store as queries
from appliance.routing.addresses import Address, checked
from appliance.routing.errors import BadProvider, NoSuchProvider, ProviderExists, ProviderRefused
from appliance.routing.values import LOCAL, LOCAL_ID, Offered, Provider, ProviderKind, Speed
from appliance.shelf import rules as shelf_rules
from appliance.shelf.force import InForce, utc_now
from appliance.shelf.values import What
from appliance.store import CONTROL, Admitted, Purpose, Store, new_id
from models.chat_client import ChatClient, Server
from models.errors import ModelsError
from models.measuring import decode_speed, prompt_speed

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
MOST_PROVIDERS, MOST_MODELS = 20, 20
TRY_SECONDS: Final = 30.0
TRY_CONTEXT: Final = 1024
"""Tokens of the prompt that a provider's speed is measured with, at most."""
NONCE: Final = 12


@dataclass(frozen=True, slots=True)
class Registration:
    """What is said of a provider; None leaves a thing as it is. `models` are names with the tiers that each is for."""

    base_url: str | None = None
    models: Mapping[str, Sequence[str]] | None = None
    key: str | None = None
    priority: int | None = None
    timeout_seconds: int | None = None
    failures: int | None = None
    pause_seconds: int | None = None
    clearance: int | None = None
    enabled: bool | None = None


class Providers:
    """Args:
    allowed: the servers that the owner of the box lets it ask, each as HOST:PORT.
    """

    def __init__(
        self, store: Store, in_force: InForce, allowed: Sequence[str], *, clock: Callable[[], dt.datetime] = utc_now
    ) -> None:
        self._store, self._in_force, self._allowed, self._clock = store, in_force, tuple(allowed), clock
        self.changes = 0
        """Grows with every change that this process makes."""

    async def all(self, admitted: Admitted) -> list[Provider]:
        """The node's own first."""
        async with self._store.open_control(admitted) as session:
            return await queries.providers(session)

    async def one(self, admitted: Admitted, word: str) -> Provider:
        """By id or name. Raises NoSuchProvider."""
        found = next((one for one in await self.all(admitted) if word in (one.name, str(one.id))), None)
        if found is None:
            raise NoSuchProvider(f"There is no provider {word[:40]!r}.")
        return found

    async def known(self) -> list[Provider]:
        """All of them, as routing needs them."""
        async with self._store.open_internal(Purpose.SHELF, CONTROL) as session:
            return await queries.providers(session)

    async def client(self, provider: Provider, model: str) -> ChatClient:
        """A client of a provider for one model, to be closed by the caller. Raises AddressRefused, ProviderRefused."""
        async with self._store.open_internal(Purpose.SHELF, CONTROL) as session:
            sealed = (await queries.keys(session)).get(provider.id)
        key = "" if sealed is None else self._unsealed(provider.id, sealed)
        return _client(await checked(provider.base_url, self._allowed), model, key, provider.timeout_seconds)

    # --- changes ------------------------------------------------------------------------------------------------------

    async def register(self, admitted: Admitted, name: str, kind: str, told: Registration) -> Provider:
        """Take a provider into the registry.

        Raises:
            BadProvider: the name, a tier or the number of models cannot be.
            ProviderExists: the name is taken.
            AddressRefused: the address is not listed, or lies outside the plant.
            ProviderRefused: it does not answer, lacks a model, or its kind does not exist here.
        """
        if not NAME.fullmatch(name) or name == LOCAL:
            raise BadProvider(f"{name[:40]!r} cannot be the name of a provider.")
        if kind not in get_args(ProviderKind) or kind == "llama_cpp":
            raise ProviderRefused(f"There are no providers of the kind {kind[:40]!r} on a node.", hint=_KINDS)
        present = await self.all(admitted)
        if any(one.name == name for one in present):
            raise ProviderExists(f"There is a provider {name}.")
        if len(present) > MOST_PROVIDERS:
            raise BadProvider(f"A node has at most {MOST_PROVIDERS} providers.")
        fresh = Provider(
            new_id(), name, "ollama" if kind == "ollama" else "openai_compatible", created_at=self._clock()
        )
        # A server elsewhere in the plant is asked after the node's own, and is given nothing confidential, unless told so.
        return await self._change(admitted, replace(fresh, priority=60, clearance=2), told, "registered")

    async def change(self, admitted: Admitted, word: str, told: Registration) -> Provider:
        """Raises NoSuchProvider, and as `register` does."""
        return await self._change(admitted, await self.one(admitted, word), told, "changed")

    async def remeasure(self, admitted: Admitted, word: str) -> Provider:
        """Ask a provider's models, and keep how fast they are. Raises NoSuchProvider, AddressRefused, ProviderRefused."""
        found = await self.one(admitted, word)
        if found.id == LOCAL_ID:
            raise ProviderRefused("The node's own models are measured when they are put in force.")
        again = Registration(models={one.name: one.tiers for one in found.models})
        return await self._change(admitted, found, again, "changed")

    async def remove(self, admitted: Admitted, word: str) -> None:
        """Raises NoSuchProvider, BadProvider for the node's own."""
        found = await self.one(admitted, word)
        if found.id == LOCAL_ID:
            raise BadProvider("The node's own provider stays; it can be switched off.")
        async with self._store.open_control(admitted, write=True) as session:
            await queries.drop(session, found)
            self._tell(admitted, found)
        self.changes += 1
        await self._in_force.note(found.name, found.id, "unregistered", by=admitted.principal.id)

    async def _change(self, admitted: Admitted, before: Provider, told: Registration, what: What) -> Provider:
        async with self._store.open_control(admitted) as session:
            sealed = (await queries.keys(session)).get(before.id)
        if told.key is not None:
            sealed = self._sealed(before.id, told.key) if told.key else None
        given: dict[str, Any] = {
            name: value
            for name in ("base_url", "priority", "timeout_seconds", "failures", "pause_seconds", "clearance", "enabled")
            if (value := getattr(told, name)) is not None
        }
        after = replace(before, **given, has_key=sealed is not None)
        if before.id == LOCAL_ID:
            if told.base_url or told.models or told.key:
                raise BadProvider("The node's own provider has the models of its shelf, and no address.")
        elif what == "registered" or told.base_url is not None or told.models is not None or told.key is not None:
            key = "" if sealed is None else self._unsealed(before.id, sealed)
            wanted: Mapping[str, Sequence[str]] = told.models or {one.name: one.tiers for one in before.models}
            address = await checked(after.base_url, self._allowed)
            after = replace(after, base_url=address.url, models=await self._measured(after, address, key, wanted))
        async with self._store.open_control(admitted, write=True) as session:
            await queries.keep(session, after, sealed)
            self._tell(admitted, after)
        self.changes += 1
        await self._in_force.note(after.name, after.id, what, by=admitted.principal.id)
        return after

    async def _measured(
        self, provider: Provider, address: Address, key: str, wanted: Mapping[str, Sequence[str]]
    ) -> tuple[Offered, ...]:
        """See that a provider has the models, and how fast each is. Raises ProviderRefused, BadProvider."""
        if not 1 <= len(wanted) <= MOST_MODELS:
            raise BadProvider(f"A provider has 1 to {MOST_MODELS} models.")
        made = []
        try:
            for name, words in wanted.items():
                tiers = shelf_rules.tiers(words)
                client = _client(address, name, key, TRY_SECONDS)
                try:
                    there = await client.models()
                    if name not in there:
                        raise ProviderRefused(f"{provider.name} does not have the model {name[:80]!r}.")
                    prompt, decode = await prompt_speed(client, TRY_CONTEXT), await decode_speed(client)
                finally:
                    await client.close()
                made.append(Offered(name, tiers, Speed(round(prompt, 2), round(decode, 2))))
        except ModelsError as problem:
            raise ProviderRefused(f"{provider.name} was asked and did not answer: {problem}.") from None
        return tuple(made)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _sealed(self, provider: UUID, key: str) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._cipher().encrypt(nonce, key.encode(), provider.bytes)

    def _unsealed(self, provider: UUID, sealed: bytes) -> str:
        try:
            return self._cipher().decrypt(sealed[:NONCE], sealed[NONCE:], provider.bytes).decode()
        except InvalidTag:
            raise ProviderRefused("Its key cannot be opened.", hint="Give the key again.") from None

    def _cipher(self) -> AESGCM:
        return AESGCM(self._store.secret("provider-keys"))

    def _tell(self, admitted: Admitted, provider: Provider) -> None:
        admitted.outcome.resource_id = str(provider.id)
        admitted.outcome.metadata |= {"provider": provider.name, "base_url": provider.base_url}


_KINDS: Final = "There are openai_compatible (vLLM and its like) and ollama. No model outside the plant is ever asked."


def _client(address: Address, model: str, key: str, seconds: float) -> ChatClient:
    return ChatClient(Server(address.pinned, address.host, model, key), seconds=seconds)
