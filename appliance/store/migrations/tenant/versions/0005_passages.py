"""Passages, their text index and their vectors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store import Json

revision = "0005_passages"
down_revision: str | None = "0004_documents"
branch_labels = None
depends_on = None


def upgrade() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "passage_sources",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", row_id, primary_key=True, autoincrement=True),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("in_force", sa.Boolean(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("acl", Json, nullable=False),
        sa.Column("assets", Json, nullable=False),
        sa.Column("asset_keys", Json, nullable=False),
        sa.Column("filename", sa.String(255), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("revision", sa.String(64), nullable=True),
        sa.Column("doc_type", sa.String(64), nullable=True),
        sa.UniqueConstraint("tenant_id", "document_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "passages",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", row_id, primary_key=True, autoincrement=True),
        sa.Column("source_id", row_id, sa.ForeignKey("passage_sources.id"), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("heading", sa.Text(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("lines", Json, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_passages_source", "passages", ["source_id", "ordinal"])
    if op.get_bind().dialect.name == "sqlite":
        # The tokens are ours (appliance/retrieval/terms.py); the tokenizer only has to split at blanks.
        op.execute(
            "CREATE VIRTUAL TABLE passage_terms USING fts5(exact, body, heading, source, "
            "tokenize = \"unicode61 remove_diacritics 0 tokenchars '-._/'\")"
        )
        op.execute("INSERT INTO passage_terms(passage_terms, rank) VALUES ('secure-delete', 1)")
        op.execute("INSERT INTO passage_terms(passage_terms, rank) VALUES ('rank', 'bm25(4.0, 1.0, 1.5, 1.0)')")
        op.execute("CREATE VIRTUAL TABLE passage_vocabulary USING fts5vocab(passage_terms, 'row')")
        op.execute(
            "CREATE VIRTUAL TABLE passage_vectors USING "
            "vec0(passage_id INTEGER PRIMARY KEY, embedding int8[384] distance_metric=cosine)"
        )
    else:
        op.execute("CREATE EXTENSION IF NOT EXISTS vector")
        op.execute("ALTER TABLE tenant.passages ADD COLUMN lexemes tsvector, ADD COLUMN embedding vector(384)")
        op.execute("CREATE INDEX ix_passages_lexemes ON tenant.passages USING gin (lexemes)")
        op.execute("CREATE INDEX ix_passages_embedding ON tenant.passages USING hnsw (embedding vector_cosine_ops)")


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
