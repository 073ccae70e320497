"""The shipped pack, changed as an admin would change it."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.policy import DEFAULT_PACK
from appliance.policy.pack import read

RELEASE = read(DEFAULT_PACK)
VIEWERS = """  principal in Role::"viewer",
  action in [
"""
OTHER_TENANTS = "when { resource.tenant != principal.tenant }"


def pack(name: str = "changed", *, policies: str = "", **replaced: str) -> Mapping[str, str]:
    """The files with another name, `policies` added, and pieces of a file replaced: `policies_cedar=…`."""
    texts = dict(RELEASE)
    texts["pack.toml"] = replaced.get("facts", "") + texts["pack.toml"].replace("site default", name)
    texts["policies.cedar"] += policies
    return texts


def swapped(old: str, new: str, file: str = "policies.cedar") -> Mapping[str, str]:
    """The files with one piece of text for another, which must be there."""
    assert old in RELEASE[file]
    return {**RELEASE, file: RELEASE[file].replace(old, new)}


def uploads_for_viewers() -> Mapping[str, str]:
    """A pack that widens: viewers may upload."""
    return swapped(VIEWERS, VIEWERS + '    Action::"documents.upload",\n')


def no_drafts() -> Mapping[str, str]:
    """A pack that narrows: documents tagged `draft` are for admins."""
    return pack(
        policies="""
@id("no-drafts") @question("6") @reason("A draft is for admins.")
forbid (principal, action, resource is Document) when { resource.tags.contains("draft") }
unless { principal in Role::"admin" };
"""
    )


def until(day: str) -> Mapping[str, str]:
    """A pack that ends after a day."""
    return pack(facts=f"valid_until = {day}\n")
