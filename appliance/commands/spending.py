"""`outpost usage` and `outpost budget …`."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

from appliance.client import answered, open_door

BUDGETS: Final = "/v1/admin/budgets"


async def show_usage(socket: Path, *, days: int, by: str, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        items = [one async for one in _pages(door, {"days": str(days), "by": by})]
    if as_json:
        sys.stdout.write(json.dumps({"items": items}) + "\n")
        return 0
    print(f"{'day':<10}  {'uses':>6}  {'prompt':>9}  {'answer':>8}  {'s each':>6}  model")
    for one in items:
        each = one["ms"] / max(one["uses"], 1) / 1000
        whose = one["person_id"] or one["provider"] or one["purpose"] or ""
        line = f"{one['day']:<10}  {one['uses']:6}  {one['prompt_tokens']:9}  {one['completion_tokens']:8}  {each:6.1f}"
        cost = f"  {one['cost']} {one['currency']}" if one["currency"] else ""
        print(f"{line}  {one['model']}  {whose}".rstrip() + cost)
    return 0


async def _pages(door: httpx.AsyncClient, query: dict[str, str]) -> AsyncIterator[dict[str, Any]]:
    """Raises Refused."""
    query = query | {"page_size": "100"}
    while True:
        found = answered(await door.get("/v1/analytics/costs", params=query))
        for one in found["items"]:
            yield one
        if found["next_page_token"] is None:
            return
        query["page_token"] = found["next_page_token"]


async def show_budgets(socket: Path, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.get(BUDGETS))
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    for one in found["items"]:
        print(_line(one))
    for one in found["of_the_pack"]:
        print(given_line(one))
    return 0


async def set_budget(socket: Path, wanted: dict[str, Any], *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        made = answered(await door.put(BUDGETS, json=wanted))
    print(json.dumps(made) if as_json else _line(made))
    return 0


async def drop_budget(socket: Path, budget_id: str, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        response = await door.delete(f"{BUDGETS}/{quote(budget_id, safe='')}")
        if not response.is_success:
            answered(response)
    print(json.dumps({"dropped": budget_id}) if as_json else "the budget is gone")
    return 0


def _line(one: dict[str, Any]) -> str:
    whose = "the plant" if one["person_id"] is None else f"person {one['person_id']}"
    whose += f", of {one['provider']}" if one["provider"] else ""
    kind = "" if one["hard"] else ", warns only"
    return (
        f"{one['id']}  {whose}: {one['used_tokens']} of {one['limit_tokens']} {one['counts']} a {one['period']}{kind}"
    )


def given_line(one: dict[str, Any]) -> str:
    """A budget of the policy pack, in words."""
    whose = "the plant" if one["who"] is None else f"each {one['who']}"
    kind = "" if one["hard"] else ", warns only"
    return (
        f"by the policy pack, where none is set  {whose}: {one['limit_tokens']} {one['counts']} a {one['period']}{kind}"
    )
