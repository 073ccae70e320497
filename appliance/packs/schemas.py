"""What goes over HTTP about policy packs. Unknown fields are refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from appliance.packs.values import Explained, Preview, Staged, Switch, What
from appliance.policy import Resource
from appliance.policy.pack import LARGEST

Version = Annotated[
    str, Field(pattern="^([0-9a-f]{12}|release)$", description="Of a pack; `release` is the shipped one.")
]
FileText = Annotated[str, Field(max_length=LARGEST)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewPolicyPack(Body):
    files: Annotated[dict[str, FileText], Field(description="The files of the pack, by name.")]


class PolicyPackView(Body):
    version: str
    name: str
    in_force: bool
    of_the_release: bool
    valid_until: dt.date | None
    staged_at: dt.datetime | None
    problem: Annotated[str | None, Field(description="Why this release cannot use it.")]
    lacking: Annotated[list[str], Field(description="Actions of this release that it does not know, and so denies.")]

    @classmethod
    def of(cls, staged: Staged) -> Self:
        return cls(**asdict(staged))


class PolicyPackFiles(Body):
    version: str
    files: dict[str, str]


class PolicyPacksView(Body):
    items: list[PolicyPackView]
    before: Annotated[
        str | None,
        Field(
            description="What a rollback puts in force: a version, or `release`; null where there is nothing to take back."
        ),
    ]
    unusable: Annotated[
        str | None, Field(description="Why nothing is allowed now; null while the pack in force decides.")
    ]


class PolicyActivation(Body):
    version: Version
    confirm: Annotated[str | None, Field(max_length=16, description="The word of the preview, if the pack widens.")] = (
        None
    )


class PolicyRollback(Body):
    confirm: Annotated[str | None, Field(max_length=16, description="The word of the preview, if going back widens.")]


class SwitchView(Body):
    generation: int
    version: Annotated[str | None, Field(description="Null for the pack of the release.")]
    what: What
    by: UUID
    at: dt.datetime

    @classmethod
    def of(cls, switch: Switch) -> Self:
        return cls(**asdict(switch))


class SwitchesView(Body):
    items: list[SwitchView]


class PolicyChangeView(Body):
    """Something that some may do by one pack and not by the other."""

    who: Annotated[str, Field(description="A role, or `kiosk`.")]
    clearance: Annotated[int, Field(description="0 for any.")]
    action: str
    widens: bool
    reason: Annotated[str, Field(description="What they would be told, if it is refused.")]
    thing: Annotated[str, Field(description="What it may be done to; empty for the action at all.")]
    requests: Annotated[int, Field(description="How often it was asked, of the requests looked at.")]
    people: int


class ReachView(Body):
    """Documents that some would see more or fewer of."""

    who: str
    clearance: int
    action: str
    gained: int
    lost: int
    of: int
    example: dict[str, Any]


class PolicyPreviewView(Body):
    version: str
    in_force: str
    widens: bool
    confirm: Annotated[str, Field(description="Said at activation by whoever has looked at this.")]
    looked_at: Annotated[int, Field(description="Decisions of the record, the latest first.")]
    decided_again: int
    now_refused: int
    now_allowed: int
    changes: list[PolicyChangeView]
    kinds: Annotated[list[ReachView], Field(description="Of documents of every kind that the packs tell apart.")]
    documents: Annotated[list[ReachView], Field(description="Of those in the library, for people who asked lately.")]

    @classmethod
    def of(cls, preview: Preview) -> Self:
        return cls(**asdict(preview), widens=preview.widens)


class PolicyQuestion(Body):
    subject: Annotated[str, Field(min_length=1, max_length=200, description="A name, `kiosk:NAME`, or `role:viewer`.")]
    action: Annotated[str, Field(pattern=r"^[a-z_]+(\.[a-z_]+)+$", max_length=64)]
    resource: Annotated[str, Field(pattern="^[a-z_]+$", max_length=40, description="As in the record: document, job…")]
    resource_id: Annotated[str | None, Field(max_length=64)] = None
    level: Annotated[int | None, Field(ge=1, le=4)] = None
    tags: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=32)] = []
    version: Version | None = None

    def thing(self) -> Resource:
        """The resource; with a level it is described, and need not exist."""
        if self.level is None:
            return Resource(self.resource, self.resource_id)
        attributes = {
            "level": self.level,
            "tags": self.tags,
            "acl": [],
            "stage": "open",
            "approved": [],
            "export": "NONE",
        }
        return Resource(self.resource, self.resource_id, attributes)


class PolicyWords(Body):
    policy: str
    says: str


class ExplainedView(Body):
    allowed: bool
    policies: list[PolicyWords]
    who: str
    facts: dict[str, Any]
    pack_version: str
    reason: str | None

    @classmethod
    def of(cls, explained: Explained) -> Self:
        decision = explained.decision
        return cls(
            allowed=decision.allowed,
            policies=[PolicyWords(policy=name, says=explained.words[name]) for name in decision.policies],
            who=explained.who,
            facts=dict(explained.facts),
            pack_version=decision.pack_version,
            reason=decision.reason,
        )
