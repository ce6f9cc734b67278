"""What the store promises about subscribers: uniqueness, turns, and what deleting deletes."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect, text

from newsletter import store as store_room
from newsletter.errors import StoreError
from newsletter.membership import Consent, Purpose, Token, Wishes
from newsletter.model import (
    Cadence,
    Entry,
    Feedback,
    Format,
    Listing,
    Paper,
    Profile,
    Status,
    Subscriber,
    Tier,
    Verdict,
    id_from_title,
)
from newsletter.store import Newcomer, Suppressed, open_store
from newsletter.store.plain import (
    profile_from_json,
    profile_to_json,
    wishes_from_json,
    wishes_to_json,
)
from newsletter.subscriptions import Subscriptions

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
YES = Consent(at=NOON, origin="form", wording="yes")


def subscriber(number: int = 1, **facts) -> Subscriber:
    return Subscriber(**({"id": f"s{number}", "email": f"r{number}@x.org"} | facts))


def newcomer(number: int = 1, **facts) -> Newcomer:
    return Newcomer(subscriber=subscriber(number, **facts), key=f"r{number}@x.org", consent=YES)


def test_a_subscriber_comes_back_as_written(store):
    whole = subscriber(
        email="R1@x.org",
        name="Zoë",
        status=Status.PAUSED,
        profile=Profile(topics=("a", "b"), max_papers=3, trend_weight=0.5, surprise=False),
        cadence=Cadence.WEEKLY,
        send_at=time(7, 30),
        weekday=4,
        timezone="Asia/Tokyo",
        paused_until=date(2026, 5, 1),
        next_due_at=NOON,
        format=Format.TEXT,
        since=date(2025, 1, 1),
    )
    with store.changing_register() as register:
        register.insert([Newcomer(subscriber=whole, key="r1@x.org")], NOON)

    with store.register() as register:
        kept = register.by_key("r1@x.org")
        assert register.by_id("s1") == kept
        assert register.count() == 1
    assert kept.subscriber == whole
    assert (kept.status_at, kept.version) == (NOON, 1)


def test_an_address_belongs_to_one_subscriber(store):
    twin = Newcomer(subscriber=subscriber(2), key="r1@x.org")

    with pytest.raises(StoreError), store.changing_register() as register:
        register.insert([newcomer(1), twin], NOON)

    with store.register() as register:
        assert register.count() == 0


def test_votes_follow_a_paper_that_takes_its_arxiv_id(store):
    def listing(paper: Paper, tier: Tier) -> Listing:
        return Listing(source="x", tier=tier, entries=(Entry(paper=paper, rank=1),))

    early = Paper(id=id_from_title("Paper 1"), title="Paper 1")
    store.record(listing(early, Tier.DUMP), NOON)
    with store.changing_register() as register:
        register.insert([newcomer(1)], NOON)
        vote = Feedback(subscriber_id="s1", paper_id=early.id, verdict=Verdict.MORE, at=NOON)
        register.vote(vote)

    store.record(listing(Paper(id="2604.00001", title="Paper 1"), Tier.API), NOON)

    with store.register() as register:
        assert [vote.paper_id for vote in register.votes("s1")] == ["2604.00001"]


def test_erasing_takes_everything_that_belongs_to_a_subscriber(store):
    token = Token(
        id="h",
        purpose=Purpose.CONFIRM,
        subscriber_id="s1",
        issued_at=NOON,
        expires_at=NOON,
        wishes=Wishes(name="Secret name"),
    )
    with store.changing_register() as register:
        register.insert([newcomer(1), newcomer(2)], NOON)
        register.addresses.keep_token("r1@x.org", token)
        register.erase(["s1"])

    with store._engine.connect() as raw:
        for table in ("profiles", "consents"):
            owners = raw.execute(text(f"SELECT subscriber_id FROM {table}")).all()
            assert owners == [("s2",)], table
        assert raw.execute(text("SELECT subscriber_id, wishes FROM tokens")).all() == [(None, None)]


def test_a_token_is_used_by_one_of_many(store):
    token = Token(
        id="h", purpose=Purpose.CONFIRM, subscriber_id="", issued_at=NOON, expires_at=NOON
    )
    with store.changing_register() as register:
        register.addresses.keep_token("a@x.org", token)

    with store.changing_register() as register:
        assert register.addresses.use_token("h", NOON)
        assert not register.addresses.use_token("h", NOON)


def test_suppressions_know_the_address_by_its_hash_only_and_keep_the_newest_reason(store):
    with store.changing_register() as register:
        register.addresses.suppress("a@x.org", Suppressed.BOUNCED, NOON)
        register.addresses.suppress("a@x.org", Suppressed.FORGOTTEN, NOON)
        assert register.addresses.suppressed("a@x.org") is Suppressed.FORGOTTEN
        assert register.addresses.suppressed("b@x.org") is None
        assert register.addresses.suppressed_among(["a@x.org", "b@x.org"]) == {
            "a@x.org": Suppressed.FORGOTTEN
        }
    with store._engine.connect() as raw:
        assert "a@x.org" not in repr(raw.execute(text("SELECT * FROM suppressions")).all())


def test_two_installations_hash_the_same_address_differently(tmp_path):
    def hashes(name: str) -> list[tuple[str]]:
        store = open_store(f"sqlite:///{tmp_path / name}")
        with store.changing_register() as register:
            register.addresses.suppress("a@x.org", Suppressed.FORGOTTEN, NOON)
        store.close()
        with sqlite3.connect(tmp_path / name) as raw:
            found = raw.execute("SELECT address_hash FROM suppressions").fetchall()
        raw.close()
        return found

    assert hashes("one.db") != hashes("two.db")


def test_addresses_that_differ_in_case_are_what_their_keys_say(store):
    """The key decides, octet by octet, on every database and in every locale."""
    with store.changing_register() as register:
        register.insert([newcomer(1, email="Ines@x.org")], NOON)

        assert register.by_key("r1@x.org").subscriber.email == "Ines@x.org"
        assert register.by_key("R1@x.org") is None
        assert register.known_among(["R1@X.ORG", "r1@x.org"]) == {"r1@x.org": Status.ACTIVE}


def test_what_no_database_can_keep_is_left_out_of_texts(store):
    """PostgreSQL refuses NUL, UTF-8 has no lone surrogates; JSON keeps them written out."""
    wild = subscriber(name="In\0es \ud800", profile=Profile(topics=("a\0b",)))
    with store.changing_register() as register:
        register.insert([Newcomer(subscriber=wild, key="r1@x.org")], NOON)

    with store.register() as register:
        kept = register.by_key("r1@x.org\0").subscriber
        assert (kept.name, kept.profile.topics) == ("Ines ?", ("a\0b",))
        assert register.by_id("no\0body") is None
        assert not register.has_paper("\ud800")


def test_many_are_inserted_at_once_and_come_back_as_written(store):
    crowd = [newcomer(n, next_due_at=NOON, paused_until=date(2026, 5, 1)) for n in range(60)]
    with store.changing_register() as register:
        register.insert(crowd, NOON)

    with store.register() as register:
        kept = {one.subscriber.id: one.subscriber for one in register.all()}
        assert kept == {one.subscriber.id: one.subscriber for one in crowd}
        assert register.consents("s59") == (YES,)


def test_one_of_many_that_cannot_be_kept_keeps_out_all_and_names_nobody(store):
    crowd = [newcomer(n) for n in range(60)]
    twin = Newcomer(subscriber=subscriber(61), key="r1@x.org")

    with pytest.raises(StoreError) as refused, store.changing_register() as register:
        register.insert([*crowd, twin], NOON)

    assert "@x.org" not in str(refused.value)
    with store.register() as register:
        assert register.count() == 0


def test_many_at_once_wait_for_one_another_and_none_is_lost(store):
    """The same form from eight threads: one subscriber, one mail, and no database error."""
    desk = Subscriptions(store)

    def posts(_: int):
        return desk.subscribe("a@x.org", None, YES, now=NOON).mail

    with ThreadPoolExecutor(8) as threads:
        mails = list(threads.map(posts, range(24)))

    assert [mail for mail in mails if mail] == [Purpose.CONFIRM]
    assert len(desk.all()) == 1


def test_hundreds_of_forms_for_one_address_leave_one_row_and_one_token(store):
    desk = Subscriptions(store)
    for _ in range(300):
        desk.subscribe("a@x.org", Wishes(name="x" * 80), YES, now=NOON)

    with store.register() as register:
        assert (register.count(), len(register.addresses.tokens_of("a@x.org"))) == (1, 1)


def test_a_database_of_papers_alone_becomes_one_with_subscribers_and_back(any_store_url):
    open_store(any_store_url).close()
    engine = create_engine(any_store_url)
    config = Config()
    config.set_main_option("script_location", str(Path(store_room.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        assert set(inspect(connection).get_table_names()) == {
            "alembic_version",
            "papers",
            "sightings",
        }
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        assert len(connection.execute(text("SELECT salt FROM salts")).scalar_one()) == 64
    engine.dispose()


words = st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=9), max_size=3)


@given(words.map(tuple), words.map(tuple), st.integers(1, 50), st.floats(0, 1), st.booleans())
def test_a_profile_survives_json(topics, muted, most, weight, surprise):
    profile = Profile(
        topics=topics, muted=muted, max_papers=most, trend_weight=weight, surprise=surprise
    )

    assert profile_from_json(profile_to_json(profile)) == profile
    wishes = Wishes(profile=profile, send_at=time(23, 59), cadence=Cadence.WEEKLY)
    assert wishes_from_json(wishes_to_json(wishes)) == wishes


def test_a_profile_of_another_version_is_read_as_far_as_it_is_known():
    assert profile_from_json({"topics": ["a"], "mood": "good"}) == Profile(topics=("a",))
