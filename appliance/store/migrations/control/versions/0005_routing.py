"""One model in force for each tier, providers, and what is written with where nothing else is said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import Json, UtcDateTime

revision = "0005_routing"
down_revision: str | None = "0004_shelf"
branch_labels = None
depends_on = None


def upgrade() -> None:
    packages = sa.table("model_packages", sa.column("id", sa.Uuid()), sa.column("facts", Json()))
    before = sa.table("models_in_force", sa.column("package_id", sa.Uuid()), sa.column("generation", sa.Integer()))
    moved = op.get_bind().execute(
        sa.select(packages.c.id, packages.c.facts, before.c.generation).join(
            before, before.c.package_id == packages.c.id
        )
    )
    rows = [
        {"tier": tier, "package_id": package, "generation": generation, "start": True}
        for package, facts, generation in moved
        for tier in facts["tiers"]
    ]
    op.drop_table("models_in_force")
    made = op.create_table(
        "models_in_force",
        sa.Column("tier", sa.String(16), primary_key=True),
        sa.Column("package_id", sa.Uuid(), sa.ForeignKey("model_packages.id"), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("start", sa.Boolean(), nullable=False),
    )
    if rows:
        op.bulk_insert(made, rows)
    op.create_table(
        "model_providers",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.String(32), nullable=False, unique=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("base_url", sa.String(300), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("models", Json(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("timeout_seconds", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("pause_seconds", sa.Integer(), nullable=False),
        sa.Column("clearance", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "node_model_defaults",
        sa.Column("what", sa.String(16), primary_key=True),
        sa.Column("choice", sa.String(120), nullable=False),
    )


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
