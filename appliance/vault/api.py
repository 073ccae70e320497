"""The vault over HTTP: names and dates come out, values only go in."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from litestar import Controller, delete, get, post, put
from litestar.params import JSONBody, PathParameter
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from appliance.gate import Gate
from appliance.policy import Resource
from appliance.store import Principal
from appliance.vault.rules import LONGEST, LONGEST_GRACE, SHORTEST
from appliance.vault.service import Vault
from appliance.vault.values import SecretFacts
from appliance.web import Injected

Name = Annotated[str, PathParameter(description="The name of a secret.", max_length=64)]
Value = Annotated[SecretStr, Field(min_length=SHORTEST, max_length=LONGEST)]


class SecretView(BaseModel):
    """What is told of a secret. `before_until`: how long the version before is still good."""

    name: str
    version: int
    created_at: dt.datetime
    last_used: dt.datetime | None
    before_until: dt.datetime | None

    @classmethod
    def of(cls, one: SecretFacts) -> SecretView:
        return cls(
            name=one.name, version=one.version, created_at=one.created_at, last_used=one.last_used,
            before_until=one.before_until,
        )  # fmt: skip


class SecretsView(BaseModel):
    items: list[SecretView]


class NewSecret(BaseModel):
    model_config = ConfigDict(extra="forbid")

    value: Value


class NextSecret(BaseModel):
    """`grace_seconds`: for how long connectors may still use the value before, where the new one is refused."""

    model_config = ConfigDict(extra="forbid")

    value: Value
    grace_seconds: Annotated[int, Field(ge=0, le=int(LONGEST_GRACE.total_seconds()))] = 86_400


class VaultController(Controller):
    path = "/v1/admin/vault"
    tags = ("Vault",)

    @get("/", operation_id="list_secrets", asks="vault.list")
    async def listed(self, principal: Injected[Principal], gate: Injected[Gate], vault: Injected[Vault]) -> SecretsView:
        """The names of the plant's secrets, their versions, and when each was last used. Never a value."""
        async with gate.admit(principal, "vault.list", resource=Resource("secret")) as admitted:
            return SecretsView(items=[SecretView.of(one) for one in await vault.listed(admitted)])

    @put("/{name:str}", operation_id="set_secret", asks="vault.manage")
    async def write(
        self,
        name: Name,
        data: JSONBody[NewSecret],
        principal: Injected[Principal],
        gate: Injected[Gate],
        vault: Injected[Vault],
    ) -> SecretView:
        """Keep a secret; one of the same name is forgotten at once."""
        # The record keeps no hash of a request here: of a short secret even that would tell too much.
        async with gate.admit(principal, "vault.manage", resource=Resource("secret", name)) as admitted:
            return SecretView.of(await vault.put(admitted, name, data.value.get_secret_value()))

    @post("/{name:str}/rotate", operation_id="rotate_secret", asks="vault.manage", status_code=200)
    async def rotate(
        self,
        name: Name,
        data: JSONBody[NextSecret],
        principal: Injected[Principal],
        gate: Injected[Gate],
        vault: Injected[Vault],
    ) -> SecretView:
        """Give a secret its next value; the one before stays good for a while."""
        grace = dt.timedelta(seconds=data.grace_seconds)
        async with gate.admit(principal, "vault.manage", resource=Resource("secret", name)) as admitted:
            return SecretView.of(await vault.rotate(admitted, name, data.value.get_secret_value(), grace))

    @delete("/{name:str}", operation_id="remove_secret", asks="vault.manage")
    async def remove(
        self, name: Name, principal: Injected[Principal], gate: Injected[Gate], vault: Injected[Vault]
    ) -> None:
        """Forget a secret and all its versions."""
        async with gate.admit(principal, "vault.manage", resource=Resource("secret", name)) as admitted:
            await vault.remove(admitted, name)


ROUTES = [VaultController]
