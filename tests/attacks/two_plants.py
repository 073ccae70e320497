"""A running appliance with two plants in it: North has one of everything, marked; South wants to see it."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.attacks.routes import Operation, operations
from tests.conftest import Template
from tests.identity.site import Device
from tests.node import RunningNode, with_own_password
from tests.packs.variants import pack

NORTH, SOUTH = "north", "south"
PASSWORD = "long enough to be one"
ROLES = ("viewer", "operator", "admin")
MARK = f"zqcanary{uuid.uuid4().hex[:10]}"
"""Stands in every text of North that anybody may write; only lower-case letters and digits, so that no encoding hides it."""
MANUAL = f"# Pump {MARK}\n\nThe pump {MARK} turns at 47 rpm.\n"
KIOSK_SECONDS = 200
"""A kiosk's token lives for 300."""
HOOKS = "hooks.plant.test:443"
"""Where webhooks may be; there is no such host."""
BY_ITSELF = {"health.check", "approvals.overdue", "webhooks.deliver"}
"""Jobs that the node asks for, or tries again, when it is time."""
QUESTION = "How fast does the pump turn?"


@dataclass
class Victim:
    """What North has: ids by the parameter that they would be given as, and secrets by what they are."""

    ids: dict[str, str] = field(default_factory=dict)
    unsaid: set[str] = field(default_factory=set)
    """Ids that no attack says, so that nothing can only repeat them."""
    page_tokens: dict[str, str] = field(default_factory=dict)
    refresh_token: str = ""
    device: Device = field(default_factory=Device)


