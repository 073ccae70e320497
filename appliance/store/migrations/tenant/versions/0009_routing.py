"""Which provider a use was of, budgets for one provider, and what a plant, a role or a person has its answers written with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_routing"
down_revision: str | None = "0008_cards"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("model_usage") as table:
        table.add_column(sa.Column("provider", sa.String(32), nullable=False, server_default="local"))
    with op.batch_alter_table("token_budgets") as table:
        table.add_column(sa.Column("provider", sa.String(32), nullable=False, server_default=""))
        table.drop_constraint("uq_token_budgets", type_="unique")
        table.create_unique_constraint("uq_token_budgets", ["tenant_id", "person_id", "provider", "period"])
    op.create_table(
        "model_defaults",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("scope", sa.String(8), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("choice", sa.String(120), nullable=False),
        sa.UniqueConstraint("tenant_id", "scope", "subject", "what", name="uq_model_defaults"),
    )


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
