"""From records of decisions back to questions that can be asked again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast
from uuid import UUID

from appliance.packs.values import Asked
from appliance.policy import Resource
from appliance.store import Principal, TenantId


def again(
    records: Iterable[Mapping[str, Any]], tenant_id: TenantId, documents: Mapping[str, Mapping[str, Any]]
) -> list[Asked]:
    """The decisions that can be taken again: those that say who asked with which rights.

    A document is judged as it is described now; one that is gone cannot be judged, and is left out.
    """
    found = [_asked(record, tenant_id, documents) for record in records]
    return [one for one in found if one is not None]


def _asked(record: Mapping[str, Any], tenant_id: TenantId, documents: Mapping[str, Mapping[str, Any]]) -> Asked | None:
    facts, actor = record["metadata"], record["actor"]
    if record["user_id"] is None or not {"action", "clearance"} <= facts.keys() or actor["role"] is None:
        return None
    principal = Principal(
        id=UUID(record["user_id"]),
        kind=cast("Any", actor["kind"]),
        tenant_id=tenant_id,
        name="",
        role=cast("Any", actor["role"]),
        clearance=int(facts["clearance"]),
        scopes=frozenset(facts.get("scopes", ())),
        eligibility=frozenset(facts.get("eligibility", ())),
        duties=frozenset(facts.get("duties", ())),
        teams=frozenset(facts.get("teams", {}).items()),
    )
    kind, name = record["resource_type"] or "node", record["resource_id"]
    if kind != "document" or name is None:
        return Asked(principal, facts["action"], Resource(kind))
    return Asked(principal, facts["action"], Resource(kind, name, documents[name])) if name in documents else None
