"""Digests, what was sent to whom, mails on their way, and the keys that sign links."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The link is signed now, so what was the hash of a secret is a plain id.
    with op.batch_alter_table("tokens") as tokens:
        tokens.alter_column("hash", new_column_name="id", existing_type=sa.String(64))
    _make_digests()
    _make_deliveries()
    op.create_table(
        "link_keys",
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_link_keys"),
    )


def downgrade() -> None:
    for table in ("link_keys", "deliveries", "quiet_editions", "sent_papers", "digests"):
        op.drop_table(table)
    with op.batch_alter_table("tokens") as tokens:
        tokens.alter_column("id", new_column_name="hash", existing_type=sa.String(64))


def _of_subscriber(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_subscriber_id_subscribers"
    return sa.ForeignKeyConstraint(
        ["subscriber_id"], ["subscribers.id"], name=name, ondelete="CASCADE"
    )


def _make_digests() -> None:
    op.create_table(
        "digests",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("subscriber_id", sa.String(40), nullable=False),
        sa.Column("edition", sa.String(40), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("preheader", sa.Text, nullable=False),
        sa.Column("picks", sa.JSON, nullable=False),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("considered", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_digests"),
        sa.UniqueConstraint("subscriber_id", "edition", name="uq_digests_subscriber_id_edition"),
        _of_subscriber("digests"),
    )
    op.create_table(
        "sent_papers",
        sa.Column("subscriber_id", sa.String(40), nullable=False),
        sa.Column("paper_id", sa.String(40), nullable=False),
        sa.Column("digest_id", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", "paper_id", name="pk_sent_papers"),
        _of_subscriber("sent_papers"),
        sa.ForeignKeyConstraint(
            ["paper_id"],
            ["papers.id"],
            name="fk_sent_papers_paper_id_papers",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
    )


def _make_deliveries() -> None:
    op.create_table(
        "quiet_editions",
        sa.Column("subscriber_id", sa.String(40), nullable=False),
        sa.Column("edition", sa.String(40), nullable=False),
        sa.Column("considered", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", "edition", name="pk_quiet_editions"),
        _of_subscriber("quiet_editions"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("errand", sa.String(16), nullable=False),
        sa.Column("subscriber_id", sa.String(40), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("next_attempt_at", sa.DateTime, nullable=False),
        sa.Column("leased_until", sa.DateTime),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Column("sent_at", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        _of_subscriber("deliveries"),
    )
    op.create_index("ix_deliveries_subscriber_id", "deliveries", ["subscriber_id"])
    op.create_index(
        "ix_deliveries_state_next_attempt_at", "deliveries", ["state", "next_attempt_at"]
    )
