"""Letters that somebody waits for are found at once among a million digests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_LETTERS = sa.text("errand <> 'digest'")


def upgrade() -> None:
    op.create_index(
        "ix_deliveries_letters",
        "deliveries",
        ["state", "next_attempt_at"],
        sqlite_where=_LETTERS,
        postgresql_where=_LETTERS,
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_letters", "deliveries")
