"""The front page: what it shows, what the preview answers, what a sign-up leads to."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_world import HOME, Site, links_in

from newsletter.membership import one_line
from newsletter.web.forms import LISTS

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "{{ 7*7 }}{% raw %}",
    "'; DROP TABLE subscribers; --",
    "javascript:alert(3)",
    "</textarea><b>bold</b>",
    "Bcc: victim@reader.example\r\nX: y",
)
TEXT_FIELDS = (*LISTS, "timezone", "name", "email", "send_at", "max_papers")
FRAGMENT = {"Accept": "text/html", "X-Fragment": "preview"}
WISHED = {"topics": "efficient inference", "email": "ines@reader.example", "consent": "yes"}


@pytest.fixture(scope="module")
def calm(tmp_path_factory) -> Iterator[Site]:
    """An installation whose clock the tests of this module may move; nothing is kept in it."""
    site = Site(tmp_path_factory.mktemp("front"))
    yield site
    site.close()


def stamp_of(page: str) -> str:
    found = re.search(r'name="stamp" value="([^"]+)"', page)
    assert found
    return found[1]


def filled(web: Site, **fields: object) -> dict[str, object]:
    """A form as a patient reader sends it."""
    stamp = stamp_of(web.client.get("/").text)
    web.later(seconds=5)
    return {**WISHED, "stamp": stamp, **fields}


def titles(page: str) -> list[str]:
    return [html.unescape(t) for t in re.findall(r"<h3[^>]*><a [^>]*>([^<]+)</a></h3>", page)]


# -- looking


def test_the_page_shows_the_form_and_what_trends(shown):
    answer = shown.client.get("/")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"
    assert titles(answer.text)[0] == "Quantization of language models to four bits"
    assert "This is what trends" in answer.text
    assert "Chosen from 12 papers of 3 April 2026." in answer.text
    assert shown.site.settings.consent in answer.text


def test_what_a_reader_writes_runs_in_the_direction_of_its_script(shown):
    fields = re.findall(r"<textarea [^>]*>|<input id=.name.[^>]*>", shown.client.get("/").text)
    assert len(fields) == 8
    assert all('dir="auto"' in field for field in fields)


def test_looking_changes_nothing(shown):
    before = shown.dump()
    for path in ("/", "/check-your-mail", "/proof"):
        assert shown.client.get(path).status_code == 200
        assert shown.client.head(path).status_code == 200
    shown.client.post("/preview", data={"topics": "robot"})
    assert shown.dump() == before


def test_interests_are_never_taken_from_the_address(shown):
    for path in ("/preview", "/subscribe", "/reading-list"):
        answer = shown.client.get(f"{path}?topics=robots")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "robots" not in shown.client.get("/?topics=robots").text


def test_search_engines_may_list_the_page_unless_the_operator_minds(shown, tmp_path):
    assert 'name="robots"' not in shown.client.get("/").text
    hidden = Site(tmp_path, "[web]\nindex = false\n")
    assert '<meta name="robots" content="noindex">' in hidden.client.get("/").text
    hidden.close()


def test_the_proof_of_work_is_a_challenge(shown):
    assert {"parameters", "signature"} <= shown.client.get("/proof").json().keys()


# -- the preview


def test_the_preview_gives_the_picks_with_their_reasons(shown):
    answer = shown.client.post("/preview", data={"topics": "robot manipulation"}, headers=FRAGMENT)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert answer.text.count("your topic “robot manipulation”") >= 2
    assert "Robot manipulation" in titles(answer.text)[0]


def test_without_script_the_whole_page_comes_back_filled_in(shown):
    typed = {
        "topics": "robot manipulation\nmy own words",
        "suggested": ["reasoning"],
        "authors": "Ada Byron",
        "trend": "40",
        "cadence": "weekly",
        "weekday": "4",
        "send_at": "17:00",
        "timezone": "Asia/Tokyo",
        "surprise": "no",
        "email": "ines@reader.example",
        "consent": "yes",
    }
    page = shown.client.post("/preview", data=typed).text
    assert "robot manipulation\nmy own words</textarea>" in page
    assert re.search(r'value="reasoning"[^>]* checked', page)
    assert re.search(r'name="trend"[^>]* value="40"', page)
    assert re.search(r'value="weekly" checked', page)
    assert '<option value="4" selected>Friday' in page
    assert '<option value="17:00" selected>' in page
    assert 'value="Asia/Tokyo"' in page
    assert 'value="ines@reader.example"' in page
    assert re.search(r'id="consent"[^>]* checked', page)
    assert not re.search(r'id="surprise"[^>]* checked', page)
    assert 'role="alert"' not in page
    assert "data-guess" not in page
    assert any("Robot manipulation" in title for title in titles(page))


def test_topics_that_are_ticked_count_like_typed_ones(shown):
    typed = shown.client.post("/preview", data={"topics": "robot learning"}, headers=FRAGMENT)
    ticked = shown.client.post("/preview", data={"suggested": "robot learning"}, headers=FRAGMENT)
    assert typed.text == ticked.text


def test_mutes_keep_papers_away_and_the_preview_says_so(shown):
    data = {"topics": "robot manipulation", "muted": "video"}
    page = shown.client.post("/preview", data=data, headers=FRAGMENT).text
    assert "Robot manipulation from video" not in page
    assert "kept away by your mutes" in page


def test_who_mutes_everything_is_told_that_it_is_the_mutes(shown):
    data = {"topics": "efficient inference", "muted": "efficient inference\nrobot\nprotein"}
    page = shown.client.post("/preview", data=data, headers=FRAGMENT).text
    said = "Of 12 papers your mutes keep 8 away, and of the others none fits closely enough."
    assert page.count(said) == 2  # for eyes and for ears
    assert "Fewer mutes bring more" in page
    data["muted"] += "\nlanguage\ngraph\nbirds\nvideo\nimage\ngripper"
    page = shown.client.post("/preview", data=data | {"topics": ""}, headers=FRAGMENT).text
    assert "Of 12 papers your mutes keep every one away." in page
    assert "This is what trends" not in page


def test_a_quiet_day_is_told_honestly(shown):
    data = {"topics": "medieval bookbinding", "surprise": "no"}
    page = shown.client.post("/preview", data=data, headers=FRAGMENT).text
    assert "Of 12 papers none fits closely enough. On such a day no mail comes" in page


def test_a_quiet_day_names_what_comes_closest_to_the_interests(shown):
    data = {"topics": "taxation of video robots in medieval law", "surprise": "no"}
    page = shown.client.post("/preview", data=data, headers=FRAGMENT).text
    assert ("The closest, yet not close enough" in page) == ("A quiet day" in page)


def test_a_bundled_page_is_called_a_sample(tmp_path):
    class Empty(Site):
        def stock(self) -> None:
            """No list was read yet."""

    web = Empty(tmp_path)
    assert "Sample papers: a bundled page stands in" in web.client.get("/").text
    web.close()


def test_an_entry_that_cannot_be_used_is_named_in_the_preview(shown):
    data = {"topics": "\n".join(f"topic {n}" for n in range(50)), "authors": "Rosa Mann"}
    page = shown.client.post("/preview", data=data, headers=FRAGMENT).text
    assert "Please keep to 40 entries; here are 50." in page
    assert "you follow Rosa Mann" in page


def test_too_many_previews_are_refused_kindly_and_keep_what_was_typed(web):
    for _ in range(60):
        assert web.client.post("/preview", data={}, headers=FRAGMENT).status_code == 200
    refused = web.client.post("/preview", data={"topics": "my words"}, headers=FRAGMENT)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert "That was a lot of previews" in refused.text
    page = web.client.post("/preview", data={"topics": "my words"})
    assert (page.status_code, "my words</textarea>" in page.text) == (429, True)


# -- papers liked


def test_a_network_has_few_long_reading_lists_read_in_a_minute(web):
    many = "".join(f"2604.{number:05d}\n" for number in range(19_000))
    long = "x" * 2_000_000
    for path, sent in (
        ("/reading-list", {"data": {"liked": many}}),
        ("/preview", {"data": {"liked": many}}),
        ("/subscribe", {"files": {"library": long}}),
    ):
        assert web.client.post(path, **sent).status_code != 429
    assert web.client.post("/preview", data={}).status_code == 429


def test_a_library_of_a_few_hundred_papers_counts_as_one_look(web):
    some = "".join(f"2604.{number:05d}\n" for number in range(900))
    for _ in range(60):
        assert web.client.post("/reading-list", data={"liked": some}).status_code == 200


def test_a_reading_list_becomes_lines_with_a_report(shown):
    bibtex = b"@article{a, title={Sparse attention on phones}}\n@misc{b, eprint={2604.00005}, archivePrefix={arXiv}, title={x}}"
    answer = shown.client.post("/reading-list", files={"library": ("my.bib", bibtex)}).json()
    assert answer["lines"].splitlines() == [
        "2604.00004 · Sparse attention on phones",
        "2604.00005 · Robot manipulation with touch",
    ]
    assert answer["report"] == ["BibTeX, 2 entries: 2 are papers we know."]
    assert answer["problem"] == ""


def test_the_lines_of_a_reading_list_can_be_read_again(shown):
    lines = "2604.00004 · Sparse attention on phones\n2604.00005 · Robot manipulation with touch"
    answer = shown.client.post("/reading-list", data={"liked": lines}).json()
    assert answer["lines"] == lines


def test_a_file_is_read_without_script_and_shown_as_lines(shown):
    file = {"library": ("my.bib", b"@article{a, title={Sparse attention on phones}}")}
    page = shown.client.post(
        "/preview", data={"liked": "https://arxiv.org/abs/2604.00001"}, files=file
    )
    assert (
        "https://arxiv.org/abs/2604.00001\n2604.00004 · Sparse attention on phones</textarea>"
        in page.text
    )
    assert "BibTeX, 1 entry: 1 is a paper we know." in page.text


@pytest.mark.parametrize(
    "junk", [b"\x00\x01\x02" * 500, b"%PDF-1.7", b"PK\x03\x04zip"], ids=("octets", "pdf", "zip")
)
def test_a_file_that_is_no_list_ends_in_a_sentence(shown, junk):
    answer = shown.client.post("/reading-list", files={"library": ("x.bin", junk)}).json()
    assert answer["problem"].endswith(".")
    page = shown.client.post("/preview", files={"library": ("x.bin", junk)})
    assert page.status_code == 200
    assert html.escape(answer["problem"], quote=False) in page.text.replace("&#39;", "'")


# -- signing up


def test_topics_an_address_and_the_consent_are_enough(web):
    answer = web.client.post("/subscribe", data=filled(web))
    assert (answer.status_code, answer.headers["location"]) == (303, "/check-your-mail")
    assert "48 hours" in web.client.get("/check-your-mail").text
    mail = web.deliver()[0]
    assert mail["To"] == "ines@reader.example"
    assert any(link.startswith("/confirm/") for link in links_in(mail))
    reader = web.app.subscriptions.find("ines@reader.example")
    assert reader.profile.topics == ("efficient inference",)
    consent = web.app.subscriptions.export(reader.id)["consents"][0]
    assert (consent["origin"], consent["wording"]) == ("front page", web.site.settings.consent)


def test_everybody_gets_the_same_answer(web):
    """Unknown, known, left, complained, forgotten: nobody learns here who is subscribed."""
    subscriptions = web.app.subscriptions
    for name in ("known", "left", "spam", "forgotten"):
        web.reader(f"{name}@reader.example")
    ids = {n: subscriptions.find(f"{n}@reader.example").id for n in ("left", "spam", "forgotten")}
    subscriptions.unsubscribe(ids["left"], now=web.at)
    subscriptions.complain(ids["spam"], now=web.at)
    subscriptions.forget(ids["forgotten"], now=web.at)
    answers = set()
    for name in ("new", "known", "left", "spam", "forgotten"):
        answer = web.client.post("/subscribe", data=filled(web, email=f"{name}@reader.example"))
        answers.add((answer.status_code, answer.headers["location"], answer.text))
        web.later(hours=1)
    assert len(answers) == 1


def test_a_robot_gets_that_answer_too_and_nothing_happens(web):
    before = web.dump()
    answer = web.client.post("/subscribe", data=filled(web, website="https://spam.example"))
    assert answer.headers["location"] == "/check-your-mail"
    assert web.dump() == before


def test_a_form_sent_too_quickly_comes_back_with_a_fresh_stamp(web):
    stamp = stamp_of(web.client.get("/").text)
    page = web.client.post("/subscribe", data={**WISHED, "stamp": stamp})
    assert page.status_code == 422
    assert "That was very quick" in page.text
    assert "efficient inference</textarea>" in page.text
    web.later(seconds=5)
    again = web.client.post("/subscribe", data={**WISHED, "stamp": stamp_of(page.text)})
    assert again.status_code == 303


def test_too_many_sign_ups_of_a_network_are_refused_with_a_time_to_come_back(web):
    for n in range(2):  # without a proof of work
        answer = web.client.post("/subscribe", data=filled(web, email=f"a{n}@reader.example"))
        assert answer.status_code == 303
    page = web.client.post("/subscribe", data=filled(web, email="late@reader.example"))
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) > 0
    assert 'value="late@reader.example"' in page.text
    assert "please try again in" in page.text
    assert "If JavaScript is switched off" in page.text


def test_mistakes_are_told_on_top_and_beside_their_field(web):
    before = web.dump()
    data = filled(web, email="not an address", consent="", timezone="Berlin", authors="Ada Byron")
    page = web.client.post("/subscribe", data=data)
    assert page.status_code == 422
    assert "3 things need a second look" in page.text
    for name in ("email", "consent", "timezone"):
        assert f'<a href="#{name}">' in page.text
        assert f'id="{name}-wrong"' in page.text
        assert re.search(rf'id="{name}"[^>]*aria-describedby="{name}-wrong', page.text)
    assert "Ada Byron</textarea>" in page.text
    assert re.search(r'class="card step more rhythm" open', page.text)
    assert web.dump() == before


def test_a_wrong_form_sent_again_and_again_is_not_answered_with_a_choice_each_time(web):
    for _ in range(60):
        web.client.post("/subscribe", data={"topics": "agents"})
    page = web.client.post("/subscribe", data={"topics": "agents"})
    assert page.status_code == 422
    assert "The preview rests for a moment" in page.text


def test_the_wishes_of_the_form_hold_after_the_confirmation(web):
    wishes = {
        "suggested": "robot learning",
        "cadence": "weekly",
        "weekday": "4",
        "send_at": "17:00",
        "timezone": "Asia/Tokyo",
        "text_only": ["no", "yes"],
        "max_papers": "5",
        "trend": "80",
        "name": "Ines",
        "liked": "2604.00005",
    }
    web.client.post("/subscribe", data=filled(web, **wishes))
    reader = web.app.subscriptions.find("ines@reader.example")
    assert reader.profile.topics == ("efficient inference", "robot learning")
    assert (reader.cadence.value, reader.weekday, reader.send_at.hour) == ("weekly", 4, 17)
    assert (reader.timezone, reader.format.value, reader.name) == ("Asia/Tokyo", "text", "Ines")
    assert (reader.profile.max_papers, reader.profile.trend_weight) == (5, 0.8)
    assert reader.profile.liked == ("2604.00005",)


# -- the world


@pytest.mark.parametrize("path", ["/preview", "/subscribe"])
@pytest.mark.parametrize("evil", HOSTILE)
def test_hostile_text_in_every_field_is_shown_as_text(calm, path, evil):
    calm.later(minutes=2)
    page = calm.client.post(path, data=dict.fromkeys(TEXT_FIELDS, evil))
    assert page.status_code in (200, 422)
    assert not re.search(r"[<>\"']", evil) or evil not in page.text
    assert evil.splitlines()[0] in html.unescape(page.text)


@given(
    fields=st.dictionaries(
        st.sampled_from([*TEXT_FIELDS, "suggested", "trend", "cadence", "weekday", "surprise"]),
        st.text(max_size=60),
    ),
    path=st.sampled_from(["/preview", "/subscribe", "/reading-list"]),
)
def test_no_text_in_any_field_is_our_fault(calm, fields, path):
    calm.later(minutes=2)
    page = calm.client.post(path, data=fields)
    assert page.status_code in (200, 422)
    if path != "/reading-list":
        for name in ("topics", "name"):
            typed = one_line(fields.get(name, "").splitlines()[0] if fields.get(name) else "")
            assert typed in html.unescape(page.text)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "text/plain"),
        (b"{}", "application/json"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"topics=%ff%fe%00", "application/x-www-form-urlencoded"),
        (b"no boundary", "multipart/form-data"),
    ],
)
@pytest.mark.parametrize("path", ["/preview", "/subscribe", "/reading-list"])
def test_a_body_that_is_no_form_is_answered_calmly(calm, path, body, kind):
    calm.later(minutes=2)
    answer = calm.client.post(path, content=body, headers={"content-type": kind})
    assert answer.status_code in (200, 400, 422)


def test_pages_ask_nothing_of_others(shown):
    page = shown.client.get("/").text
    wanted = re.findall(r'(?: src|<link[^>]* href)="([^"]+)"', page)
    assert wanted
    assert all(address.startswith(("/assets/", HOME)) for address in wanted)
    assert "style=" not in page
    assert not re.search(r"<script(?![^>]*src=)", page)


def test_a_style_is_kept_for_ever_under_its_own_address_only(shown):
    """While a new version takes the place of the old one, pages of both ask either of them."""
    own = re.search(r'"(/assets/[0-9a-f]+/site\.css)"', shown.client.get("/").text)[1]
    other = "/assets/0123456789ab/site.css"

    assert "immutable" in shown.client.get(own).headers["cache-control"]
    assert shown.client.get(other).status_code == 200
    assert shown.client.get(other).headers["cache-control"] == "no-store"
