"""The settings behind a signed link: everything can be changed, paused, taken along and erased."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_world import CONSENT, Site

from newsletter.links import Way
from newsletter.membership import Wishes, wishes_of
from newsletter.model import Cadence, Format, Profile, Status, Subscriber, Verdict
from newsletter.web.forms import LISTS
from newsletter.web.pausing import pause_of
from newsletter.web.standing import changes, standing

FRAGMENT = {"X-Fragment": "preview"}


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """An installation whose clock the tests of this module may move."""
    site = Site(tmp_path_factory.mktemp("settings"))
    yield site
    site.close()


def form_in(page: str) -> dict[str, object]:
    """Every field of the settings as a browser without script would send it."""
    form = page.partition('<form class="split')[2].partition("</form>")[0]
    fields: dict[str, object] = {}
    for name, text in re.findall(
        r'<textarea[^>]* name="(\w+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL
    ):
        fields[name] = html.unescape(text)
    for tag in re.findall(r"<input[^>]*>", form):
        given = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        unticked = given.get("type") in ("checkbox", "radio") and " checked" not in tag
        if unticked or "name" not in given or given.get("type") == "file":
            continue
        fields.setdefault(given["name"], [])
        fields[given["name"]] = [*fields[given["name"]], html.unescape(given.get("value", ""))]
    for name, options in re.findall(
        r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        fields[name] = re.findall(r'value="([^"]*)" selected', options)
    return fields


def settings(web: Site, reader: Subscriber) -> str:
    return web.path(Way.PREFERENCES, reader.id)


def stored(web: Site, reader: Subscriber) -> Subscriber:
    return web.app.subscriptions.get(reader.id)


# -- who may look


@pytest.mark.parametrize(
    "rest", ["", "/export", "/forget", "/preview", "/pause", "/resume", "/undo", "/come-back"]
)
def test_a_forged_or_foreign_link_shows_nothing_and_changes_nothing(web, rest):
    reader = web.reader()
    before = web.dump()
    foreign = web.path(Way.PAUSE, reader.id).replace("/pause/", "/preferences/")
    for path in ("/preferences/1-forged", foreign, settings(web, reader)[:-1]):
        answers = [web.client.get(path + rest), web.client.post(path + rest)]
        assert {answer.status_code for answer in answers} <= {303, 404, 405}
        assert all(reader.email not in answer.text for answer in answers)
    assert web.dump() == before


def test_looking_changes_nothing(web):
    reader = web.reader()
    before = web.dump()
    for path in (settings(web, reader), web.path(Way.PAUSE, reader.id)):
        assert web.client.get(path).status_code == 200
        assert web.client.head(path).status_code == 200
    for rest in ("/export", "/forget"):
        assert web.client.get(settings(web, reader) + rest).status_code == 200
    for rest in ("/preview", "/pause", "/resume", "/undo", "/come-back"):
        assert web.client.get(settings(web, reader) + rest).status_code == 303
    assert web.dump() == before


@pytest.mark.parametrize("rest", ["/preview", "/pause", "/resume", "/undo", "/come-back"])
def test_whoever_comes_back_by_the_address_bar_sees_the_settings(web, rest):
    """The address of a page that a button led to, typed again or out of a restored tab."""
    home = settings(web, web.reader())
    answer = web.client.get(home + rest)
    assert (answer.status_code, answer.headers["location"]) == (303, home)
    assert web.client.head(home + rest).headers["location"] == home
    assert web.client.put(home + rest).status_code == 405


def test_the_page_says_where_one_stands(web):
    reader = web.reader(timezone="Europe/Berlin")
    page = web.client.get(settings(web, reader))
    assert (
        "You get a digest of up to 10 papers every weekday at 08:00, Europe/Berlin time."
        in page.text
    )
    assert page.headers["cache-control"] == "no-store"
    assert "your topic “efficient inference”" in page.text


# -- changing


def test_saving_what_is_shown_changes_nothing(web):
    liked = ("2604.00005", "A title nobody knows yet", "x, y; z")
    profile = Profile(topics=("robot learning", "my own"), authors=("Byron, Ada",), liked=liked)
    asked = Wishes(
        profile=replace(profile, keywords=("a, b",), trend_weight=0.333), name="Ines <b>"
    )
    reader = web.app.subscriptions.enrol("a@reader.example", asked, CONSENT, now=web.at)
    sent = form_in(web.client.get(settings(web, reader)).text)
    assert sent["topics"] == "my own"
    assert sent["suggested"] == ["robot learning"]
    assert "2604.00005 · Robot manipulation with touch" in str(sent["liked"])
    page = web.client.post(settings(web, reader), data=sent)
    assert "Nothing was different." in page.text
    assert wishes_of(stored(web, reader)) == asked


def test_a_change_is_saved_and_told(web):
    reader = web.reader()
    sent = form_in(web.client.get(settings(web, reader)).text)
    sent |= {"topics": "robot manipulation", "suggested": [], "cadence": "weekly", "weekday": "4"}
    sent |= {"send_at": "17:00", "timezone": "Asia/Tokyo"}
    page = web.client.post(settings(web, reader), data=sent).text
    assert 'role="status"' in page
    assert "Added topic: “robot manipulation”." in page
    assert "Removed topic: “efficient inference”." in page
    assert "The digest comes every Friday at 17:00, Asia/Tokyo time." in page
    now = stored(web, reader)
    assert now.profile.topics == ("robot manipulation",)
    assert (now.cadence, now.weekday, now.timezone) == (Cadence.WEEKLY, 4, "Asia/Tokyo")
    versions = web.app.subscriptions.export(reader.id)["profiles"]
    assert [version["version"] for version in versions] == [1, 2]


def test_a_category_that_arxiv_does_not_have_is_saved_and_told(web):
    reader = web.reader()
    sent = form_in(web.client.get(settings(web, reader)).text) | {"categories": "cs.XX"}
    page = web.client.post(settings(web, reader), data=sent)
    assert "Added arXiv category: “cs.XX”." in page.text
    assert "“cs.XX” is no arXiv category we know" in page.text


def test_an_old_tab_leaves_what_another_one_changed(web):
    reader = web.reader(timezone="Europe/Berlin")
    old, new = (form_in(web.client.get(settings(web, reader)).text) for _ in range(2))
    new |= {"send_at": "17:00", "cadence": "weekly", "trend": "80", "surprise": ["no"]}
    web.client.post(settings(web, reader), data=new | {"text_only": ["no", "yes"]})
    web.client.post(settings(web, reader), data=old | {"keywords": "vision", "max_papers": "3"})
    now = stored(web, reader)
    assert (now.cadence, now.send_at, now.format) == (Cadence.WEEKLY, time(17), Format.TEXT)
    assert (now.profile.trend_weight, now.profile.surprise) == (0.8, False)
    assert (now.profile.keywords, now.profile.max_papers) == (("vision",), 3)


@pytest.mark.parametrize("first", ["", "/preview"])
def test_a_mistake_in_an_old_tab_loses_nothing_of_what_happened_elsewhere(web, first):
    reader = web.reader()
    old = form_in(web.client.get(settings(web, reader)).text)
    web.app.subscriptions.mute(reader.id, "phones", now=web.at)
    page = web.client.post(settings(web, reader) + first, data=old | {"timezone": "Mars"})
    again = form_in(page.text) | {"timezone": "Asia/Tokyo"}
    web.client.post(settings(web, reader), data=again)
    now = stored(web, reader)
    assert (now.timezone, now.profile.muted) == ("Asia/Tokyo", ("phones",))


def test_a_mistake_saves_nothing_and_keeps_what_was_typed(web):
    reader = web.reader()
    before = web.dump()
    sent = form_in(web.client.get(settings(web, reader)).text)
    page = web.client.post(settings(web, reader), data={**sent, "timezone": "Mars", "muted": "x"})
    assert page.status_code == 422
    assert "There is no time zone “Mars”" in page.text
    assert 'value="Mars"' in page.text
    assert "\nx</textarea>" in page.text
    assert web.dump() == before


def test_the_preview_tells_what_a_change_would_do_without_saving(web):
    reader = web.reader()
    before = web.dump()
    path = settings(web, reader) + "/preview"
    sent = {"topics": "robot manipulation", "surprise": "no"}
    part = web.client.post(path, data=sent, headers=FRAGMENT).text
    assert re.search(r"[1-9] papers would come in, [1-9] would leave\.", part)
    assert "comes in</span>" in part
    assert "Would leave" in part
    assert "<html" not in part
    page = web.client.post(path, data=sent).text
    assert "Not saved yet" in page
    assert "robot manipulation</textarea>" in page
    assert web.dump() == before


def test_the_preview_tells_nothing_of_liked_papers_that_stood_there_before(web):
    asked = Wishes(profile=Profile(liked=("2604.00005", "2604.00006")))
    reader = web.app.subscriptions.enrol("a@reader.example", asked, CONSENT, now=web.at)
    sent = form_in(web.client.get(settings(web, reader)).text) | {"topics": "vision"}
    path = settings(web, reader) + "/preview"
    page = web.client.post(path, data=sent, headers=FRAGMENT)
    assert "papers we know" not in page.text
    more = sent | {"liked": f"{sent['liked']}\n2604.00004"}
    page = web.client.post(path, data=more, headers=FRAGMENT)
    assert "text, 1 entry: 1 is a paper we know." in page.text


def test_the_preview_of_nothing_changed_compares_nothing(web):
    reader = web.reader()
    sent = form_in(web.client.get(settings(web, reader)).text)
    part = web.client.post(settings(web, reader) + "/preview", data=sent, headers=FRAGMENT).text
    assert "would" not in part


def test_too_many_previews_are_refused(web):
    path = settings(web, web.reader()) + "/preview"
    for _ in range(60):
        web.client.post(path, headers=FRAGMENT)
    refused = web.client.post(path, headers=FRAGMENT)
    assert refused.status_code == 429
    assert "please try again" in refused.text
    page = web.client.post(path, data={"topics": "my words", "version": "1"})
    assert (page.status_code, "my words</textarea>" in page.text) == (429, True)
    assert "please try again" in page.text
    assert int(page.headers["retry-after"]) > 0


def test_votes_are_listed_and_can_be_taken_back(web):
    reader = web.reader()
    for number, verdict in ((1, Verdict.MORE), (5, Verdict.LESS)):
        web.app.subscriptions.rate(reader.id, f"2604.{number:05d}", verdict, now=web.at)
    page = web.client.get(settings(web, reader)).text
    assert page.index("less like this") < page.index("more like this</span>")
    assert "Robot manipulation with touch" in page
    page = web.client.post(settings(web, reader) + "/undo", data={"paper": "2604.00005"}).text
    assert "That vote counts no more." in page
    assert [vote.paper_id for vote in web.app.subscriptions.votes(reader.id)] == ["2604.00001"]
    again = web.client.post(settings(web, reader) + "/undo", data={"paper": "2604.00005"})
    assert "There was no such vote any more." in again.text


def test_all_votes_can_be_forgotten_at_once(web):
    reader = web.reader()
    for number in (1, 5):
        web.app.subscriptions.rate(reader.id, f"2604.{number:05d}", Verdict.MORE, now=web.at)
    assert "Forget all votes" in web.client.get(settings(web, reader)).text

    page = web.client.post(settings(web, reader) + "/undo", data={"all": "yes"}).text

    assert "No vote counts any more" in page
    assert web.app.subscriptions.votes(reader.id) == ()
    assert "Forget all votes" not in page


# -- pausing


@pytest.mark.parametrize(
    ("choice", "written", "until"),
    [
        ("1w", "", date(2026, 4, 10)),
        ("2w", "", date(2026, 4, 17)),
        ("1m", "", date(2026, 5, 3)),
        ("date", "2026-04-04", date(2026, 4, 4)),
        ("date", "2026-04-03", None),
        ("date", "tomorrow", None),
        ("", "", None),
    ],
)
def test_a_pause_lasts_until_a_day_after_today(web, choice, written, until):
    assert pause_of(choice, written, web.reader(), web.at) == until


def test_a_month_from_its_last_day_ends_on_the_last_day_of_the_next(web):
    late = datetime.fromisoformat("2027-01-31T12:00:00+00:00")
    december = datetime.fromisoformat("2026-12-31T12:00:00+00:00")
    reader = web.reader()
    assert pause_of("1m", "", reader, late) == date(2027, 2, 28)
    assert pause_of("1m", "", reader, december) == date(2027, 1, 31)


def test_today_is_the_day_where_the_reader_lives(web):
    reader = web.reader(timezone="Pacific/Kiritimati")  # it is 4 April there already
    assert pause_of("date", "2026-04-04", reader, web.at) is None
    assert pause_of("1w", "", reader, web.at) == date(2026, 4, 11)


@pytest.mark.parametrize("way", [Way.PREFERENCES, Way.PAUSE])
def test_a_pause_and_its_end(web, way):
    reader = web.reader()
    path = web.path(way, reader.id)
    action = path + ("/pause" if way is Way.PREFERENCES else "")
    page = web.client.post(action, data={"for": "1w", "until": ""})
    assert "no mail before Friday, 10 April 2026" in page.text
    assert stored(web, reader).paused_until == date(2026, 4, 10)
    assert "Resume now" in web.client.get(path).text
    resume = (path + "/resume", {}) if way is Way.PREFERENCES else (path, {"for": "resume"})
    page = web.client.post(resume[0], data=resume[1])
    assert "Welcome back" in page.text
    assert stored(web, reader).status is Status.ACTIVE


def belongs_to_the_form(page: str, address: str) -> bool:
    """Whether every button for this address sends the whole form of the settings."""
    start, rest = page.split('<form class="split', 1)
    inside, _, after = rest.partition("</form>")
    foreign = [tag for tag in re.findall("<button[^>]*>", start + after) if address in tag]
    own = [tag for tag in re.findall("<button[^>]*>", inside) if address in tag]
    return bool(own or foreign) and all(' form="settings"' in tag for tag in foreign)


@pytest.mark.parametrize(
    ("button", "pressed"),
    [
        ("/pause", {"for": "1w"}),
        ("/resume", {}),
        ("/undo", {"paper": "2604.00001"}),
        ("/undo", {"all": "yes"}),
    ],
)
def test_what_is_typed_and_not_saved_comes_back_after_any_other_button(web, button, pressed):
    reader = web.reader(name="Ines")
    for paper in ("2604.00001", "2604.00002"):
        web.app.subscriptions.rate(reader.id, paper, Verdict.MORE, now=web.at)
    at = settings(web, reader)
    if button == "/resume":
        web.client.post(f"{at}/pause", data={"for": "1w"})
    page = web.client.get(at).text
    assert belongs_to_the_form(page, f'formaction="{at}{button}')

    typed = {**form_in(page), "topics": "robots", "max_papers": "3", "name": "I. Doe"}
    after = web.client.post(at + button, data={**typed, **pressed})

    assert after.status_code == 200
    assert "Not saved yet" in after.text
    shown = form_in(after.text)
    assert (shown["topics"], shown["max_papers"], shown["name"]) == ("robots", ["3"], ["I. Doe"])
    assert wishes_of(stored(web, reader)) == wishes_of(reader)
    web.client.post(at, data=shown)
    assert "robots" in stored(web, reader).profile.topics


def test_a_button_pressed_with_nothing_typed_leaves_nothing_unsaved(web):
    reader = web.reader()
    at = settings(web, reader)
    after = web.client.post(f"{at}/pause", data={**form_in(web.client.get(at).text), "for": "1w"})
    assert "Not saved yet" not in after.text


def test_a_long_reading_list_comes_back_after_a_pause_as_well(web):
    reader = web.reader()
    at = settings(web, reader)
    titles = [f"A long title about subject {number} of the field" for number in range(600)]
    typed = {**form_in(web.client.get(at).text), "liked": "\n".join(titles), "for": "1w"}
    assert titles[-1] in form_in(web.client.post(f"{at}/pause", data=typed).text)["liked"]


def test_a_pause_is_never_a_preview_too_many(web):
    reader = web.reader()
    at = settings(web, reader)
    typed = {**form_in(web.client.get(at).text), "name": "I. Doe"}
    while web.client.post(f"{at}/preview", data=typed).status_code == 200:
        pass
    after = web.client.post(f"{at}/pause", data={**typed, "for": "1w"})
    assert after.status_code == 200
    assert form_in(after.text)["name"] == ["I. Doe"]
    assert stored(web, reader).status is Status.PAUSED


def test_a_pause_for_ever_is_one_whatever_the_rhythm(web):
    reader = web.reader(cadence=Cadence.WEEKLY)
    page = web.client.post(web.path(Way.PAUSE, reader.id), data={"until": "9999-12-31"})
    assert "no mail before Friday, 31 December 9999" in page.text


@pytest.mark.parametrize("way", [Way.PREFERENCES, Way.PAUSE])
def test_a_pause_until_yesterday_is_a_mistake(web, way):
    reader = web.reader()
    path = web.path(way, reader.id) + ("/pause" if way is Way.PREFERENCES else "")
    page = web.client.post(path, data={"for": "date", "until": "2026-04-02"})
    assert page.status_code == 422
    assert "Please choose a day after today." in page.text
    assert stored(web, reader).status is Status.ACTIVE


def test_the_pause_page_of_somebody_who_left_leads_to_the_settings(web):
    reader = web.reader()
    web.app.subscriptions.unsubscribe(reader.id, now=web.at)
    path = web.path(Way.PAUSE, reader.id)
    page = web.client.get(path).text
    assert "Nothing to pause" in page
    assert "Enough for good?" not in page
    assert web.client.post(path, data={"for": "1w"}).status_code == 409
    assert stored(web, reader).status is Status.UNSUBSCRIBED


# -- leaving and coming back


def test_everything_kept_can_be_taken_along(web):
    reader = web.reader()
    for method in ("GET", "POST"):
        answer = web.client.request(method, settings(web, reader) + "/export")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["cache-control"] == "no-store"
        assert json.loads(answer.text) == web.app.subscriptions.export(reader.id)


def test_being_forgotten_is_asked_once_more_and_then_done(web):
    reader = web.reader()
    path = settings(web, reader)
    asked = web.client.get(path + "/forget").text
    assert "What stays" in asked
    assert "a salted hash" in asked
    assert stored(web, reader)
    done = web.client.post(path + "/forget")
    assert (done.status_code, "You are forgotten" in done.text) == (200, True)
    assert b"ines@reader.example" not in web.dump()
    for gone in (path, path + "/export", path + "/forget", web.path(Way.PAUSE, reader.id)):
        answer = web.client.get(gone)
        assert answer.status_code == 410
        assert "Nothing is kept about you any more." in answer.text
        assert "Send me my link" not in answer.text
    assert web.client.post(path, data={"topics": "x"}).status_code == 410
    assert web.client.post(path + "/forget").status_code == 410


def test_who_is_forgotten_is_told_the_way_back_which_is_not_the_form(web):
    home = settings(web, web.reader())
    asked, gone = web.client.get(f"{home}/forget"), web.client.post(f"{home}/forget")
    waiting = web.client.get("/check-your-mail")  # where the form leads, and no mail comes
    for page in (asked, gone, waiting):
        told = page.text.partition("<main")[2].partition("</main>")[0]
        assert f"mailto:{web.site.publication.reply_to}" in told


def test_a_double_click_forgets_once_and_says_so_twice(web, monkeypatch):
    reader = web.reader()
    path = settings(web, reader) + "/forget"
    forget, other = web.site.subscriptions.forget, []

    def interrupted(*given, **also):
        monkeypatch.setattr(web.site.subscriptions, "forget", forget)
        other.append(web.client.post(path))
        forget(*given, **also)

    monkeypatch.setattr(web.site.subscriptions, "forget", interrupted)
    for answer in (web.client.post(path), *other):
        assert (answer.status_code, "You are forgotten" in answer.text) == (200, True)


@pytest.mark.parametrize("event", ["unsubscribe", "bounce", "complain"])
def test_who_gets_nothing_any_more_comes_back_with_one_button(web, event):
    reader = web.reader()
    getattr(web.app.subscriptions, event)(reader.id, now=web.at)
    page = web.client.get(settings(web, reader)).text
    assert "No digest at present" in page
    assert web.site.settings.consent in page
    page = web.client.post(settings(web, reader) + "/come-back").text
    assert "Good to have you back" in page
    now = stored(web, reader)
    assert (now.status, now.profile) == (Status.ACTIVE, reader.profile)
    newest = web.app.subscriptions.export(reader.id)["consents"][-1]
    assert (newest["origin"], newest["wording"]) == ("settings page", web.site.settings.consent)


def test_coming_back_without_having_left_changes_nothing(web):
    reader = web.reader()
    web.app.subscriptions.pause(reader.id, date(2026, 5, 1), now=web.at)
    before = web.dump()
    assert web.client.post(settings(web, reader) + "/come-back").status_code == 200
    assert web.dump() == before


def test_who_did_not_confirm_is_told_what_is_missing(web):
    reader = web.app.subscriptions.enrol("p@reader.example", None, None, now=web.at)
    page = web.client.get(settings(web, reader)).text
    assert "Almost there" in page
    assert "come-back" not in page
    before = web.dump()
    for rest in ("/come-back", "/pause", "/resume"):
        assert web.client.post(settings(web, reader) + rest, data={"for": "1w"}).status_code == 200
    assert web.dump() == before


# -- the world


@given(
    st.dictionaries(
        st.sampled_from([*LISTS, "timezone", "name", "for", "until", "paper"]), st.text()
    )
)
def test_no_text_in_any_field_is_our_fault(calm, fields):
    calm.later(minutes=2)
    if not hasattr(calm, "wild"):
        calm.wild = calm.reader("wild@reader.example")
    path = settings(calm, calm.wild)
    for rest in ("/preview", "", "/pause", "/undo"):
        assert calm.client.post(path + rest, data=fields).status_code in (200, 422)
    assert calm.client.get(path).status_code == 200


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(2)>'])
def test_hostile_interests_are_shown_as_text(web, evil):
    reader = web.reader()
    sent = {**dict.fromkeys(LISTS, evil), "liked": "", "name": evil}
    page = web.client.post(settings(web, reader), data=sent)
    assert page.status_code == 200
    for shown in (page, web.client.get(settings(web, reader))):
        assert evil not in shown.text
        assert evil in html.unescape(shown.text)


def test_changes_are_told_in_sentences():
    before = Wishes(profile=Profile(topics=("a",), muted=("m",)))
    profile = Profile(
        topics=("a", "b", "c", "d", "e"), max_papers=5, trend_weight=0.5, surprise=False
    )
    after = replace(before, profile=profile, name="Ines", cadence=Cadence.DAILY)
    assert changes(before, after) == (
        "Added topics: “b”, “c”, “d” and 1 more.",
        "Removed mute: “m”.",
        "The dial stands at 50 % trend.",
        "At most 5 papers.",
        "Without a surprise.",
        "The digest comes every day at 08:00, UTC time.",
        "We call you Ines.",
    )
    assert changes(after, after) == ()


def test_one_paper_is_told_as_one(web):
    reader = web.reader(address="one@reader.example")
    page = web.client.post(settings(web, reader), data={"max_papers": "1"}).text
    assert "At most 1 paper." in page
    assert "up to 1 paper<" in page


@pytest.mark.parametrize("status", Status)
def test_every_standing_has_its_sentence(status):
    sentence = standing(Subscriber(id="x", email="x@reader.example", status=status))
    assert sentence.endswith(".")
