"""Papers, and every look at a list they stood on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXTS = ("title", "title_key", "abstract", "summary", "organization")
_WORDS = ("authors", "keywords", "categories")
_LINKS = ("url", "pdf_url", "code_url", "thumbnail_url")


def upgrade() -> None:
    op.create_table(
        "papers",
        sa.Column("id", sa.String(40), nullable=False),
        *[sa.Column(name, sa.Text, nullable=False) for name in _TEXTS],
        *[sa.Column(name, sa.JSON, nullable=False) for name in _WORDS],
        *[sa.Column(name, sa.Text, nullable=False) for name in _LINKS],
        sa.Column("published_on", sa.Date),
        sa.Column("listed_on", sa.Date),
        sa.Column("tier", sa.String(16), nullable=False),
        sa.Column("first_seen_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_papers"),
    )
    # A key may be longer than what PostgreSQL's trees take (2,704 octets); hashes take any.
    op.create_index("ix_papers_title_key", "papers", ["title_key"], postgresql_using="hash")
    op.create_index("ix_papers_listed_on", "papers", ["listed_on"])
    op.create_table(
        "sightings",
        sa.Column("paper_id", sa.String(40), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("upvotes", sa.Integer),
        sa.Column("comments", sa.Integer),
        sa.Column("stars", sa.Integer),
        sa.PrimaryKeyConstraint("paper_id", "source", "seen_at", name="pk_sightings"),
        sa.ForeignKeyConstraint(
            ["paper_id"],
            ["papers.id"],
            name="fk_sightings_paper_id_papers",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_sightings_seen_at", "sightings", ["seen_at"])


def downgrade() -> None:
    op.drop_table("sightings")
    op.drop_table("papers")
