"""When mails to somebody failed softly."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "soft_bounces",
        sa.Column("subscriber_id", sa.String(40), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", "day", name="pk_soft_bounces"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscribers.id"],
            name="fk_soft_bounces_subscriber_id_subscribers",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.drop_table("soft_bounces")
