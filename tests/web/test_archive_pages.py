"""The public archive: days, one day, topics, robots and sitemap; the same for everybody."""

from __future__ import annotations

from datetime import date, timedelta
from xml.etree import ElementTree

import pytest
from web_world import HOME, Site

from newsletter.model import Entry, Listing, Paper, Tier
from newsletter.pipeline import record

NASTY = "<script>alert(1)</script> & \"'{{7777*7779}}"


def listed(web: Site, day: date, *papers: Paper) -> None:
    """A list of that day, first paper first."""
    entries = tuple(
        Entry(paper=paper, rank=n, upvotes=10 * n) for n, paper in enumerate(papers, start=1)
    )
    listing = Listing(source=f"daily:{day}", tier=Tier.API, entries=entries, listed_on=day)
    record(web.app.store, listing, now=web.at)


def paper(number: int, day: date, title: str = "") -> Paper:
    return Paper(
        id=f"2601.{number:05d}",
        title=title or f"Paper number {number}",
        abstract="An abstract.",
        listed_on=day,
    )


def test_days_are_listed_newest_first_with_their_papers(web):
    for back in range(1, 4):
        day = date(2026, 4, 3) - timedelta(days=back)
        listed(web, day, *(paper(10 * back + n, day) for n in range(back)))
    page = web.client.get("/archive")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "public, max-age=300"
    links = [page.text.index(f"/archive/2026-04-{day:02d}") for day in (3, 2, 1)]
    assert links == sorted(links)
    assert "12 papers" in page.text
    assert ">1 paper<" in page.text
    assert "March 2026" in page.text


def test_a_paper_in_arabic_or_hebrew_runs_from_right_to_left(web):
    listed(web, date(2026, 4, 2), paper(1, date(2026, 4, 2), "תרגום (BERT)"))
    page = web.client.get("/archive/2026-04-02").text
    assert '<h2 dir="auto">תרגום (BERT)</h2>' in page
    assert '<p class="abstract" dir="auto">' in page


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("/archive/", "/archive"),
        ("//elsewhere.example/", "/elsewhere.example"),
        ("/a%20ä/", "/a%20%C3%A4"),
    ],
)
def test_a_slash_behind_an_address_does_no_harm(shown, asked, meant):
    answer = shown.client.get(HOME + asked)
    assert (answer.status_code, answer.headers["location"]) == (303, meant)


def test_many_days_come_in_pages(web):
    for back in range(1, 70):
        day = date(2026, 4, 3) - timedelta(days=back)
        listed(web, day, paper(back, day))
    first, second = web.client.get("/archive").text, web.client.get("/archive?page=2").text
    assert "Page 1 of 2" in first
    assert "/archive/2026-02-03" in first
    assert "/archive/2026-02-02" not in first
    assert "/archive/2026-02-02" in second
    assert f'<link rel="canonical" href="{HOME}/archive?page=2">' in second


@pytest.mark.parametrize("page", ["0", "2", "-1", "x", "", "١", "9" * 5000])
def test_page_that_is_none_is_404(shown, page):
    assert shown.client.get("/archive", params={"page": page}).status_code == 404


def test_day_shows_every_paper_most_votes_first(web):
    day = date(2026, 4, 2)
    listed(web, day, paper(1, day, "Little loved"), paper(2, day, "Much loved"))
    page = web.client.get("/archive/2026-04-02").text
    assert page.index("Much loved") < page.index("Little loved")
    assert 'href="/archive/2026-04-03"' in page  # the next day
    assert 'rel="prev"' not in page


def test_day_without_a_list_leads_to_the_lists_around_it(web):
    answer = web.client.get("/archive/2026-04-05")
    assert answer.status_code == 404
    assert "No list on Sunday, 5 April 2026" in answer.text
    assert "/archive/2026-04-03" in answer.text
    assert 'content="noindex"' in answer.text


@pytest.mark.parametrize(
    "day", ["x", "20260403", "2026-W14-5", "2026-13-01", "0000-00-00", "2026-04-03x", "%00"]
)
def test_day_that_is_none_is_404(shown, day):
    assert shown.client.get(f"/archive/{day}").status_code == 404


