"""Migrations: one chain per group of tables, for both databases.

A chain is `migrations/<group>/versions/NNNN_name.py`; the revision of a step is the name of its file, so that whether a
database is up to date can be seen without loading Alembic.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, inspect, text

from appliance.store.schema import METADATA, Group

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext

CHAINS: Final = Path(__file__).parent / "migrations"
VERSION_TABLE: Final = "alembic_version"


def head(group: Group) -> str:
    """The newest revision of the group in this release."""
    return max(path.stem for path in (CHAINS / group.value / "versions").glob("[0-9]*.py"))


def upgrade(connection: Connection, group: Group, to: str | None = None) -> None:
    """Apply the missing steps of `group`, up to the revision `to` or the newest, inside the transaction of `connection`.

    On PostgreSQL the group's schema must be first in the search path.
    """
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    chain = ScriptDirectory(str(CHAINS / group.value))
    newest = to or head(group)

    def steps(revision: Any, _context: MigrationContext) -> Any:
        return chain._upgrade_revs(newest, revision)

    with EnvironmentContext(Config(), chain, fn=steps) as environment:
        environment.configure(
            connection=connection,
            target_metadata=METADATA[group],
            render_as_batch=True,
            transactional_ddl=True,
            version_table=VERSION_TABLE,
            version_table_schema=group.value if connection.dialect.name == "postgresql" else None,
        )
        environment.run_migrations()


def revision(connection: Connection, group: Group) -> str | None:
    """The revision that the tables have now; None if there are none."""
    schema = group.value if connection.dialect.name == "postgresql" else None
    if not inspect(connection).has_table(VERSION_TABLE, schema=schema):
        return None
    table = f"{schema}.{VERSION_TABLE}" if schema else VERSION_TABLE
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {table}"))  # noqa: S608 - our own names
    return found
