"""A policy pack: Cedar policies with their schema, and what Cedar has to be told beside them.

    <pack>/schema.cedarschema   what policies may speak about
    <pack>/policies.cedar       who may do what: a permit has @id and @says, a forbid @id, @question and @reason
    <pack>/pack.toml            roles, names of resources, attributes, actions with filtered lists, rate limits, the last day
    <pack>/pii.toml             a plant's own patterns of personal data; may be left out
    <pack>/guard.toml           a plant's own rules for what may not be asked for, and for orders to a model; may be left out

The pack's version is the first 12 hex digits of a SHA-256 over the files; it stands in every decision.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cedarpy

from appliance.policy import mentions
from appliance.policy.budgets import Budgets, read_budgets
from appliance.policy.errors import PackRefused
from appliance.policy.limits import RateLimits, read_limits
from appliance.policy.patterns import PlantData, read_data
from appliance.policy.phrases import PlantRules, read_rules
from appliance.policy.requests import Patience, read_needed, read_patience

DEFAULT_PACK: Final = Path(__file__).with_name("pack")
FILES: Final = ("schema.cedarschema", "policies.cedar", "pack.toml")
PII, GUARD = "pii.toml", "guard.toml"
OPTIONAL: Final = (PII, GUARD)
COLLECTION: Final = "Collection"
KINDS: Final = frozenset({"long", "string", "string?", "set"})
LARGEST: Final = 256 * 1024
"""Bytes of one file of a pack."""

_ACTION: Final = re.compile(
    r'^action "([^"]+)"(?: appliesTo \{\n  principal: \[[^\]]*\],\n  resource: \[([^\]]*)\])?', re.MULTILINE
)
_GROUPED: Final = re.compile(r'^action "[^"]+" in ', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Forbid:
    """Why a forbid refuses, in the words of the pack; forbids with a lower `question` are named first."""

    question: int
    reason: str


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that Cedar has validated."""

    version: str
    texts: Mapping[str, str]
    """The files, by name."""
    name: str
    valid_until: dt.date | None
    """The last day on which it decides anything; None for one that does not end."""
    refusal: str
    schema: cedarpy.Schema
    policies: cedarpy.PolicySet
    permits: cedarpy.PolicySet
    """The permits alone: they answer whether a role permits the action, whatever else forbids it."""
    says: Mapping[str, str]
    """What each permit gives, in words."""
    forbids: Mapping[str, Forbid]
    rules: tuple[Mapping[str, Any], ...]
    """The policies as Cedar reads them, in its JSON form."""
    actions: tuple[str, ...]
    """Every action that the schema knows, sorted."""
    applies: Mapping[str, tuple[str, ...]]
    """The types of things that each of them may be done to."""
    literals: frozenset[str]
    """Every string that a policy compares with; random checks use them, so that they meet each case."""
    compared: Mapping[str, frozenset[str]]
    """The same by the attribute of the resource that they are compared with."""
    duties: frozenset[str]
    """Every duty that a policy asks a principal about."""
    roles: Mapping[str, tuple[str, ...]]
    """A role -> itself and every role it includes."""
    resources: Mapping[str, str]
    attributes: Mapping[str, Mapping[str, str]]
    scopes: Mapping[str, tuple[str, ...]]
    limits: RateLimits
    budgets: Budgets
    needed: Mapping[str, int]
    """How many people must agree to a request of each kind; 1 where it is not named."""
    patience: Patience
    """For how long a request waits for its answer."""
    sanitised_from: int
    """The class of sources from which on personal data is kept from models; every class where the pack does not say."""
    intents: Mapping[str, str]
    """What is said to somebody whose question has an intent that no policy permits them."""
    data: PlantData
    """The plant's own patterns of personal data, beside those of the release, and what becomes of what they find."""
    guard: PlantRules
    """The plant's own of what is asked to be done and of orders to a model, beside those of the release."""


def read(directory: Path) -> dict[str, str]:
    """The files of the pack in `directory`, unread.

    Raises:
        PackRefused: one is missing, is no text, or is larger than a file of a pack is.
    """
    texts = {}
    for name in (*FILES, *OPTIONAL):
        if name in OPTIONAL and not (directory / name).exists():
            continue
        try:
            with (directory / name).open("rb") as file:
                raw = file.read(LARGEST + 1)
            texts[name] = raw.decode()
        except OSError as error:
            raise PackRefused(f"The pack cannot be read: {name}: {error.strerror}.") from error
        except UnicodeDecodeError:
            raise PackRefused(f"The pack is malformed: {name} is not UTF-8.") from None
    return texts


