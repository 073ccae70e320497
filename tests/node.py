"""A real node under test: its own data directory, its own port, its real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx

ROOT = Path(__file__).parent.parent
READY_SECONDS = 90
UNHURRIED = {"OUTPOST_ENVIRONMENT": "development", "OUTPOST_RATE_LIMIT_PER_MINUTE": "1000000"}
"""Tests ask more in a minute than people do."""


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RunningNode:
    """`outpost run` in a child process; used as a context manager it always stops it."""

    def __init__(
        self,
        data: Path,
        *,
        demo: bool,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._host = host
        self._demo = demo
        self._environment = {**os.environ, **UNHURRIED, **(environment or {})}
        self._log = log or data.with_name(data.name + ".log")
        self.process: subprocess.Popen[bytes] | None = None
        self._own: dict[tuple[str, str], dict[str, str]] = {}

    def start(self) -> Self:
        """Start and return when `/health/ready` says 200."""
        command = [sys.executable, "-m", "appliance.cli", "run", "--data", str(self.data)]
        command += ["--listen", f"{self._host}:{self.port}", *(["--demo"] if self._demo else [])]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True, env=self._environment
            )
        self.wait_until_ready()
        return self

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_until_ready(self) -> None:
        self.wait_for(self._ready, "the node to be ready", seconds=READY_SECONDS)

    def wait_for(self, condition: Any, what: str, *, seconds: float) -> None:
        """Poll `condition` until it holds; fail with the end of the node's log."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"the node ended while waiting for {what}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s for {what}:\n{self.log_tail()}")
            time.sleep(0.05)

    def log_tail(self) -> str:
        return self._log.read_text(errors="replace")[-3000:] if self._log.exists() else "(no log)"

    def _ready(self) -> bool:
        # By hand: httpcore drops a Unix socket with a warning when it is refused, as by a node that was just killed.
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(2)
            try:
                door.connect(str(self.data / "run" / "outpost.sock"))
                door.sendall(b"GET /health/ready HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n")
                return door.recv(64).startswith(b"HTTP/1.1 200 ")
            except OSError:
                return False

    def owner(self, tenant: str | None = None, *, timeout: float = 60) -> httpx.Client:
        """A client at the owner's door."""
        transport = httpx.HTTPTransport(uds=str(self.data / "run" / "outpost.sock"))
        headers = {"x-outpost-tenant": tenant} if tenant else {}
        return httpx.Client(transport=transport, base_url="http://node", headers=headers, timeout=timeout)

    def credentials(self) -> list[dict[str, str]]:
        path = self.data / "credentials.json"
        self.wait_for(path.exists, "the demo sign-ins", seconds=60)
        found: list[dict[str, str]] = json.loads(path.read_text())
        return found

    def own(self, role: str, tenant: str = "alder") -> dict[str, str]:
        """How the first person of a role signs in, with a password of their own where this node asks for one."""
        if (known := self._own.get((tenant, role))) is None:
            who = next(one for one in self.credentials() if one["tenant"] == tenant and one["role"] == role)
            known = {name: who[name] for name in ("tenant", "username", "password")}
            with httpx.Client(base_url=self.url, timeout=60) as client:
                known["password"] = with_own_password(client, **known)[0]
            self._own[tenant, role] = known
        return dict(known)

    def sign_in(self, role: str, tenant: str = "alder") -> httpx.Client:
        """A client at the people's address, signed in."""
        with httpx.Client(base_url=self.url, timeout=60) as client:
            token = with_own_password(client, **self.own(role, tenant))[1]
        return httpx.Client(base_url=self.url, timeout=60, headers={"authorization": f"Bearer {token}"})

    def wait_for_documents(self, tenant: str, count: int, *, seconds: float = 240) -> None:
        """Until `count` documents are ready and none is on its way."""

        def settled() -> bool:
            with self.owner(tenant) as door:
                ready = listed(door, "ready")
                return len(ready) >= count and not listed(door, "pending") and not listed(door, "processing")

        self.wait_for(settled, f"{count} documents of {tenant}", seconds=seconds)

    def pids(self) -> dict[str, int]:
        found: dict[str, int] = json.loads((self.data / "run" / "pids.json").read_text())
        return found

    def chat_pid(self, model: str = "") -> int | None:
        """The process that serves a chat model; without a name the first."""
        return next((pid for name, pid in self.pids().items() if name.startswith(f"chat {model}")), None)

    def kill_all(self) -> None:
        """SIGKILL the supervisor and its children, as a power cut would."""
        for pid in self.pids().values():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if self.process is not None:
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill_all()
            self.process = None


def with_own_password(client: httpx.Client, *, tenant: str, username: str, password: str) -> tuple[str, str]:
    """Sign somebody in with the password that they were given; the one they have then, and an access token.

    Where the node asks for it they choose one of their own, as people do: what they were given, and a word more.
    """
    own = f"{password} of mine"
    body = {"tenant": tenant, "username": username, "password": password}
    answer = client.post("/v1/auth/login", json=body)
    if answer.status_code == 401:  # chosen before
        password, answer = own, client.post("/v1/auth/login", json=body | {"password": own})
    signed_in = answer.raise_for_status().json()
    token: str = signed_in["access_token"]
    if signed_in["must_change_password"]:
        headers = {"authorization": f"Bearer {token}"}
        client.put("/v1/auth/password", json={"password": own}, headers=headers).raise_for_status()
        password = own
    return password, token


def listed(client: httpx.Client, status: str | None = None) -> list[dict[str, Any]]:
    """Every document of a state, over all pages."""
    items: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        wanted = {"page_size": "100", "status": status, "page_token": token}
        parameters = {name: value for name, value in wanted.items() if value}
        page = client.get("/v1/documents", params=parameters).raise_for_status().json()
        items += page["items"]
        token = page["next_page_token"]
        if not token:
            return items


def demo_counts() -> dict[str, int]:
    """How many documents the demo plant holds, by tenant."""
    manifests = sorted((ROOT / "demo" / "plant").glob("*/manifest.json"))
    return {path.parent.name: len(json.loads(path.read_text())["files"]) for path in manifests}
