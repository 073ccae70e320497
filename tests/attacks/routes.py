"""Requests made from the description of the API: one that fits, for every operation of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from tests.api.plant import Plant

NOWHERE = str(uuid.UUID(int=0))
STATED: dict[str, Any] = {"name": "database", "provider_id": "local", "number": 1, "pid": 1, "version": "release"}
"""Parts of paths that the description cannot say enough about."""
STATED_BODIES: dict[str, list[dict[str, Any]]] = {
    "create_job": [{"type": "test"}, {"type": "attack"}, {"type": "health.check"}],
    "create_db_job": [{"type": "db.check"}],
    "create_db_job_internally": [{"type": "db.check"}],
    "create_job_for": [{"type": "test"}],
    "create_user": [{"username": "attack-{unique}"}],
    "activate_policy_pack": [{"version": "release"}],
    "explain_policy": [{"subject": "role:viewer", "action": "auth.me", "resource": "person"}],
    "update_document": [{"team_id": None}, {"team_id": NOWHERE}],
    "create_webhook": [{"name": "attack", "url": "https://hooks.plant.test/outpost", "kinds": ["policy.switched"]}],
    "set_model_default": [{"choice": None, "scope": "user"}, {"choice": None, "scope": "global"}],
}
"""What a body must say besides what fits to reach the gate, or each of its actions. `{unique}` is another word each time."""
FILE = {"file": ("attack.md", b"# An attack\n\nNothing to see.\n")}


@dataclass(frozen=True)
class Operation:
    """One method of one path, as the description has it."""

    id: str
    method: str
    path: str
    description: dict[str, Any]
    schemas: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def path_parameters(self) -> list[str]:
        return [one["name"] for one in self.description.get("parameters", ()) if one["in"] == "path"]

    @property
    def query_parameters(self) -> list[dict[str, Any]]:
        return [one for one in self.description.get("parameters", ()) if one["in"] == "query"]

    def url(self, **values: Any) -> str:
        """The path with `values` in it, and something that fits where none is given."""
        path = self.path
        for one in self.path_parameters:
            path = path.replace(f"{{{one}}}", str(values.get(one, STATED.get(one, NOWHERE))))
        return path

    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = self.description.get("requestBody", {}).get("content", {})
        return found

    def bodies(self) -> list[dict[str, Any] | None]:
        """JSON that fits, at least one; None where there is no JSON to send."""
        if (media := self.content().get("application/json")) is None:
            return [None]
        least = example(media["schema"], self.schemas)
        return [least | _unique(stated) for stated in STATED_BODIES.get(self.id, [{}])]

    def send(self, client: httpx.Client, body: dict[str, Any] | None = None, **values: Any) -> httpx.Response:
        """Send a request that fits, with `body` where there is one to send."""
        if "multipart/form-data" in self.content():
            return client.request(self.method, self.url(**values), files=FILE)
        return client.request(self.method, self.url(**values), json=body)


def operations(document: dict[str, Any]) -> list[Operation]:
    """Every operation of an OpenAPI document."""
    schemas = document["components"]["schemas"]
    return [
        Operation(found["operationId"], method.upper(), path, found, schemas)
        for path, item in document["paths"].items()
        for method, found in item.items()
    ]


def described(plant: Plant) -> list[Operation]:
    """Every operation that a running node offers."""
    with plant.stranger() as client:
        return operations(client.get("/openapi.json").raise_for_status().json())


def example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """The least that fits a schema: of an object only what it requires."""
    if reference := schema.get("$ref"):
        return example(schemas[reference.rpartition("/")[2]], schemas)
    if options := schema.get("oneOf") or schema.get("anyOf"):
        return example(options[0], schemas)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: example(properties[name], schemas) for name in schema.get("required", ())}
        case "array":
            return [example(schema["items"], schemas)] * schema.get("minItems", 0)
        case "integer" | "number":
            return int(schema.get("minimum", 1))
        case "boolean":
            return False
        case "string" if schema.get("format") == "uuid":
            return NOWHERE
        case "string":
            return "attack"[: schema.get("maxLength", 6)].ljust(schema.get("minLength", 1), "k")
    return None


def _unique(body: dict[str, Any]) -> dict[str, Any]:
    word = uuid.uuid4().hex[:8]
    return {name: value.replace("{unique}", word) if isinstance(value, str) else value for name, value in body.items()}