def test_link_of_every_mail_into_the_archive_leads_to_a_page(web):
    reader = web.reader()
    (mail,) = web.deliver()
    assert f"{HOME}/archive/2026-04-03" in mail.get_body(("plain",)).get_content()
    assert web.client.get("/archive/2026-04-03").status_code == 200
    assert reader.email not in web.client.get("/archive/2026-04-03").text


def test_public_pages_may_be_found_and_say_what_they_are(shown):
    for path in ("/archive", "/archive/2026-04-03", "/topics", "/topics/efficient-inference"):
        page = shown.client.get(path).text
        assert "noindex" not in page
        assert f'<link rel="canonical" href="{HOME}{path}">' in page
        assert f'<meta property="og:url" content="{HOME}{path}">' in page
        assert '<meta property="og:title"' in page


def test_private_pages_may_not_be_found(shown):
    for path in ("/lost-link", "/more/1-x", "/unsubscribe/1-x"):
        assert "noindex" in shown.client.get(path).text


def test_feeds_are_announced_in_the_head(shown):
    for path, feed in (
        ("/archive", "/archive/feed"),
        ("/topics/reasoning", "/topics/reasoning/feed"),
    ):
        page = shown.client.get(path).text
        assert 'type="application/atom+xml" title' in page
        for ending in ("atom", "json"):
            assert f'href="{feed}.{ending}"' in page
            assert shown.client.get(f"{feed}.{ending}").status_code == 200


def test_topic_shows_papers_about_it(shown):
    page = shown.client.get("/topics/efficient-inference").text
    assert "Quantization of language models to four bits" in page
    assert "Protein folding" not in page


def test_every_topic_offered_has_a_page(shown):
    page = shown.client.get("/topics").text
    for topic in shown.site.topics:
        assert f'href="/topics/{topic.slug}"' in page
        assert shown.client.get(f"/topics/{topic.slug}").status_code == 200


@pytest.mark.parametrize("path", ["/topics/nothing", "/topics/nothing/feed.atom", "/topics/%00"])
def test_unknown_topic_is_404(shown, path):
    assert shown.client.get(path).status_code == 404


def test_robots_may_read_the_archive_and_no_signed_link(shown):
    answer = shown.client.get("/robots.txt")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    for way in ("confirm", "unsubscribe", "preferences", "pause", "view", "more", "less", "tune"):
        assert f"Disallow: /{way}/" in lines
    assert "Allow: /" in lines
    assert f"Sitemap: {HOME}/sitemap.xml" in lines


def test_sitemap_names_every_public_page(shown):
    root = ElementTree.fromstring(shown.client.get("/sitemap.xml").content)
    found = [node.text for node in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert f"{HOME}/archive/2026-04-03" in found
    assert f"{HOME}/topics/reasoning" in found
    for address in found:
        if address.removeprefix(HOME).startswith(("/archive", "/topics")):
            assert shown.client.get(address.removeprefix(HOME)).status_code == 200


def test_installation_that_does_not_want_to_be_found_is_not(tmp_path):
    web = Site(tmp_path, "[web]\nindex = false\n")
    assert web.client.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"
    assert web.client.get("/sitemap.xml").status_code == 404
    for path in ("/archive", "/archive/2026-04-03", "/topics"):
        assert 'content="noindex"' in web.client.get(path).text
    web.close()


def test_installation_without_papers_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(Site, "stock", lambda self: None)
    web = Site(tmp_path)
    assert "No list was read yet" in web.client.get("/archive").text
    assert "No paper of the last days is about this" in web.client.get("/topics/reasoning").text
    assert web.client.get("/archive/2026-04-03").status_code == 404
    for feed in ("/archive/feed.atom", "/archive/feed.json", "/topics/reasoning/feed.atom"):
        assert web.client.get(feed).status_code == 200
    web.close()


def test_new_list_is_seen_at_once(web):
    assert "2026-04-04" not in web.client.get("/archive").text
    web.later(days=1)
    day = date(2026, 4, 4)
    listed(web, day, paper(1, day))
    assert "/archive/2026-04-04" in web.client.get("/archive").text


def test_hostile_titles_are_shown_as_text(web):
    day = date(2026, 4, 2)
    listed(web, day, paper(1, day, NASTY))
    page = web.client.get("/archive/2026-04-02").text
    assert "<script>alert" not in page
    assert "alert(1)" in page
    assert "60497283" not in page
