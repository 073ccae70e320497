"""Limits as a pack writes them."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.policy import DEFAULT_PACK
from appliance.policy.limits import CANONICAL, Rate, read_limits
from appliance.policy.pack import load
from appliance.reference import openapi_document


def test_what_a_pack_leaves_out_is_canonical() -> None:
    assert read_limits({}) == CANONICAL
    some = read_limits({"roles": {"viewer": {"hour": 9}}})
    assert some.roles["viewer"] == Rate(None, 9)
    assert some.roles["admin"] == CANONICAL.roles["admin"]


@pytest.mark.parametrize(
    "table",
    [
        {"roles": {"viewer": {"minute": 0}}},
        {"roles": {"viewer": {"minute": True}}},
        {"roles": {"viewer": {"minute": "10"}}},
        {"roles": {"viewer": {"second": 10}}},
        {"tenant": {}},
        {"persons": {}},
    ],
)
def test_a_limit_that_is_none_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"limit"):
        read_limits(table)


def test_every_route_that_the_shipped_pack_names_is_there() -> None:
    paths = openapi_document()["paths"]
    there = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    limits = load(DEFAULT_PACK).limits

    assert limits.uncounted | limits.routes.keys() <= there
