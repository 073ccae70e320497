"""The guard over HTTP: what a plant has set for it."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, get, put
from litestar.params import JSONBody
from pydantic import BaseModel, ConfigDict, Field

from appliance.gate import Gate
from appliance.guard import disclosure
from appliance.guard.sanitising import PiiAction, PiiRule, kinds
from appliance.guard.settings import DISCLOSURE, LONGEST, PII, GuardSettings, Settings
from appliance.guard.violations_api import ViolationsController
from appliance.policy import Resource
from appliance.store import Principal
from appliance.web import Flag, Injected, at_most

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")]
Told = Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=r"\S")]


LANGUAGES: Final = 20


class PiiSanitization(BaseModel):
    """What becomes of personal data before a model reads a text, and in what it writes: taken out, only warned of, or reason enough
    to give the model nothing. No `patterns`: every kind but `url`. Secrets are taken out whatever stands here.
    """

    model_config = ConfigDict(extra="forbid")

    enabled: Flag = True
    patterns: list[Annotated[str, Field(max_length=40)]] = Field(default_factory=list, max_length=40)
    action: PiiAction = "redact"

    @classmethod
    def of(cls, rule: PiiRule) -> PiiSanitization:
        return cls(enabled=rule.enabled, patterns=sorted(one.lower() for one in rule.patterns), action=rule.action)


class Disclosure(BaseModel):
    """The plant's own words by language, as `{"de": "…"}`; a language that is left out has the release's, or English."""

    model_config = ConfigDict(extra="forbid")

    texts: Annotated[dict[Language, Told], at_most(LANGUAGES)]


class GuardSettingsView(BaseModel):
    """`kinds` can be named under `patterns`; `disclosure` is what people read, by language; `own_languages` are those that the plant worded itself."""

    pii_sanitization: PiiSanitization
    kinds: list[str]
    disclosure: dict[str, str]
    own_languages: list[str]


class GuardController(Controller):
    path = "/v1/guard/settings"
    tags = ("Guard",)

    @get("/", operation_id="guard_settings", asks="guard.manage")
    async def read(
        self, principal: Injected[Principal], gate: Injected[Gate], guard_settings: Injected[Settings]
    ) -> GuardSettingsView:
        """What this plant has set for the guard."""
        async with gate.admit(principal, "guard.manage", resource=Resource("guard")) as admitted:
            return _view(await guard_settings.of(admitted))

    @put("/pii", operation_id="set_pii_sanitization", asks="guard.manage")
    async def set_pii(
        self,
        data: JSONBody[PiiSanitization],
        principal: Injected[Principal],
        gate: Injected[Gate],
        guard_settings: Injected[Settings],
    ) -> GuardSettingsView:
        """Set what becomes of personal data; sources of class III are sanitised whatever it says."""
        async with gate.admit(
            principal, "guard.manage", resource=Resource("guard", PII), request=data.model_dump_json().encode()
        ) as admitted:
            await guard_settings.change(admitted, PII, data.model_dump())
            return _view(await guard_settings.of(admitted))

    @put("/disclosure", operation_id="set_disclosure", asks="guard.manage")
    async def set_disclosure(
        self,
        data: JSONBody[Disclosure],
        principal: Injected[Principal],
        gate: Injected[Gate],
        guard_settings: Injected[Settings],
    ) -> GuardSettingsView:
        """Set what people are told of answers."""
        async with gate.admit(
            principal, "guard.manage", resource=Resource("guard", DISCLOSURE), request=data.model_dump_json().encode()
        ) as admitted:
            await guard_settings.change(admitted, DISCLOSURE, data.texts)
            return _view(await guard_settings.of(admitted))


def _view(found: GuardSettings) -> GuardSettingsView:
    return GuardSettingsView(
        pii_sanitization=PiiSanitization.of(found.pii),
        kinds=[one.lower() for one in dict.fromkeys([*kinds(), *sorted(found.pii.own)])],
        disclosure={**disclosure.shipped(), **found.disclosure},
        own_languages=sorted(found.disclosure),
    )


ROUTES = [GuardController, ViolationsController]
