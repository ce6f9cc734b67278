"""Subscribers, and what belongs to them or outlives them."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = ("salts", "tokens", "suppressions", "feedback", "consents", "profiles", "subscribers")


def upgrade() -> None:
    _make_subscribers()
    _make_profiles_and_consents()
    _make_feedback()
    _make_suppressions_and_tokens()
    salts = op.create_table(
        "salts",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("salt", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_salts"),
    )
    op.bulk_insert(salts, [{"id": 1, "salt": secrets.token_hex(32)}])


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)


def _make_subscribers() -> None:
    op.create_table(
        "subscribers",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_key", sa.String(320), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("status_at", sa.DateTime, nullable=False),
        sa.Column("status_reason", sa.Text, nullable=False),
        sa.Column("profile_version", sa.Integer, nullable=False),
        sa.Column("cadence", sa.String(16), nullable=False),
        sa.Column("send_at", sa.Time, nullable=False),
        sa.Column("weekday", sa.Integer, nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("format", sa.String(8), nullable=False),
        sa.Column("paused_until", sa.Date),
        sa.Column("next_due_at", sa.DateTime),
        sa.Column("since", sa.Date),
        sa.PrimaryKeyConstraint("id", name="pk_subscribers"),
        sa.UniqueConstraint("email_key", name="uq_subscribers_email_key"),
    )
    op.create_index("ix_subscribers_status", "subscribers", ["status"])
    op.create_index("ix_subscribers_next_due_at", "subscribers", ["next_due_at"])


def _make_profiles_and_consents() -> None:
    op.create_table(
        "profiles",
        sa.Column("subscriber_id", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("profile", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", "version", name="pk_profiles"),
        _subscriber("profiles"),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("subscriber_id", sa.String(40), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("wording", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        _subscriber("consents"),
    )
    op.create_index("ix_consents_subscriber_id", "consents", ["subscriber_id"])


def _make_feedback() -> None:
    op.create_table(
        "feedback",
        sa.Column("subscriber_id", sa.String(40), nullable=False),
        sa.Column("paper_id", sa.String(40), nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", "paper_id", name="pk_feedback"),
        _subscriber("feedback"),
        sa.ForeignKeyConstraint(
            ["paper_id"],
            ["papers.id"],
            name="fk_feedback_paper_id_papers",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
    )


def _make_suppressions_and_tokens() -> None:
    op.create_table(
        "suppressions",
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("address_hash", name="pk_suppressions"),
    )
    op.create_table(
        "tokens",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.Column("subscriber_id", sa.String(40)),
        sa.Column("issued_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("used_at", sa.DateTime),
        sa.Column("wishes", sa.JSON),
        sa.PrimaryKeyConstraint("hash", name="pk_tokens"),
        _subscriber("tokens", ondelete="SET NULL"),
    )
    op.create_index("ix_tokens_address_hash", "tokens", ["address_hash"])
    op.create_index("ix_tokens_subscriber_id", "tokens", ["subscriber_id"])


def _subscriber(table: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["subscriber_id"],
        ["subscribers.id"],
        name=f"fk_{table}_subscriber_id_subscribers",
        ondelete=ondelete,
    )
