"""What the store promises about papers and sightings."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, event, text
from sqlalchemy.pool import StaticPool

from newsletter.errors import StoreError
from newsletter.model import Entry, Listing, Paper, Tier, id_from_title
from newsletter.store import Store, open_store
from newsletter.store.engine import has_newest_shape, open_engine
from newsletter.store.schema import metadata

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
DAY = date(2026, 4, 3)
HOUR = timedelta(hours=1)


def paper(number: int = 1, **facts) -> Paper:
    given = {
        "id": f"2604.0000{number}",
        "title": f"Paper {number}",
        "abstract": "What we did.",
        "authors": ("Ada", "Bo"),
        "listed_on": DAY,
    }
    return Paper(**{**given, **facts})


def listing(*papers: Paper, tier: Tier = Tier.API, upvotes: int | None = 5) -> Listing:
    entries = tuple(
        Entry(paper=each, rank=rank, upvotes=upvotes) for rank, each in enumerate(papers, 1)
    )
    return Listing(source="daily:2026-04-03", tier=tier, entries=entries, listed_on=DAY)


def test_a_paper_comes_back_as_it_was_written(store: Store):
    whole = paper(
        summary="One line.",
        organization="Lab",
        keywords=("a", "b"),
        categories=("cs.CL",),
        url="https://huggingface.co/papers/2604.00001",
        pdf_url="https://arxiv.org/pdf/2604.00001",
        code_url="https://github.com/a/b",
        thumbnail_url="https://cdn-thumbnails.huggingface.co/x.png",
        published_on=date(2026, 4, 1),
    )

    store.record(listing(whole), NOON)

    assert store.papers() == (whole,)


def times_seen(store: Store) -> list[int]:
    """How often each paper was looked at."""
    return [len(candidate.sightings) for candidate in store.candidates()]


def test_a_second_run_of_the_same_list_adds_sightings_only(store: Store):
    first = store.record(listing(paper(1), paper(2)), NOON)
    second = store.record(listing(paper(1), paper(2)), NOON + timedelta(minutes=30))

    assert (len(first), second) == (2, ())
    assert times_seen(store) == [2, 2]
    assert set(store.papers()) == {paper(1), paper(2)}


def test_the_same_look_recorded_twice_changes_nothing(store: Store):
    store.record(listing(paper(1)), NOON)

    again = store.record(listing(paper(1)), NOON)

    assert again == ()
    assert times_seen(store) == [1]


def test_later_sightings_update_the_votes_and_keep_the_earlier_ones(store: Store):
    store.record(listing(paper(1), upvotes=41), NOON)
    store.record(listing(paper(1), upvotes=180), NOON + timedelta(days=1))

    (candidate,) = store.candidates(listed=(DAY, DAY))

    assert candidate.upvotes == 180
    assert [look.upvotes for look in candidate.sightings] == [41, 180]
    assert candidate.sightings[0].seen_at == NOON


def test_the_longer_list_of_authors_wins_because_some_pages_show_only_the_first():
    shown = replace(paper(1), authors=("A", "B"))
    whole = replace(paper(1), authors=("A", "B", "C"))

    assert shown.completed_by(whole).authors == ("A", "B", "C")
    assert whole.completed_by(shown).authors == ("A", "B", "C")


def test_a_partial_record_is_completed_by_a_better_look(store: Store):
    partial = paper(abstract="Its first words", authors=("Ada",))
    store.record(listing(partial, tier=Tier.PAGE_CARDS), NOON)

    store.record(listing(paper()), NOON + timedelta(hours=1))

    assert store.papers() == (paper(),)


def test_a_worse_look_never_takes_anything_away(store: Store):
    whole = paper(code_url="https://github.com/a/b", published_on=DAY)
    store.record(listing(whole), NOON)
    poor = Paper(id=whole.id, title="paper 1!", authors=("ada_login",))

    store.record(listing(poor, tier=Tier.PAGE_CARDS), NOON + timedelta(hours=1))

    assert store.papers() == (whole,)


def test_an_abstract_of_which_nothing_can_be_stored_takes_no_other_away(store: Store):
    store.record(listing(paper(1, abstract="We compress caches.")), NOON)
    store.record(listing(paper(1, abstract="\0")), NOON + timedelta(hours=1))
    assert store.papers()[0].abstract == "We compress caches."


def test_the_first_list_day_stays(store: Store):
    store.record(listing(paper()), NOON)

    store.record(listing(paper(listed_on=DAY + timedelta(days=4))), NOON + timedelta(days=4))

    assert store.papers()[0].listed_on == DAY


def test_a_paper_met_by_title_takes_its_arxiv_id_later_and_keeps_its_sightings(store: Store):
    by_title = Paper(id=id_from_title("Paper 1"), title="Paper 1", abstract="What we did.")
    store.record(listing(by_title, tier=Tier.DUMP), NOON)

    store.record(listing(paper(1)), NOON + timedelta(hours=1))

    (candidate,) = store.candidates()
    assert candidate.paper.id == "2604.00001"
    assert len(candidate.sightings) == 2


def test_a_title_without_id_is_recognised_as_the_paper_we_have(store: Store):
    store.record(listing(paper(1)), NOON)

    again = store.record(
        listing(Paper(id=id_from_title("PAPER 1"), title="PAPER 1"), tier=Tier.DUMP),
        NOON + timedelta(hours=1),
    )

    assert again == ()
    assert [each.id for each in store.papers()] == ["2604.00001"]


def test_a_title_twin_inside_one_list_is_written_once(store: Store):
    twin = Paper(id=id_from_title("Paper 1"), title="Paper 1")

    done = store.record(listing(paper(1), twin), NOON)

    assert done == ("2604.00001",)
    assert times_seen(store) == [1]


def test_candidates_can_be_asked_by_list_day_and_by_list(store: Store):
    old = paper(1, listed_on=DAY - timedelta(days=9))
    store.record(listing(old), NOON - timedelta(days=9))
    store.record(listing(paper(2)), NOON)

    def ids(**asked):
        return [candidate.paper.id for candidate in store.candidates(**asked)]

    assert ids(listed=(DAY, DAY)) == ["2604.00002"]
    assert ids(source="trending") == []
    assert len(ids(source="daily:2026-04-03")) == 2
    assert store.list_days() == (DAY, DAY - timedelta(days=9))
    assert store.listed_ids(DAY) == {"2604.00002"}


def test_the_newest_papers_can_be_asked_for(store: Store):
    store.record(listing(paper(1)), NOON)
    store.record(listing(paper(2)), NOON + timedelta(hours=1))

    assert [each.id for each in store.papers(newest=1)] == ["2604.00002"]


def test_the_oldest_of_the_newest_papers_stays_until_a_tenth_more_have_come(store: Store):
    oldest = []
    for number in range(24):
        store.record(listing(paper(number)), NOON + timedelta(hours=number))
        oldest.append(store.papers(newest=20)[0].id[-2:])

    assert oldest == ["00"] * 21 + ["02"] * 2 + ["04"]


def test_papers_in_turn_are_the_same_and_are_read_anew_each_time(store: Store, monkeypatch):
    monkeypatch.setattr("newsletter.store.papers._AT_ONCE", 2)
    for number in range(5):
        store.record(listing(paper(number)), NOON + timedelta(hours=number))
    some, all_of_them = (store.papers_in_turn(newest=newest) for newest in (4, 100))

    assert tuple(some) == store.papers(newest=4)
    store.record(listing(paper(5)), NOON + timedelta(hours=5))
    assert tuple(some) == store.papers(newest=4)
    assert tuple(all_of_them) == store.papers()


def test_reopening_keeps_everything(any_store_url):
    first = open_store(any_store_url)
    first.record(listing(paper(1)), NOON)
    first.close()

    second = open_store(any_store_url)

    assert second.count() == 1
    second.close()


def test_the_folder_of_a_file_is_made(tmp_path):
    file = tmp_path / "deep" / "er" / "papers.db"
    open_store(f"sqlite:///{file}").close()

    assert file.is_file()


def test_a_new_file_is_readable_for_its_owner_only_and_an_old_one_stays_as_it_is(tmp_path):
    new, old = tmp_path / "new.db", tmp_path / "old.db"
    old.touch()
    old.chmod(0o640)
    for file in (new, old):
        open_store(f"sqlite:///{file}").close()

    assert [file.stat().st_mode & 0o777 for file in (new, old)] == [0o600, 0o640]


def test_a_title_of_any_length_is_kept_and_found(store: Store):
    """The key of a title is as long as the title, and no index may stumble over that."""
    dice = Random(1)
    long = paper(title=" ".join(f"{dice.getrandbits(64):x}" for _ in range(1000)))
    store.record(listing(long), NOON)

    again = store.record(listing(replace(long, id=id_from_title(long.title))), NOON + HOUR)

    assert again == ()
    assert store.find_papers([], [long.key]) == {long.key: long}


def test_part_of_a_title_is_looked_for_as_it_is_written(store: Store):
    """`%` and `_` are signs like others, and a key has no capital letters on any database."""
    titles = ("+%+", "+_+", "Straße 100")
    store.record(listing(*(paper(n, title=each) for n, each in enumerate(titles, 1))), NOON)

    def found(part: str) -> list[str]:
        with store.overview() as overview:
            return [each.title for each in overview.titled(part, most=5)]

    assert found("+%") == ["+%+"]
    assert found("_+") == ["+_+"]
    assert found("STRASSE 1") == ["Straße 100"]


def test_two_who_record_the_same_list_at_once_write_each_paper_once(any_store_url):
    """Each has its own connections, as two processes have."""
    stores = [open_store(any_store_url) for _ in range(4)]
    seen = listing(*(paper(n) for n in range(1, 9)))

    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda store: store.record(seen, NOON), stores))

    assert sum(map(len, done)) == sum(times_seen(stores[0])) == 8
    for store in stores:
        store.close()


def test_the_migrations_lead_to_the_very_tables_of_the_schema(any_store_url):
    engine = open_engine(any_store_url)
    with engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), metadata)

        assert has_newest_shape(connection)

    assert difference == []
    engine.dispose()


def test_a_database_in_the_newest_shape_is_opened_without_the_library_of_migrations(tmp_path):
    url = f"sqlite:///{tmp_path / 'papers.db'}"
    open_store(url).close()
    script = "from newsletter.store import open_store; open_store(sys.argv[1]).close()"
    found = f"import sys; {script}; sys.exit('alembic' in sys.modules)"
    subprocess.run([sys.executable, "-c", found, url], check=True)


def test_a_database_of_a_newer_version_is_refused_with_the_way_out(any_store_url):
    store = open_store(any_store_url)
    with store._engine.begin() as raw:
        raw.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()

    with pytest.raises(StoreError, match="newer version of newsletter; upgrade first"):
        open_store(any_store_url)


def test_a_file_that_is_no_database_is_named(tmp_path):
    file = tmp_path / "papers.db"
    file.write_text("dear diary " * 100)

    with pytest.raises(StoreError, match="not a database"):
        open_store(f"sqlite:///{file}")


def test_a_file_that_cannot_be_opened_is_told_with_what_to_look_at(tmp_path):
    with pytest.raises(StoreError, match=r"may not be written by this user \(unable to open"):
        open_store(f"sqlite:///{tmp_path}")


def test_a_file_that_somebody_writes_for_long_is_told_so_and_not_as_an_absent_one(tmp_path):
    file = tmp_path / "papers.db"
    with closing(open_store(f"sqlite:///{file}")) as ours, closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        event.listen(ours._engine, "connect", _hasty)
        ours._engine.dispose()
        with pytest.raises(StoreError, match=r"another process has been writing .*is locked\)"):
            ours.link_keys(NOON)


def _hasty(connection, _record) -> None:
    connection.execute("PRAGMA busy_timeout = 0")


def test_an_unusable_address_is_refused_and_the_password_is_not_shown():
    with pytest.raises(StoreError, match="no usable database address") as refused:
        open_store("nosuchdb://me:hunter2@host/name")

    assert "hunter2" not in str(refused.value)


words = st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=8), max_size=3)
facts = st.fixed_dictionaries(
    {
        "number": st.integers(1, 3),
        "title": st.sampled_from(["Paper 1", "Paper 2", "paper-2", "Paper 3"]),
        "abstract": st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
        "authors": words.map(tuple),
        "by_title": st.booleans(),
    }
)
looks = st.tuples(st.sampled_from(list(Tier)), st.lists(facts, max_size=4))


def seen_paper(seen: dict) -> Paper:
    known = {"title": seen["title"], "abstract": seen["abstract"], "authors": seen["authors"]}
    if seen["by_title"]:
        return Paper(id=id_from_title(seen["title"]), **known)
    return paper(seen["number"], **known)


@given(st.lists(looks, max_size=6))
def test_whatever_is_seen_in_whatever_order_no_fact_is_ever_lost(history):
    """An abstract once known stays known, author lists never get shorter, ids stay unique."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)  # far quicker than the migrations, which have their own test
    store = Store(engine)
    known: dict[str, Paper] = {}
    for hour, (tier, seen) in enumerate(history):
        store.record(listing(*map(seen_paper, seen), tier=tier), NOON + timedelta(hours=hour))
        now = {each.id: each for each in store.papers()}
        for paper_id, before in known.items():
            after = now.get(paper_id)
            if after is None:  # a title hash that became an arXiv id
                assert paper_id.startswith("t:")
                continue
            assert bool(after.abstract) >= bool(before.abstract)
            assert len(after.authors) >= len(before.authors)
        known = now
    store.close()
