"""Alarms of the watch, and an index for the question when the last new paper came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("remedy", sa.Text, nullable=False),
        sa.Column("since", sa.DateTime, nullable=False),
        sa.Column("holds_until", sa.DateTime, nullable=False),
        sa.Column("told_at", sa.DateTime),
        sa.Column("cleared_at", sa.DateTime),
        sa.Column("end_told_at", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_alarms"),
    )
    op.create_index("ix_papers_first_seen_at", "papers", ["first_seen_at"])


def downgrade() -> None:
    op.drop_index("ix_papers_first_seen_at", "papers")
    op.drop_table("alarms")
