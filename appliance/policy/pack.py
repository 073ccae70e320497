"""A policy pack: Cedar policies with their schema, and what Cedar has to be told beside them.

    <pack>/schema.cedarschema   what policies may speak about
    <pack>/policies.cedar       who may do what, each policy with @id, each forbid with @question and @reason
    <pack>/pack.toml            roles, names of resources, attributes, actions with filtered lists

The pack's version is the first 12 hex digits of a SHA-256 over the three files; it stands in every decision.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cedarpy

from appliance.policy.errors import PackRefused

DEFAULT_PACK: Final = Path(__file__).with_name("pack")
FILES: Final = ("schema.cedarschema", "policies.cedar", "pack.toml")
COLLECTION: Final = "Collection"
KINDS: Final = frozenset({"long", "string", "string?", "set"})


@dataclass(frozen=True, slots=True)
class Forbid:
    """Why a forbid refuses, in the words of the pack; forbids with a lower `question` are named first."""

    question: int
    reason: str


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that Cedar has validated."""

    version: str
    name: str
    refusal: str
    schema: cedarpy.Schema
    policies: cedarpy.PolicySet
    permits: cedarpy.PolicySet
    """The permits alone: they answer whether a role permits the action, whatever else forbids it."""
    forbids: Mapping[str, Forbid]
    literals: frozenset[str]
    """Every string that a policy compares with; random checks use them, so that they meet each case."""
    roles: Mapping[str, tuple[str, ...]]
    """A role -> itself and every role it includes."""
    resources: Mapping[str, str]
    attributes: Mapping[str, Mapping[str, str]]
    scopes: Mapping[str, tuple[str, ...]]
    sanitised_from: int
    """The class of sources from which on personal data is kept from models; every class where the pack does not say."""
    intents: Mapping[str, str]
    """What is said to somebody whose question has an intent that no policy permits them."""


def load(directory: Path) -> Pack:
    """Read the pack in `directory`.

    Raises:
        PackRefused: a file is missing or unreadable, Cedar does not validate it, or a policy lacks an annotation.
    """
    try:
        texts = {name: (directory / name).read_text(encoding="utf-8") for name in FILES}
        facts = tomllib.loads(texts["pack.toml"])
        schema = cedarpy.Schema.from_str(texts["schema.cedarschema"])
        validation = cedarpy.validate_policies(texts["policies.cedar"], schema)
        if not validation.validation_passed:
            raise PackRefused(f"Cedar does not validate the policies: {validation.errors[0].error}")
        named = _named(json.loads(cedarpy.policies_to_json_str(texts["policies.cedar"])))
        return Pack(
            version=_version(texts),
            name=str(facts["name"]),
            refusal=str(facts["refusal"]),
            schema=schema,
            policies=_policy_set(named),
            permits=_policy_set({key: policy for key, policy in named.items() if policy["effect"] == "permit"}),
            forbids={key: _forbid(key, policy) for key, policy in named.items() if policy["effect"] == "forbid"},
            literals=frozenset(_strings([policy["conditions"] for policy in named.values()])),
            roles={role: _included(role, facts["roles"]) for role in facts["roles"]},
            resources=dict(facts["resources"]),
            attributes=_attributes(facts),
            scopes={entity: tuple(actions) for entity, actions in facts["scopes"].items()},
            sanitised_from=int(facts.get("guard", {}).get("sanitised_from", 1)),
            intents={name: str(told) for name, told in facts.get("intents", {}).items()},
        )
    except OSError as error:
        raise PackRefused(f"The pack cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise PackRefused(f"The pack is malformed: {error}") from error


def _version(texts: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name in FILES:
        body = texts[name].encode()
        digest.update(f"{name} {len(body)}\n".encode() + body)
    return digest.hexdigest()[:12]


def _named(parsed: Mapping[str, Any]) -> dict[str, Any]:
    """Policies by their @id, which then is what Cedar gives back as the reason of a decision."""
    if parsed["templates"]:
        raise PackRefused("The pack holds policy templates; only finished policies are taken.")
    named: dict[str, Any] = {}
    for policy in parsed["staticPolicies"].values():
        name = policy.get("annotations", {}).get("id")
        if not name:
            raise PackRefused("A policy has no @id.")
        if name in named:
            raise PackRefused(f"Two policies are called {name}.")
        named[name] = policy
    return named


def _policy_set(policies: Mapping[str, Any]) -> cedarpy.PolicySet:
    body = {"templates": {}, "staticPolicies": dict(policies), "templateLinks": []}
    return cedarpy.PolicySet.from_json_str(json.dumps(body))


def _forbid(name: str, policy: Mapping[str, Any]) -> Forbid:
    annotations = policy["annotations"]
    if not annotations.get("question", "").isdigit() or not annotations.get("reason"):
        raise PackRefused(f"The forbid {name} needs @question (a number) and @reason.")
    return Forbid(int(annotations["question"]), annotations["reason"])


def _included(role: str, roles: Mapping[str, list[str]]) -> tuple[str, ...]:
    found: list[str] = []
    waiting = [role]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.append(name)
            waiting.extend(roles[name])
    return tuple(found)


def _attributes(facts: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    attributes = {entity: dict(kinds) for entity, kinds in facts["attributes"].items()}
    for name, entity in facts["resources"].items():
        if entity not in attributes:
            raise PackRefused(f"The resource {name} is of the type {entity}, which has no attributes listed.")
    for entity, kinds in attributes.items():
        if unknown := set(kinds.values()) - KINDS:
            raise PackRefused(f"The type {entity} has an attribute of the kind {sorted(unknown)[0]!r}.")
    return attributes


def _strings(node: Any) -> Iterator[str]:
    """Every string literal in a parsed policy."""
    match node:
        case {"Value": str(text)}:
            yield text
        case dict():
            for child in node.values():
                yield from _strings(child)
        case list():
            for child in node:
                yield from _strings(child)
