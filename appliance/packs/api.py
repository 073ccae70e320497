"""Policy packs over HTTP: look, stage, compare, put in force, take back, explain."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import JSONBody, PathParameter

from appliance.gate import Gate
from appliance.identity.factors_api import XStepUp
from appliance.identity.step_ups import StepUps
from appliance.packs import schemas
from appliance.packs.force import InForce
from appliance.packs.service import Packs
from appliance.policy import Resource
from appliance.store import Principal
from appliance.web import Injected

POLICY = Resource("policy")
Version = Annotated[str, PathParameter(max_length=40, description="Of a pack; `release` is the shipped one.")]


class PolicyController(Controller):
    path = "/v1/admin/policy"
    tags = ("Policy",)

    @get("/packs", operation_id="list_policy_packs", asks="policy.read")
    async def listed(
        self,
        principal: Injected[Principal],
        gate: Injected[Gate],
        packs: Injected[Packs],
        policy: Injected[InForce],
    ) -> schemas.PolicyPacksView:
        """The packs of this plant, and which of them decides."""
        async with gate.admit(principal, "policy.read", POLICY) as admitted:
            found, before = await packs.all(admitted), await packs.before(admitted)
        unusable = policy.why_unusable(principal.tenant_id)
        return schemas.PolicyPacksView(
            items=[schemas.PolicyPackView.of(one) for one in found], before=before, unusable=unusable
        )

    @post("/packs", operation_id="stage_policy_pack", asks="policy.stage", status_code=201)
    async def stage(
        self,
        data: JSONBody[schemas.NewPolicyPack],
        principal: Injected[Principal],
        gate: Injected[Gate],
        packs: Injected[Packs],
    ) -> schemas.PolicyPackView:
        """Check a pack as a whole and keep it. It decides nothing yet."""
        request = data.model_dump_json().encode()
        async with gate.admit(principal, "policy.stage", POLICY, request=request) as admitted:
            return schemas.PolicyPackView.of(await packs.stage(admitted, data.files))

    @get("/packs/{version:str}", operation_id="get_policy_pack", asks="policy.read")
    async def one(
        self, version: Version, principal: Injected[Principal], gate: Injected[Gate], packs: Injected[Packs]
    ) -> schemas.PolicyPackFiles:
        """The files of a pack."""
        async with gate.admit(principal, "policy.read", Resource("policy", version)) as admitted:
            return schemas.PolicyPackFiles(version=version, files=dict(await packs.texts(admitted, version)))

    @get("/packs/{version:str}/preview", operation_id="preview_policy_pack", asks="policy.read")
    async def preview(
        self, version: Version, principal: Injected[Principal], gate: Injected[Gate], packs: Injected[Packs]
    ) -> schemas.PolicyPreviewView:
        """What the pack would decide otherwise: roles, the last 1,000 decisions of the record, documents seen."""
        async with gate.admit(principal, "policy.read", Resource("policy", version)) as admitted:
            return schemas.PolicyPreviewView.of(await packs.preview(admitted, version))

    @post("/activate", operation_id="activate_policy_pack", asks="policy.activate", status_code=200)
    async def activate(
        self,
        data: JSONBody[schemas.PolicyActivation],
        principal: Injected[Principal],
        gate: Injected[Gate],
        packs: Injected[Packs],
        step_ups: Injected[StepUps],
        x_step_up: XStepUp = None,
    ) -> schemas.SwitchView:
        """Put a pack in force. One that allows what is refused now needs the word of its preview; a step-up is asked for."""
        resource, request = Resource("policy", data.version), data.model_dump_json().encode()
        async with gate.admit(principal, "policy.activate", resource, request=request) as admitted:
            await step_ups.require(principal, "policy.activate", data.version, x_step_up)
            return schemas.SwitchView.of(await packs.activate(admitted, data.version, data.confirm))

    @post("/rollback", operation_id="rollback_policy_pack", asks="policy.activate", status_code=200)
    async def rollback(
        self,
        principal: Injected[Principal],
        gate: Injected[Gate],
        packs: Injected[Packs],
        step_ups: Injected[StepUps],
        data: JSONBody[schemas.PolicyRollback | None] = None,
        x_step_up: XStepUp = None,
    ) -> schemas.SwitchView:
        """Take the last switch back. Where that widens, the word of the preview is needed; a step-up is asked for."""
        async with gate.admit(principal, "policy.activate", POLICY) as admitted:
            await step_ups.require(principal, "policy.activate", "", x_step_up)
            return schemas.SwitchView.of(await packs.rollback(admitted, data.confirm if data else None))

    @get("/history", operation_id="list_policy_switches", asks="policy.read")
    async def history(
        self, principal: Injected[Principal], gate: Injected[Gate], packs: Injected[Packs]
    ) -> schemas.SwitchesView:
        """The last switches, the newest first."""
        async with gate.admit(principal, "policy.read", POLICY) as admitted:
            found = await packs.history(admitted)
        return schemas.SwitchesView(items=[schemas.SwitchView.of(one) for one in found])

    @post("/explain", operation_id="explain_policy", asks="policy.read", status_code=200)
    async def explain(
        self,
        data: JSONBody[schemas.PolicyQuestion],
        principal: Injected[Principal],
        gate: Injected[Gate],
        packs: Injected[Packs],
    ) -> schemas.ExplainedView:
        """What would be decided for somebody, by which policies, in words. Nothing is done and nobody is asked."""
        async with gate.admit(principal, "policy.read", POLICY, request=data.model_dump_json().encode()) as admitted:
            explained = await packs.explain(admitted, data.subject, data.action, data.thing(), data.version)
        return schemas.ExplainedView.of(explained)


ROUTES = [PolicyController]
