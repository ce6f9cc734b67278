"""The fingerprint of each mail that was sent, so that a replay can be proven."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Empty for what was sent before: nothing is known of its octets.
    column = sa.Column("fingerprint", sa.String(64), nullable=False, server_default="")
    op.add_column("deliveries", column)


def downgrade() -> None:
    op.drop_column("deliveries", "fingerprint")
