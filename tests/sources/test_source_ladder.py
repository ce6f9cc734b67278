"""The ways to a list, one after the other, against a site played on this machine."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime

import pytest
import source_shapes as shapes
from source_server import NOW, Answer, Reader, World

from newsletter.errors import SourceError
from newsletter.model import Listing, Tier
from newsletter.sources.ladder import Sources
from newsletter.sources.spec import parse_source

DAY = "2026-04-03"
DAY_API = f"/api/daily_papers?date={DAY}&limit=100"
DAY_PAGE = f"/papers/date/{DAY}"
TRENDING_API = "/api/daily_papers?sort=trending&limit=50"
DOWN = Answer(status=403)
FEED = Answer(body=shapes.rss([shapes.rss_item("2604.05001v1"), shapes.rss_item("2604.05002v1")]))


def api_of(day: str) -> str:
    return f"/api/daily_papers?date={day}&limit=100"


def listed(day: str, count: int = 3) -> Answer:
    return Answer(
        body=shapes.api_text(shapes.items(count, submittedOnDailyAt=f"{day}T00:00:00.000Z"))
    )


def read(
    reader: Reader,
    word: str,
    *,
    now: datetime = NOW,
    fallback: str = "cs.AI+cs.CL",
    **rules: object,
) -> Listing:
    sources = Sources(
        reader.fetcher(**rules),
        base_url=reader.world.base,
        arxiv_url=f"{reader.world.base}/rss",
        arxiv_fallback=fallback,
        mirrors=("mirror.example",),
    )
    return sources.read(parse_source(word), now=now)


def refusal(reader: Reader, word: str, **kwargs: object) -> str:
    with pytest.raises(SourceError) as caught:
        read(reader, word, **kwargs)
    return str(caught.value)


def test_the_api_is_asked_first_and_is_enough(world: World, reader: Reader):
    world.routes[DAY_API] = listed(DAY)
    listing = read(reader, f"daily:{DAY}")
    assert (listing.tier, listing.source, len(listing.entries)) == (Tier.API, f"daily:{DAY}", 3)
    assert (listing.listed_on, listing.notes) == (date(2026, 4, 3), ())
    assert world.asked == ["/robots.txt", DAY_API]


def test_all_pages_of_an_answer_are_read_and_repeated_papers_merged(world: World, reader: Reader):
    first, second = shapes.items(5)[:3], shapes.items(5)[2:]
    world.routes[DAY_API] = Answer(
        body=shapes.api_text(first), headers={"Link": f'<{{base}}{DAY_API}&p=1>; rel="next"'}
    )
    world.routes[f"{DAY_API}&p=1"] = Answer(
        body=shapes.api_text(second), headers={"Link": f'<{{base}}{DAY_API}>; rel="next"'}
    )
    listing = read(reader, f"daily:{DAY}")
    assert [entry.rank for entry in listing.entries] == [1, 2, 3, 4, 5]
    assert len(world.asked_for("/api")) == 2


def test_a_chain_of_pages_without_end_is_cut(world: World, reader: Reader):
    for page in range(30):
        path = DAY_API + (f"&p={page}" if page else "")
        link = f'<{{base}}{DAY_API}&p={page + 1}>; rel="next"'
        world.routes[path] = Answer(body=shapes.api_text(shapes.items(2)), headers={"Link": link})
    assert len(read(reader, f"daily:{DAY}").entries) == 2
    assert len(world.asked_for("/api")) == 10


@pytest.mark.parametrize("place", ["http://evil.example/x", "{base}/missing"])
def test_a_next_page_that_cannot_be_read_costs_only_itself(world, reader, place):
    world.routes[DAY_API] = Answer(
        body=shapes.api_text(shapes.items(3)), headers={"Link": f'<{place}>; rel="next"'}
    )
    listing = read(reader, f"daily:{DAY}")
    assert len(listing.entries) == 3
    assert listing.notes[0].startswith("The list may be cut: page ")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (DOWN, "HTTP 403"),
        (Answer(status=500), "HTTP 500"),
        (Answer(status=202), "a challenge page for browsers"),
        (Answer(body=shapes.CHALLENGE), "not JSON"),
        (Answer(body=""), "it is empty"),
        (Answer(body='{"error": "x"}'), "the answer is an error: x"),
        (Answer(body='[{"new": "shape"}]'), "changed its shape"),
    ],
)
def test_when_the_api_fails_the_page_serves_and_a_note_says_why(world, reader, answer, words):
    world.routes[DAY_API] = answer
    world.routes[DAY_PAGE] = Answer(body=shapes.page(shapes.day_props(shapes.items(2))))
    listing = read(reader, f"daily:{DAY}")
    assert (listing.tier, len(listing.entries)) == (Tier.PAGE_JSON, 2)
    assert listing.notes[0].startswith("Tier api failed: ")
    assert words in listing.notes[0]


def test_a_page_that_shows_another_day_means_no_list_that_day(world: World, reader: Reader):
    other = shapes.day_props(shapes.items(2), day="2026-04-02")
    world.routes[DAY_API] = DOWN
    world.routes[DAY_PAGE] = Answer(status=302, headers={"Location": "/papers/date/2026-04-02"})
    world.routes["/papers/date/2026-04-02"] = Answer(body=shapes.page(other))
    listing = read(reader, f"daily:{DAY}")
    assert listing.entries == ()
    assert listing.notes[-1] == "The page redirected to 2026-04-02: no list that day."


@pytest.mark.parametrize(("target", "count"), [(DAY, 1), ("2026-04-02", 0), ("2026-99-99", 0)])
def test_cards_without_a_day_have_the_day_of_their_address(world, reader, target, count):
    world.routes[DAY_API] = DOWN
    world.routes[DAY_PAGE] = Answer(status=302, headers={"Location": f"/papers/date/{target}?x"})
    bare = shapes.page(None, [shapes.card()], address="papers")
    world.routes[f"/papers/date/{target}?x"] = Answer(body=bare)
    assert len(read(reader, f"daily:{DAY}").entries) == count


def test_cards_are_completed_from_the_api_one_by_one(world: World, reader: Reader):
    cards = [shapes.card("2604.00001", organization=""), shapes.card("2604.00002", votes="40")]
    world.routes[DAY_API] = DOWN
    world.routes[DAY_PAGE] = Answer(body=shapes.page(None, cards))
    flat = shapes.item("2604.00001")["paper"]
    world.routes["/api/papers/2604.00001"] = Answer(body=shapes.api_text([flat])[1:-1])
    listing = read(reader, f"daily:{DAY}")
    first, second = listing.entries
    assert listing.tier is Tier.PAGE_CARDS
    assert first.paper.abstract == shapes.PROSE.strip()
    assert first.paper.keywords == ("planning", "small models")
    assert (second.paper.abstract, second.upvotes) == ("", 40)
    assert listing.notes[-1] == ("1 of 2 papers stay without abstract: the cards do not show it.")


def test_an_api_that_is_gone_is_not_asked_for_every_card(world: World, reader: Reader):
    cards = [shapes.card(f"2604.{number:05d}") for number in range(20)]
    world.routes[DAY_API] = DOWN
    world.routes[DAY_PAGE] = Answer(body=shapes.page(None, cards))
    assert len(read(reader, f"daily:{DAY}").entries) == 20
    assert len(world.asked_for("/api/papers/")) == 3


def test_when_the_site_is_gone_arxiv_stands_in_under_its_own_name(world: World, reader: Reader):
    world.routes[DAY_API] = DOWN
    world.routes[DAY_PAGE] = Answer(body=shapes.CHALLENGE)
    world.routes["/rss/cs.AI+cs.CL"] = FEED
    listing = read(reader, "daily")
    assert (listing.tier, listing.source, len(listing.entries)) == (
        Tier.RSS,
        "arxiv:cs.AI+cs.CL",
        2,
    )
    assert "Tier api failed" in listing.notes[0]
    assert "Tier page failed" in listing.notes[1]
    assert "a challenge page for browsers" in listing.notes[1]
    assert "stand in" in listing.notes[2]


def test_without_a_fallback_arxiv_is_not_asked(world: World, reader: Reader):
    said = refusal(reader, "daily", fallback="")
    assert "arXiv is not asked instead" in said
    assert world.asked_for("/rss") == []


def test_when_everything_fails_one_error_names_every_way_and_reason(world: World, reader: Reader):
    world.routes[DAY_API] = Answer(status=500)
    world.routes[DAY_PAGE] = Answer(body=shapes.LOGIN)
    world.routes["/rss/cs.AI+cs.CL"] = Answer(body=shapes.rss([]))
    said = refusal(reader, "daily")
    assert "tier api failed: HTTP 500" in said
    assert "tier page failed" in said
    assert "an HTML login page" in said
    assert "tier rss failed: arXiv announces no papers today" in said


def test_arxiv_never_stands_in_for_a_day_long_ago(world: World, reader: Reader):
    world.routes["/rss/cs.AI+cs.CL"] = FEED
    assert "not those of 2026-01-16" in refusal(reader, "daily:2026-01-16")


def test_a_future_day_that_is_asked_for_is_not_open_yet(world: World, reader: Reader):
    world.routes[api_of("2026-04-06")] = Answer(status=400)
    said = refusal(reader, "daily:2026-04-06")
    assert "the list of 2026-04-06 is not open yet (HTTP 400)" in said
    assert len(world.asked) == 2


def test_the_newest_list_steps_back_from_a_day_that_is_not_open(world: World, reader: Reader):
    world.routes[api_of("2026-04-03")] = listed("2026-04-03")
    world.routes[api_of("2026-04-04")] = Answer(status=400)
    evening = datetime(2026, 4, 4, 1, 45, tzinfo=UTC)
    listing = read(reader, "daily", now=evening)
    assert (listing.source, len(listing.entries)) == ("daily:2026-04-03", 3)
    assert listing.notes == ("The list of 2026-04-04 is not open yet (HTTP 400).",)


def test_a_refused_question_about_an_old_day_is_a_failure_of_the_api(world: World, reader: Reader):
    world.routes[api_of("2026-04-01")] = Answer(status=400)
    props = shapes.day_props(shapes.items(2, submittedOnDailyAt="2026-04-01"), day="2026-04-01")
    world.routes["/papers/date/2026-04-01"] = Answer(body=shapes.page(props))
    assert read(reader, "daily:2026-04-01").tier is Tier.PAGE_JSON


def test_on_sunday_the_newest_list_is_that_of_friday(world: World, reader: Reader):
    for day in ("2026-04-03", "2026-04-04", "2026-04-05"):
        world.routes[api_of(day)] = listed("2026-04-03")
    listing = read(reader, "daily", now=datetime(2026, 4, 5, 15, 0, tzinfo=UTC))
    assert (listing.source, len(listing.entries)) == ("daily:2026-04-03", 3)
    assert listing.notes == (
        "The list of 2026-04-03 was repeated: no list on 2026-04-05.",
        "The list of 2026-04-03 was repeated: no list on 2026-04-04.",
    )


def test_a_weekend_day_asked_for_is_empty_and_says_why(world: World, reader: Reader):
    world.routes[api_of("2026-04-04")] = listed("2026-04-03")
    listing = read(reader, "daily:2026-04-04")
    assert listing.entries == ()
    assert listing.notes == ("The list of 2026-04-03 was repeated: no list on 2026-04-04.",)


def test_a_paper_listed_before_does_not_make_a_list_a_repetition(world: World, reader: Reader):
    things = [*shapes.items(2), shapes.item("2604.00009", submittedOnDailyAt="2026-03-30")]
    world.routes[DAY_API] = Answer(body=shapes.api_text(things))
    assert len(read(reader, f"daily:{DAY}").entries) == 3


def test_a_paper_dated_years_ahead_is_of_the_newest_day_and_hides_no_other(world, reader):
    items = shapes.items(3, submittedOnDailyAt=f"{DAY}T00:00:00.000Z")
    items[1]["paper"]["submittedOnDailyAt"] = "2099-01-01T00:00:00.000Z"
    world.routes[DAY_API] = Answer(body=shapes.api_text(items))

    listing = read(reader, f"daily:{DAY}")

    assert {paper.listed_on for paper in listing.papers} == {date(2026, 4, 3)}
    assert "Listed on 2099-01-01, it says" in listing.notes[-1]


def test_after_five_days_without_a_list_the_answer_is_empty(world: World, reader: Reader):
    for day in ("03", "02", "01"):
        world.routes[api_of(f"2026-04-{day}")] = Answer(body="[]")
    for day in ("31", "30"):
        world.routes[api_of(f"2026-03-{day}")] = Answer(body="[]")
    listing = read(reader, "daily")
    assert listing.entries == ()
    assert listing.listed_on == date(2026, 4, 3)
    assert "The list of 2026-03-30 is empty." in listing.notes
    assert len(world.asked_for("/api")) == 5


def test_trending_comes_from_the_api_then_the_page_then_arxiv(world: World, reader: Reader):
    world.routes[TRENDING_API] = Answer(body=shapes.api_text(shapes.items(2)))
    listing = read(reader, "trending")
    assert (listing.tier, listing.source, listing.listed_on) == (Tier.API, "trending", None)
    world.routes[TRENDING_API] = Answer(body="[]")
    world.routes["/papers/trending"] = Answer(
        body=shapes.page(shapes.trending_props(shapes.items(2)), address="papers/trending")
    )
    listing = read(reader, "trending")
    assert (listing.tier, listing.source) == (Tier.PAGE_JSON, "trending")
    assert listing.notes == ("Tier api failed: the list is empty.",)
    world.routes["/papers/trending"] = Answer(body=shapes.page(shapes.day_props(shapes.items(2))))
    world.routes["/rss/cs.AI+cs.CL"] = FEED
    listing = read(reader, "trending")
    assert listing.tier is Tier.RSS
    assert "redirected to the list of 2026-04-03" in listing.notes[1]


def test_categories_of_arxiv_can_be_asked_for(world: World, reader: Reader):
    world.routes["/rss/cs.RO"] = FEED
    listing = read(reader, "arxiv:cs.RO")
    assert (listing.tier, listing.source, len(listing.entries)) == (Tier.RSS, "arxiv:cs.RO", 2)
    world.routes["/rss/cs.RO"] = Answer(body=shapes.rss([]))
    assert "none on weekends" in read(reader, "arxiv:cs.RO").notes[0]


def test_any_address_of_an_allowed_host_is_recognised(world: World, reader: Reader):
    world.routes["/papers?q=s3cret"] = Answer(body=shapes.page(shapes.day_props(shapes.items(2))))
    listing = read(reader, f"{world.base}/papers?q=s3cret")
    assert (listing.source, len(listing.entries)) == (f"{world.base}/papers?…", 2)
    assert "not among the allowed hosts" in refusal(reader, "https://other.example/papers")


def test_mirror_addresses_lead_home(world: World, reader: Reader):
    text = f"Models: https://mirror.example/a and {world.base}/b"
    world.routes[DAY_API] = Answer(body=shapes.api_text([shapes.item(summary=text)]))
    paper = read(reader, f"daily:{DAY}").papers[0]
    assert paper.abstract == "Models: https://huggingface.co/a and https://huggingface.co/b"
    assert paper.url == "https://huggingface.co/papers/2604.00001"


def test_a_file_is_read_like_an_answer(reader: Reader, tmp_path):
    file = tmp_path / "page.txt"
    file.write_text(shapes.dump_text(3))
    listing = read(reader, str(file))
    assert (listing.tier, listing.source, len(listing.entries)) == (Tier.DUMP, str(file), 3)


def test_a_file_that_cannot_be_read_is_explained(reader: Reader, tmp_path):
    loop = tmp_path / "loop.html"
    loop.symlink_to(loop)
    pipe = tmp_path / "pipe.html"
    os.mkfifo(pipe)
    large = tmp_path / "large.html"
    large.write_text("x" * 50)
    assert refusal(reader, f"{tmp_path}/missing.html").endswith("there is no such file")
    assert "this is a directory" in refusal(reader, f"{tmp_path}/")
    assert "50 bytes, more than the 10 allowed" in refusal(reader, str(large), max_bytes=10)
    assert "the file cannot be read" in refusal(reader, str(loop))
    assert "no regular file" in refusal(reader, str(pipe))
    assert "no usable path" in refusal(reader, "odd\x00.html")
    (tmp_path / "empty.html").write_text("")
    assert "it is empty" in refusal(reader, f"{tmp_path}/empty.html")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_of_somebody_else_is_explained(reader: Reader, tmp_path):
    file = tmp_path / "secret.html"
    file.write_text("x")
    file.chmod(0)
    assert "may not be read by this user" in refusal(reader, str(file))
