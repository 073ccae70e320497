"""Requests that wait too long, what use costs, quotas of more than tokens, and limits of requests that an admin sets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import UtcDateTime

revision = "0029_allowances"
down_revision: str | None = "0028_who_wants_mail"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("approvals") as batch:
        batch.add_column(sa.Column("escalated_at", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("reason", sa.String(16), nullable=True))
    with op.batch_alter_table("model_usage") as batch:
        batch.add_column(sa.Column("cost_micros", sa.BigInteger(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("currency", sa.String(8), nullable=False, server_default=""))
    with op.batch_alter_table("token_budgets") as batch:
        batch.add_column(sa.Column("counts", sa.String(8), nullable=False, server_default="tokens"))
        batch.drop_constraint("uq_token_budgets", type_="unique")
        batch.create_unique_constraint("uq_token_budgets", ["tenant_id", "person_id", "provider", "period", "counts"])
    op.create_table(
        "search_counts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.UniqueConstraint("tenant_id", "person_id", "day", name="uq_search_counts"),
    )
    op.create_table(
        "rate_overrides",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("scope", sa.String(8), nullable=False),
        sa.Column("subject", sa.String(160), nullable=False),
        sa.Column("minute", sa.Integer(), nullable=True),
        sa.Column("hour", sa.Integer(), nullable=True),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("tenant_id", "scope", "subject", name="uq_rate_overrides"),
    )


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
