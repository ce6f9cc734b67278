"""Who is due is found in order, however many are due at the same hour."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_subscribers_due", "subscribers", ["status", "next_due_at", "id"])
    op.drop_index("ix_subscribers_status", "subscribers")
    op.drop_index("ix_subscribers_next_due_at", "subscribers")


def downgrade() -> None:
    op.create_index("ix_subscribers_next_due_at", "subscribers", ["next_due_at"])
    op.create_index("ix_subscribers_status", "subscribers", ["status"])
    op.drop_index("ix_subscribers_due", "subscribers")
