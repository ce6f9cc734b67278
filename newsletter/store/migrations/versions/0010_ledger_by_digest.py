"""The ledger of papers sent has a row for each digest, no more one for each paper in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# A digest that somebody deleted was made after its papers were met; one without papers has a row, too.
_TO_DIGESTS = """
    INSERT INTO ledger (subscriber_id, made_at, digest_id, papers)
    SELECT sent.subscriber_id, coalesce(digests.created_at, max(papers.first_seen_at)),
           sent.digest_id, {gathered}
    FROM sent_papers AS sent
    JOIN papers ON papers.id = sent.paper_id
    LEFT JOIN digests ON digests.id = sent.digest_id
    GROUP BY sent.subscriber_id, sent.digest_id, digests.created_at
"""
_WITHOUT_PAPERS = """
    INSERT INTO ledger (subscriber_id, made_at, digest_id, papers)
    SELECT subscriber_id, created_at, id, '[]' FROM digests
    WHERE NOT EXISTS (
        SELECT 1 FROM ledger
        WHERE ledger.subscriber_id = digests.subscriber_id
        AND ledger.made_at = digests.created_at AND ledger.digest_id = digests.id
    )
"""
# Each paper counted with the digest in which it stood first.
_TO_PAPERS = """
    INSERT INTO sent_papers (subscriber_id, paper_id, digest_id)
    SELECT subscriber_id, paper_id, digest_id FROM (
        SELECT ledger.subscriber_id, papers.id AS paper_id, ledger.digest_id, row_number() OVER (
            PARTITION BY ledger.subscriber_id, papers.id ORDER BY ledger.made_at, ledger.digest_id
        ) AS place
        FROM ledger
        CROSS JOIN {each} AS listed
        LEFT JOIN former_ids ON former_ids.id = listed.value
        JOIN papers ON papers.id = coalesce(former_ids.paper_id, listed.value)
    ) AS counted
    WHERE place = 1
"""


def upgrade() -> None:
    op.create_table(
        "ledger",
        sa.Column("subscriber_id", sa.String(40), nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
        sa.Column("digest_id", sa.String(40), nullable=False),
        sa.Column("papers", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", "made_at", "digest_id", name="pk_ledger"),
        _of_subscriber("ledger"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "former_ids",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("paper_id", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", "paper_id", name="pk_former_ids"),
        _of_paper("former_ids"),
    )
    op.create_index("ix_former_ids_paper_id", "former_ids", ["paper_id"])
    op.execute(
        _TO_DIGESTS.format(
            gathered="json_agg(sent.paper_id)"
            if _is_postgres()
            else "json_group_array(sent.paper_id)"
        )
    )
    op.execute(_WITHOUT_PAPERS)
    op.drop_table("sent_papers")


def downgrade() -> None:
    op.create_table(
        "sent_papers",
        sa.Column("subscriber_id", sa.String(40), nullable=False),
        sa.Column("paper_id", sa.String(40), nullable=False),
        sa.Column("digest_id", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", "paper_id", name="pk_sent_papers"),
        _of_subscriber("sent_papers"),
        _of_paper("sent_papers"),
    )
    op.execute(
        _TO_PAPERS.format(
            each="json_array_elements_text(ledger.papers)"
            if _is_postgres()
            else "json_each(ledger.papers)"
        )
    )
    op.drop_table("former_ids")
    op.drop_table("ledger")


def _is_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _of_subscriber(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_subscriber_id_subscribers"
    return sa.ForeignKeyConstraint(
        ["subscriber_id"], ["subscribers.id"], name=name, ondelete="CASCADE"
    )


def _of_paper(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_paper_id_papers"
    return sa.ForeignKeyConstraint(
        ["paper_id"], ["papers.id"], name=name, onupdate="CASCADE", ondelete="CASCADE"
    )