class TwoPlants:
    """The appliance, and a client for each role of South and for a kiosk of it."""

    def __init__(self, node: RunningNode, clients: ExitStack) -> None:
        self.node = node
        self._clients = clients
        self.operations: list[Operation] = []
        self._own: dict[tuple[str, str], str] = {}
        self.victim = Victim()
        self.north: httpx.Client
        self._south: dict[str, httpx.Client] = {}
        self._kiosk_until = 0.0
        self.attacker_device = Device()
        self.attacker_kiosk = ""

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return self._clients.enter_context(httpx.Client(base_url=self.node.url, headers=headers, timeout=60))

    def owner(self, tenant: str) -> httpx.Client:
        return self._clients.enter_context(self.node.owner(tenant))

    def sign_in(self, tenant: str, role: str) -> dict[str, Any]:
        body = {"tenant": tenant, "username": f"{tenant}-{role}", "password": PASSWORD}
        with httpx.Client(base_url=self.node.url, timeout=60) as anybody:
            body["password"] = self._own[tenant, role] = with_own_password(anybody, **body)[0]
            tokens: dict[str, Any] = anybody.post("/v1/auth/login", json=body).raise_for_status().json()
        return tokens

    def attacker(self, role: str) -> httpx.Client:
        """Somebody of South who is signed in; a kiosk's token is renewed before it ends."""
        if role == "kiosk" and time.monotonic() > self._kiosk_until:
            token = self._kiosk_token(self.attacker_kiosk, self.attacker_device)
            self._south[role] = self.client(token)
            self._kiosk_until = time.monotonic() + KIOSK_SECONDS
        return self._south[role]

    def people(self, tenant: str, shown: str) -> None:
        with self.node.owner(tenant) as door:
            for role in ROLES:
                new = {
                    "username": f"{tenant}-{role}", "display_name": f"{shown} {role}", "role": role, "password": PASSWORD
                }  # fmt: skip
                made = door.post("/v1/admin/users", json=new).raise_for_status().json()
                if tenant == NORTH:
                    self.victim.unsaid.add(made["id"])
                    self.victim.ids["person_id"] = made["id"]

    def kiosk(self, tenant: str, name: str, device: Device) -> str:
        """Enrol a device; its id."""
        with self.node.owner(tenant) as door:
            code = door.post("/v1/kiosks/enrolment-codes", json={}).raise_for_status().json()["code"]
        enrolment = {"code": code, "name": name, "public_key": device.public_jwk}
        kiosk_id: str = self.client().post("/v1/kiosks/enrol", json=enrolment).raise_for_status().json()["kiosk_id"]
        return kiosk_id

    def _kiosk_token(self, kiosk_id: str, device: Device) -> str:
        anybody = self.client()
        asked = anybody.post("/v1/kiosks/challenge", json={"kiosk_id": kiosk_id}).raise_for_status().json()
        proof = asked | {"kiosk_id": kiosk_id, "signature": device.sign(asked["challenge"])}
        token: str = anybody.post("/v1/kiosks/token", json=proof).raise_for_status().json()["access_token"]
        return token

    def settle(self) -> None:
        """North has one of everything, and South its people."""
        self.people(NORTH, f"{MARK} of North")
        self.people(SOUTH, "Somebody of South")
        for role in ROLES:
            self._south[role] = self.client(self.sign_in(SOUTH, role)["access_token"])
        self.attacker_kiosk = self.kiosk(SOUTH, "Line of South", self.attacker_device)
        self.operations = operations(self.client().get("/openapi.json").raise_for_status().json())
        self._fill()

    def _fill(self) -> None:
        ids = self.victim.ids
        ids["kiosk_id"] = self.kiosk(NORTH, f"Kiosk {MARK}", self.victim.device)
        tokens = self.sign_in(NORTH, "admin")
        self.victim.refresh_token = tokens["refresh_token"]
        admin = self.north = self.client(tokens["access_token"])
        ids["tenant_id"] = admin.get("/v1/auth/me").raise_for_status().json()["tenant_id"]
        for number in (1, 2):
            ids["document_id"] = self._upload(admin, number)
            made = admin.post("/v1/conversations", json={"title": f"{MARK} {number}"}).raise_for_status().json()
            ids["conversation_id"] = made["id"]
            self.victim.unsaid |= {made["id"], ids["document_id"]}
        ids["job_id"] = admin.get("/v1/jobs").raise_for_status().json()["items"][0]["job_id"]
        budget = admin.put("/v1/admin/budgets", json={"limit_tokens": 4711, "provider": MARK})
        ids["budget_id"] = budget.raise_for_status().json()["id"]
        limit = {"scope": "route", "subject": "POST /v1/search", "minute": 4711}
        ids["override_id"] = admin.put("/v1/admin/limits/set", json=limit).raise_for_status().json()["id"]
        self._team(admin)
        self._guard(admin)
        self._told(admin)
        self._converse(admin)
        self.victim.unsaid -= set(ids.values())
        for operation in self.operations:
            if "page_token" in {one["name"] for one in operation.query_parameters}:
                size = "page_size" if "page_size" in {one["name"] for one in operation.query_parameters} else "limit"
                page = admin.get(operation.url(**ids), params={size: 1}).raise_for_status().json()
                if page.get("next_page_token"):
                    self.victim.page_tokens[operation.path] = page["next_page_token"]

    def _team(self, admin: httpx.Client) -> None:
        """Two teams with somebody in one: a page of them has a next page."""
        for number in (1, 2):
            new = {"name": f"{MARK} crew {number}"}
            self.victim.ids["team_id"] = admin.post("/v1/teams", json=new).raise_for_status().json()["id"]
        place = f"/v1/teams/{self.victim.ids['team_id']}/members/{self.victim.ids['person_id']}"
        admin.put(place, json={}).raise_for_status()

    def _guard(self, admin: httpx.Client) -> None:
        """A policy pack, an API key, a second factor that waits for its code, and a class IV that waits for its data owner."""
        ids = self.victim.ids
        with self.node.owner(NORTH) as door:
            staged = door.post("/v1/admin/policy/packs", json={"files": dict(pack(MARK))}).raise_for_status()
            key = door.post("/v1/api-keys", json={"name": MARK, "scopes": ["auth.me"], "role": "viewer", "days": 3})
        ids["version"], ids["key_id"] = staged.json()["version"], key.raise_for_status().json()["id"]
        proof = {"action": "factors.enrol", "resource": "", "password": self._own[NORTH, "admin"]}
        step_up = {"x-step-up": admin.post("/v1/auth/step-up", json=proof).raise_for_status().json()["step_up"]}
        offer = admin.post("/v1/auth/factors/totp", json={"name": MARK}, headers=step_up)
        ids["factor_id"] = offer.raise_for_status().json()["id"]
        plan = {"file": (f"{MARK}-plan.md", MANUAL.encode())}
        admin.post("/v1/documents/upload", files=plan, data={"classification": "IV"}).raise_for_status()
        ids["approval_id"] = admin.get("/v1/approvals").raise_for_status().json()["items"][0]["id"]

    def _told(self, admin: httpx.Client) -> None:
        """A program that is told, with what waits for it; two holds of long ago; and what there is to hear of."""
        new = {"name": MARK, "url": f"https://{HOOKS}/{MARK}", "kinds": ["policy.switched"]}
        made = admin.post("/v1/webhooks", json=new).raise_for_status().json()
        self.victim.ids["webhook_id"] = made["webhook"]["id"]
        place = f"/v1/webhooks/{made['webhook']['id']}/test"
        self.victim.ids["delivery_id"] = [admin.post(place).raise_for_status().json()["id"] for _ in range(2)][-1]
        for number in (1, 2):
            hold = {"reason": f"{MARK} {number}", "since": "2001-01-01T00:00:00Z", "until": "2001-02-01T00:00:00Z"}
            self.victim.ids["hold_id"] = admin.post("/v1/holds", json=hold).raise_for_status().json()["id"]
        person = {"person_id": self.victim.ids["person_id"]}
        for whose in ({}, person):
            admin.post("/v1/compliance/gdpr/data-subject-request", json=whose).raise_for_status()
            asked = admin.post("/v1/compliance/gdpr/erasure-request", json=whose).raise_for_status()
            self.victim.ids["request_id"] = asked.json()["id"]

        broken = {"file": (f"{MARK}.pdf", b"%PDF-1.7\nand nothing more")}
        admin.post("/v1/documents/upload", files=broken).raise_for_status()

        def heard() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = admin.get("/v1/notifications").raise_for_status().json()["items"]
            return found

        self.node.wait_for(lambda: bool(heard()), "something to hear of", seconds=60)
        self.victim.ids["notice_id"] = heard()[0]["id"]

    def _upload(self, admin: httpx.Client, number: int) -> str:
        described = {"title": f"Title {MARK}", "assets": [f"P-{MARK}"], "doc_type": MARK, "free": {"words": MARK}}
        response = admin.post(
            "/v1/documents/upload",
            files={"file": (f"{MARK}-{number}.md", (MANUAL + f"\nNumber {number}.\n").encode())},
            data={"metadata": json.dumps(described), "tags": MARK},
        )
        document: str = response.raise_for_status().json()["document_id"]

        def settled() -> bool:
            return admin.get(f"/v1/documents/{document}").json()["status"] in {"ready", "failed"}

        self.node.wait_for(settled, "the document of North", seconds=60)
        return document

    def _converse(self, admin: httpx.Client) -> None:
        where = f"/v1/conversations/{self.victim.ids['conversation_id']}/chat"
        answer = admin.post(where, json={"message": f"How fast does the pump {MARK} turn?"}).raise_for_status().json()
        assert MARK in answer["answer"]
        self.victim.ids["message_id"] = answer["message_id"]
        (entry,) = admin.get("/v1/audit", params={"limit": 1}).raise_for_status().json()["items"]
        self.victim.ids["record_id"] = entry["record"]["id"]
        rating = {"message_id": answer["message_id"], "thumbs": "down", "comment": f"Nobody believes {MARK}."}
        admin.post("/v1/feedback", json=rating).raise_for_status()

    def left_of_north(self) -> dict[str, Any]:
        """What North's admin sees of it, but for what looking at it changes."""
        lists = ("/v1/documents", "/v1/kiosks", "/v1/admin/users", "/v1/admin/budgets", "/v1/admin/jobs", "/v1/teams")
        found = {path: self.north.get(path).raise_for_status().json() for path in lists}
        # What the node does by itself comes when it is due.
        jobs = found["/v1/admin/jobs"]["items"]
        found["/v1/admin/jobs"] = [one for one in jobs if one["kind"] not in BY_ITSELF]
        conversation = f"/v1/conversations/{self.victim.ids['conversation_id']}"
        return found | {conversation: self.north.get(conversation).raise_for_status().json()}


@contextmanager
def two_plants(folder: Path, template: Template, environment: dict[str, str]) -> Iterator[TwoPlants]:
    """The appliance over a copy of the template's data, on files or, with a database in `environment`, on PostgreSQL."""
    data = folder / "data"
    shutil.copytree(template.data, data)
    hosts = {"OUTPOST_WEBHOOK_HOSTS": HOOKS}
    with ExitStack() as clients, RunningNode(data, demo=False, environment=hosts | environment) as node:
        plants = TwoPlants(node, clients)
        plants.settle()
        yield plants
