"""A running node with one manual in it, its three people, and whatever else a test wants to bring to its doors."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.identity.site import Device
from tests.node import RunningNode, listed

TENANT = "plant"
MANUAL = "pump-p101a.md"
QUESTION = "What is the tightening torque of the casing bolts of P-101A?"
TORQUE = "47 Nm"
FRESH_SECONDS = 600
"""A token lives for 900."""

TEXT = """# Pump P-101A

## Casing

The casing bolts of P-101A are M12 and are tightened crosswise to a torque of 47 Nm.

## Bearings

Grease the bearings of P-101A with 12 g of lithium grease every 2000 operating hours.

## Seal

Alarm E-0417 means that the mechanical seal of P-101A leaks. Stop the pump and close valve V-12.
"""


class Plant:
    """The node and the ways in."""

    def __init__(self, node: RunningNode) -> None:
        self.node = node
        self._people: dict[str, tuple[httpx.Client, float]] = {}

    def person(self, role: str) -> httpx.Client:
        """A client of the signed-in admin, operator or viewer; the same one as long as its token is fresh."""
        client, since = self._people.get(role, (None, 0.0))
        if client is None or time.monotonic() - since > FRESH_SECONDS:
            if client is not None:
                client.close()
            client = self.node.sign_in(role, TENANT)
            self._people[role] = client, time.monotonic()
        return client

    def stranger(self) -> httpx.Client:
        """A client that nobody has signed in with."""
        return httpx.Client(base_url=self.node.url, timeout=60)

    def kiosk(self, name: str) -> httpx.Client:
        """A freshly enrolled kiosk with its token."""
        device = Device()
        with self.node.owner(TENANT) as door:
            code = door.post("/v1/kiosks/enrolment-codes", json={}).raise_for_status().json()["code"]
        client = self.stranger()
        enrolment = {"code": code, "name": name, "public_key": device.public_jwk}
        kiosk_id = client.post("/v1/kiosks/enrol", json=enrolment).raise_for_status().json()["kiosk_id"]
        asked = client.post("/v1/kiosks/challenge", json={"kiosk_id": kiosk_id}).raise_for_status().json()
        proof = asked | {"kiosk_id": kiosk_id, "signature": device.sign(asked["challenge"])}
        token = client.post("/v1/kiosks/token", json=proof).raise_for_status().json()["access_token"]
        client.headers["authorization"] = f"Bearer {token}"
        return client

    def put(self, filename: str, text: str, **fields: str) -> str:
        """Upload a text file as the operator, wait until it is ready, and return its id."""
        known = len(listed(self.person("operator")))
        files = {"file": (filename, text.encode())}
        response = self.person("operator").post("/v1/documents/upload", files=files, data=fields)
        document_id: str = response.raise_for_status().json()["document_id"]
        self.node.wait_for_documents(TENANT, known + 1, seconds=60)
        return document_id

    def raw(self, request: bytes) -> bytes:
        """Send bytes that no client library would send, and return all that comes back."""
        with socket.create_connection(("127.0.0.1", self.node.port), timeout=20) as connection:
            connection.sendall(request)
            received = b""
            try:
                while more := connection.recv(65536):
                    received += more
            except ConnectionResetError:
                pass
            return received

    def close(self) -> None:
        for client, _ in self._people.values():
            client.close()


@contextmanager
def running_plant(folder: Path, *, environment: Mapping[str, str] | None = None) -> Iterator[Plant]:
    """A node without a demo, one manual in its library."""
    with RunningNode(folder / "data", demo=False, environment=environment) as node:
        plant = Plant(node)
        try:
            plant.put(MANUAL, TEXT, metadata=json.dumps({"revision": "C", "assets": ["P-101A"]}))
            yield plant
        finally:
            plant.close()


_SHARED = pytest.StashKey[Plant]()


def shared_plant(config: pytest.Config, folder: Path) -> Plant:
    """The node that all tests of one run share which do it no harm; started by the first, stopped at the very end."""
    if _SHARED not in config.stash:
        stack = ExitStack()
        config.stash[_SHARED] = stack.enter_context(running_plant(folder))
        config.add_cleanup(stack.close)
    return config.stash[_SHARED]


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """The problem details of a refused request, checked for their shape (RFC 9457)."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    body: dict[str, Any] = response.json()
    assert body["status"] == response.status_code
    assert body["type"] == f"urn:outpost:problem:{body['code']}"
    assert body["instance"].startswith("/")
    assert all(body[member] for member in ("title", "detail", "hint"))
    assert body["correlation_id"] == response.headers["x-request-id"]
    return body
