"""On a hub the text index is a table of postings.

Row-level security lets only leakproof operators use an index, and that of full-text search is none: a search with
`tsvector` would read every passage of the tenant. Equality of text is leakproof.
"""

from __future__ import annotations

from alembic import op

revision = "0019_hub_postings"
down_revision: str | None = "0013_export_control"
branch_labels = None
depends_on = None

_MINE = "NULLIF(current_setting('app.tenant_id', true), '')::uuid"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute("ALTER TABLE tenant.passages DROP COLUMN lexemes, ADD COLUMN terms integer NOT NULL DEFAULT 0")
    op.execute(
        "CREATE TABLE tenant.passage_postings ("
        f" tenant_id uuid NOT NULL DEFAULT {_MINE},"
        ' term text COLLATE "C" NOT NULL,'
        " passage_id bigint NOT NULL REFERENCES tenant.passages (id) ON DELETE CASCADE,"
        " weight real NOT NULL,"
        " length integer NOT NULL,"
        " PRIMARY KEY (tenant_id, term, passage_id) INCLUDE (weight, length))"
    )
    op.execute("CREATE INDEX ix_passage_postings_passage ON tenant.passage_postings (passage_id)")
    op.execute("CREATE INDEX ix_passages_tenant ON tenant.passages (tenant_id) INCLUDE (terms)")


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