def parse(texts: Mapping[str, str]) -> Pack:
    """Make a pack of its files.

    Raises:
        PackRefused: Cedar does not validate it, a policy lacks an annotation, or a fact is missing.
    """
    if set(texts) - set(OPTIONAL) != set(FILES):
        raise PackRefused(f"A pack has the files {', '.join(FILES)}, may have {', '.join(OPTIONAL)}, and no others.")
    if large := [name for name in texts if len(texts[name].encode()) > LARGEST]:
        raise PackRefused(f"{large[0]} is larger than {LARGEST // 1024} KiB.")
    try:
        facts = tomllib.loads(texts["pack.toml"])
        schema = cedarpy.Schema.from_str(texts["schema.cedarschema"])
        validation = cedarpy.validate_policies(texts["policies.cedar"], schema)
        if not validation.validation_passed:
            raise PackRefused(f"Cedar does not validate the policies: {validation.errors[0].error}")
        applies = _applies(schema, facts["scopes"]["Document"])
        named = _named(json.loads(cedarpy.policies_to_json_str(texts["policies.cedar"])))
        return Pack(
            version=version_of(texts),
            texts=dict(texts),
            name=str(facts["name"])[:80],
            valid_until=_day(facts.get("valid_until")),
            refusal=str(facts["refusal"]),
            schema=schema,
            policies=_policy_set(named),
            permits=_policy_set({key: policy for key, policy in named.items() if policy["effect"] == "permit"}),
            says={key: _says(key, policy) for key, policy in named.items() if policy["effect"] == "permit"},
            forbids={key: _forbid(key, policy) for key, policy in named.items() if policy["effect"] == "forbid"},
            rules=tuple(named.values()),
            actions=tuple(sorted(applies)),
            applies=applies,
            literals=frozenset(mentions.strings([policy["conditions"] for policy in named.values()])),
            compared=mentions.compared([policy["conditions"] for policy in named.values()]),
            duties=mentions.duties([policy["conditions"] for policy in named.values()]),
            roles={role: _included(role, facts["roles"]) for role in facts["roles"]},
            resources=dict(facts["resources"]),
            attributes=_attributes(facts),
            scopes={entity: tuple(actions) for entity, actions in facts["scopes"].items()},
            limits=read_limits(facts.get("limits", {})),
            budgets=read_budgets(facts.get("budgets", {})),
            needed=read_needed(facts.get("approvals", {})),
            patience=read_patience(facts.get("approvals", {})),
            sanitised_from=int(facts.get("guard", {}).get("sanitised_from", 1)),
            intents={name: str(told) for name, told in facts.get("intents", {}).items()},
            data=read_data(texts.get(PII, "")),
            guard=read_rules(texts.get(GUARD, "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackRefused(f"The pack is malformed: {str(error)[:300]}") from error
    except RecursionError:
        raise PackRefused("The pack is malformed: something in it is nested too deeply.") from None


def load(directory: Path) -> Pack:
    """The pack in `directory`. Raises PackRefused as `read` and `parse` do."""
    return parse(read(directory))


def version_of(texts: Mapping[str, str]) -> str:
    """12 hex digits over the names, sizes and bytes of the files."""
    digest = hashlib.sha256()
    for name in sorted(texts, key=_order):
        body = texts[name].encode()
        digest.update(f"{name} {len(body)}\n".encode() + body)
    return digest.hexdigest()[:12]


def _order(name: str) -> tuple[int, str]:
    return (FILES.index(name), name) if name in FILES else (len(FILES), name)


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


def _says(name: str, policy: Mapping[str, Any]) -> str:
    words = policy["annotations"].get("says")
    if not words:
        raise PackRefused(f"The permit {name} needs @says: what it gives, in words.")
    return str(words)


def _applies(schema: cedarpy.Schema, listed: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Cedar writes a schema back in one form, whatever was written.

    Raises:
        PackRefused: an action is in a group of actions, which lists and comparisons do not follow; or one on documents is
            not among those whose lists are filtered.
    """
    if _GROUPED.search(str(schema)):
        raise PackRefused("The schema puts an action into a group; policies name each action by itself.")
    applies = {name: tuple(types.split(", ")) if types else () for name, types in _ACTION.findall(str(schema))}
    for name, types in applies.items():
        if "Document" in types and name not in listed:
            raise PackRefused(f"{name} can be done to documents and is not under [scopes].")
    return applies


def _day(value: Any) -> dt.date | None:
    if value is None or type(value) is dt.date:
        return value
    raise PackRefused("valid_until is a day, as in 2027-06-30 without quotes.")


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
