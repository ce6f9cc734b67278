"""The tables, as SQLAlchemy Core; migrations/versions holds the way to each change of them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Time,
    UniqueConstraint,
    literal_column,
)

from newsletter.store.kinds import Instant, String, Text, Words

# Names for constraints, so that later migrations can drop them on every database.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

papers = Table(
    "papers",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("title", Text, nullable=False),
    Column("title_key", Text, nullable=False),
    Column("abstract", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("authors", Words, nullable=False),
    Column("organization", Text, nullable=False),
    Column("keywords", Words, nullable=False),
    Column("categories", Words, nullable=False),
    Column("url", Text, nullable=False),
    Column("pdf_url", Text, nullable=False),
    Column("code_url", Text, nullable=False),
    Column("thumbnail_url", Text, nullable=False),
    Column("published_on", Date),
    Column("listed_on", Date, index=True),
    Column("tier", String(16), nullable=False),
    Column("first_seen_at", Instant, nullable=False, index=True),
    # A key may be longer than what PostgreSQL's trees take (2,704 octets); hashes take any.
    Index(None, "title_key", postgresql_using="hash"),
)

sightings = Table(
    "sightings",
    metadata,
    Column(
        "paper_id",
        String(40),
        # A paper first met without arXiv id takes it later: its sightings move along.
        ForeignKey("papers.id", onupdate="CASCADE", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("source", Text, primary_key=True),
    Column("seen_at", Instant, primary_key=True, index=True),
    Column("rank", Integer, nullable=False),
    Column("upvotes", Integer),
    Column("comments", Integer),
    Column("stars", Integer),
)

subscribers = Table(
    "subscribers",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("email", Text, nullable=False),  # as written, for the envelope
    Column("email_key", String(320), nullable=False, unique=True),  # what makes it the same mailbox
    Column("name", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("status_at", Instant, nullable=False),
    Column("status_reason", Text, nullable=False),
    Column("profile_version", Integer, nullable=False),
    Column("cadence", String(16), nullable=False),
    Column("send_at", Time, nullable=False),
    Column("weekday", Integer, nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("format", String(8), nullable=False),
    Column("paused_until", Date),
    Column("next_due_at", Instant),
    Column("since", Date),
)

Index("ix_subscribers_due", subscribers.c.status, subscribers.c.next_due_at, subscribers.c.id)

_OF_SUBSCRIBER = "subscribers.id"


def _of_subscriber(*, primary_key: bool = False, index: bool = False) -> Column[str]:
    """Whose row it is; it goes with them."""
    gone_with = ForeignKey(_OF_SUBSCRIBER, ondelete="CASCADE")
    return Column(
        "subscriber_id",
        String(40),
        gone_with,
        primary_key=primary_key,
        nullable=False,
        index=index or None,
    )


def _of_paper() -> Column[str]:
    """Which paper it is about, half of the key; a paper may take its arXiv id later."""
    follows = ForeignKey("papers.id", onupdate="CASCADE", ondelete="CASCADE")
    return Column("paper_id", String(40), follows, primary_key=True)


profiles = Table(
    "profiles",
    metadata,
    _of_subscriber(primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("profile", JSON, nullable=False),
)

consents = Table(
    "consents",
    metadata,
    Column("id", Integer, primary_key=True),
    _of_subscriber(index=True),
    Column("at", Instant, nullable=False),
    Column("origin", Text, nullable=False),
    Column("wording", Text, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    _of_subscriber(primary_key=True),
    _of_paper(),
    Column("verdict", String(8), nullable=False),
    Column("at", Instant, nullable=False),
)

# Both outlive their subscriber, so they know the address by its salted hash only.
suppressions = Table(
    "suppressions",
    metadata,
    Column("address_hash", String(64), primary_key=True),
    Column("reason", String(16), nullable=False),
    Column("at", Instant, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("address_hash", String(64), nullable=False, index=True),
    Column(
        "subscriber_id", String(40), ForeignKey(_OF_SUBSCRIBER, ondelete="SET NULL"), index=True
    ),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("wishes", JSON(none_as_null=True)),
)

# What was chosen for whom; papers stand in their own table, so a digest keeps only their ids.
digests = Table(
    "digests",
    metadata,
    Column("id", String(40), primary_key=True),
    _of_subscriber(),
    Column("edition", String(40), nullable=False),
    Column("subject", Text, nullable=False),
    Column("preheader", Text, nullable=False),
    Column("picks", JSON, nullable=False),
    Column("notes", Words, nullable=False),
    Column("considered", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("subscriber_id", "edition"),
)

# The ledger of the promise that a paper reaches a person once: the ids of a digest's papers, none if
# it never arrived. Without row numbers SQLite keeps it by subscriber, in one tree and no index.
ledger = Table(
    "ledger",
    metadata,
    _of_subscriber(primary_key=True),
    Column("made_at", Instant, primary_key=True),
    Column("digest_id", String(40), primary_key=True),
    Column("papers", JSON, nullable=False),
    sqlite_with_rowid=False,
)

# Under which ids papers stand in the ledger that have another one now; two may have had the same.
former_ids = Table(
    "former_ids",
    metadata,
    Column("id", String(40), primary_key=True),
    _of_paper(),
    Index(None, "paper_id"),
)

# Editions that were not worth a mail, since the last digest that was.
quiet_editions = Table(
    "quiet_editions",
    metadata,
    _of_subscriber(primary_key=True),
    Column("edition", String(40), primary_key=True),
    Column("considered", Integer, nullable=False),
)

# Days (UTC) on which a mail failed softly, since the subscriber last came back.
soft_bounces = Table(
    "soft_bounces",
    metadata,
    _of_subscriber(primary_key=True),
    Column("day", Date, primary_key=True),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(64), primary_key=True),  # of the digest or of the token
    Column("errand", String(16), nullable=False),
    _of_subscriber(index=True),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("next_attempt_at", Instant, nullable=False),
    Column("leased_until", Instant),
    Column("last_error", Text, nullable=False),
    Column("sent_at", Instant),
    Column("fingerprint", String(64), nullable=False, server_default=""),  # of the octets sent
    Index(None, "state", "next_attempt_at"),
)

# A literal, not a parameter: only then does a database see that the index below fits a query.
IS_LETTER = deliveries.c.errand != literal_column("'digest'")
Index(
    "ix_deliveries_letters",
    deliveries.c.state,
    deliveries.c.next_attempt_at,
    sqlite_where=IS_LETTER,
    postgresql_where=IS_LETTER,
)

# What the operator was told is wrong, and when it was over; kept a while as history.
alarms = Table(
    "alarms",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("holds_until", Instant, nullable=False),  # over then, unless it is raised again
    Column("telling_until", Instant),  # some process is telling it until then
    Column("told_at", Instant),
    Column("cleared_at", Instant),
    Column("end_told_at", Instant),
)

# Signing keys of links; the newest signs, all are read. They move with the database.
link_keys = Table(
    "link_keys",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("secret", String(64), nullable=False),
    Column("made_at", Instant, nullable=False),
)

# One row, made by the migration and never changed: a new salt would forget every suppression.
salts = Table(
    "salts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("salt", String(64), nullable=False),
)
