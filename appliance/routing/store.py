"""The queries of routing."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any, Final, Literal, cast

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.routing.tables import DefaultRow, NodeDefaultRow, ProviderRow
from appliance.routing.values import LOCAL, LOCAL_ID, Default, Offered, Provider, ProviderKind, Scope, Speed
from appliance.store import Principal, new_id

What = Literal["model", "provider"]
LOCALLY: Final = Provider(LOCAL_ID, LOCAL, "llama_cpp")


async def providers(session: AsyncSession) -> list[Provider]:
    """The node's own first, then by name."""
    found = [provider_of(row) for row in await session.scalars(select(ProviderRow).order_by(ProviderRow.name))]
    own = next((one for one in found if one.id == LOCAL_ID), LOCALLY)
    return [own, *(one for one in found if one.id != LOCAL_ID)]


async def keys(session: AsyncSession) -> dict[uuid.UUID, bytes]:
    """The sealed keys of the providers that have one."""
    rows = await session.scalars(select(ProviderRow))
    return {row.id: row.sealed_key for row in rows if row.sealed_key is not None}


async def keep(session: AsyncSession, provider: Provider, sealed_key: bytes | None) -> None:
    """Write a provider as it is to be, new or not."""
    row = await session.get(ProviderRow, provider.id)
    if row is None:
        row = ProviderRow(id=provider.id)
        session.add(row)
    row.name, row.kind, row.base_url, row.sealed_key = provider.name, provider.kind, provider.base_url, sealed_key
    row.models = [_offered_json(one) for one in provider.models]
    row.priority, row.timeout_seconds, row.enabled = provider.priority, provider.timeout_seconds, provider.enabled
    row.failures, row.pause_seconds, row.clearance = provider.failures, provider.pause_seconds, provider.clearance
    row.created_at = provider.created_at or dt.datetime.now(dt.UTC)
    await session.flush()


async def drop(session: AsyncSession, provider: Provider) -> None:
    row = await session.get(ProviderRow, provider.id)
    if row is not None:
        await session.delete(row)


def provider_of(row: ProviderRow) -> Provider:
    return Provider(
        id=row.id,
        name=row.name,
        kind=cast("ProviderKind", row.kind),
        base_url=row.base_url,
        models=tuple(
            Offered(one["name"], tuple(one["tiers"]), Speed(one["prompt_tokens_per_s"], one["decode_tokens_per_s"]))
            for one in row.models
        ),
        priority=row.priority,
        timeout_seconds=row.timeout_seconds,
        failures=row.failures,
        pause_seconds=row.pause_seconds,
        clearance=row.clearance,
        enabled=row.enabled,
        has_key=row.sealed_key is not None,
        created_at=row.created_at,
    )


def _offered_json(one: Offered) -> dict[str, Any]:
    return {
        "name": one.name,
        "tiers": list(one.tiers),
        "prompt_tokens_per_s": one.speed.prompt,
        "decode_tokens_per_s": one.speed.decode,
    }


async def node_default(session: AsyncSession, what: What) -> list[Default]:
    """That of the node, where there is one."""
    row = await session.get(NodeDefaultRow, what)
    return [] if row is None else [Default("global", "", row.choice)]


async def defaults(session: AsyncSession, what: What, principal: Principal) -> list[Default]:
    """Those of the tenant that count for a person."""
    mine = or_(
        DefaultRow.scope == "tenant",
        (DefaultRow.scope == "role") & (DefaultRow.subject == principal.role),
        (DefaultRow.scope == "user") & (DefaultRow.subject == str(principal.id)),
    )
    rows = await session.scalars(select(DefaultRow).where(DefaultRow.what == what, mine))
    return [Default(cast("Scope", row.scope), row.subject, row.choice) for row in rows]


async def set_node_default(session: AsyncSession, what: What, choice: str | None) -> None:
    """None forgets it."""
    row = await session.get(NodeDefaultRow, what)
    if row is None and choice is not None:
        session.add(NodeDefaultRow(what=what, choice=choice))
    elif row is not None and choice is None:
        await session.delete(row)
    elif row is not None and choice is not None:
        row.choice = choice


async def set_default(session: AsyncSession, what: What, scope: Scope, subject: str, choice: str | None) -> None:
    """None forgets it."""
    found = select(DefaultRow).where(DefaultRow.what == what, DefaultRow.scope == scope, DefaultRow.subject == subject)
    row = (await session.scalars(found)).one_or_none()
    if row is None and choice is not None:
        session.add(DefaultRow(id=new_id(), what=what, scope=scope, subject=subject, choice=choice))
    elif row is not None and choice is None:
        await session.delete(row)
    elif row is not None and choice is not None:
        row.choice = choice


def nearest(found: Iterable[Default], order: Iterable[Scope]) -> str:
    """The choice of the first scope that has one; empty where none has."""
    by_scope = {one.scope: one.choice for one in found}
    return next((by_scope[scope] for scope in order if scope in by_scope), "")
