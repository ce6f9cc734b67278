"""Which alarm is being told just now, so that two processes do not tell the same."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alarms", sa.Column("telling_until", sa.DateTime))


def downgrade() -> None:
    op.drop_column("alarms", "telling_until")
