"""The three groups of tables, their declarative bases, and the column types both databases share."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from typing import Any, ClassVar, Final

from sqlalchemy import JSON, Dialect, MetaData, Uuid, types
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES: Final = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Every constraint has a name that can be derived, so that a later migration can find it on both databases."""


class Group(enum.Enum):
    """A set of tables that share one file on a node and one schema on a hub."""

    CONTROL = "control"
    AUDIT = "audit"
    TENANT = "tenant"


CONTROL: Final = Group.CONTROL
AUDIT: Final = Group.AUDIT


class UtcDateTime(types.TypeDecorator[dt.datetime]):
    """A moment in time: aware in, aware UTC out, also on SQLite, whose dates know no zone."""

    impl = types.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        value = value.astimezone(dt.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Json(types.TypeDecorator[Any]):
    """A JSON value: text on SQLite, JSONB on PostgreSQL. Python's None is SQL NULL."""

    impl = JSON
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.JSONB(none_as_null=True))
        return dialect.type_descriptor(JSON(none_as_null=True))

    def coerce_compared_value(self, op: Any, value: Any) -> types.TypeEngine[Any]:
        return self.impl_instance.coerce_compared_value(op, value)


_TYPES: Final[dict[Any, Any]] = {
    dt.datetime: UtcDateTime,
    dict[str, Any]: Json,
    list[Any]: Json,
    list[str]: Json,
    list[int]: Json,
    uuid.UUID: Uuid(),
}


def tenant_of(context: DefaultExecutionContext) -> uuid.UUID:
    """The tenant of the session that inserts, whatever form the insert takes."""
    tenant: uuid.UUID = context.execution_options["tenant_id"]
    return tenant


class ControlBase(DeclarativeBase):
    """Tables of the node itself: tenants, people, kiosks."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = _TYPES


class AuditBase(DeclarativeBase):
    """Tables of the record. `info={"append_only": True}` on a table withholds UPDATE and DELETE from the hub's app."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = _TYPES


class TenantBase(DeclarativeBase):
    """Tables of one tenant. `tenant_id` fills itself in; a row of another tenant is refused by the database.

    On a hub all tenants share the tables, so a unique constraint that is not over random ids must hold `tenant_id`.
    """

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = _TYPES

    tenant_id: Mapped[uuid.UUID] = mapped_column(Uuid(), default=tenant_of, nullable=False, sort_order=-1)


METADATA: Final = {
    Group.CONTROL: ControlBase.metadata,
    Group.AUDIT: AuditBase.metadata,
    Group.TENANT: TenantBase.metadata,
}
