"""A table of tenants for the contract of the store, outside every domain."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, create_engine, make_url, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlcipher3 import dbapi2 as sqlcipher

from appliance.store import TenantBase, TenantId, new_id
from appliance.store.engines import connect
from appliance.store.guards import guard_file, guard_schemas
from appliance.store.keys import Keyring


class NoteBase(TenantBase):
    # Metadata of its own: these tables are no part of the appliance, and of no migration.
    __abstract__ = True
    metadata = MetaData()


class Note(NoteBase):
    __tablename__ = "notes"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    text: Mapped[str] = mapped_column(unique=True)
    at: Mapped[dt.datetime | None]
    facts: Mapped[dict[str, Any] | None]


def tenant_file(data: Path, tenant_id: TenantId) -> tuple[Path, bytes]:
    """A tenant's file and the key that opens it."""
    key = Keyring.load(data / "keys").key(f"tenant-{tenant_id}")
    return data / "tenants" / str(tenant_id) / "tenant.db", key


def add_notes_to_file(path: Path, key: bytes) -> None:
    engine = create_engine("sqlite:///notes", module=sqlcipher, creator=lambda: connect(path, key))
    try:
        with engine.begin() as connection:
            Note.metadata.create_all(connection)
            guard_file(connection)
    finally:
        engine.dispose()


def add_notes_to_database(owner_url: str) -> None:
    engine = create_engine(make_url(owner_url).set(drivername="postgresql+psycopg"))
    try:
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL search_path TO tenant"))
            Note.metadata.create_all(connection)
            guard_schemas(connection, role="outpost_app")
            connection.execute(text("GRANT UPDATE, DELETE ON tenant.notes TO outpost_app"))
    finally:
        engine.dispose()
