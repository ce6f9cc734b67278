"""The page behind a confirmation mail: it shows, its button acts, and the first digest comes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from web_world import CONSENT, HOME, Site, links_in

from newsletter.links import Way
from newsletter.membership import Wishes
from newsletter.model import Cadence, Profile, Status
from newsletter.web.build import build_site

WISHES = Wishes(
    profile=Profile(topics=("efficient inference",), max_papers=3),
    cadence=Cadence.WEEKLY,
    weekday=4,
    timezone="America/New_York",
)


def ask(web: Site, address: str = "new@reader.example", wishes: Wishes | None = WISHES) -> str:
    """Fills in the form; answers the path of the mailed link."""
    web.app.subscriptions.subscribe(address, wishes, CONSENT, now=web.at)
    (mail,) = web.deliver()
    return next(link for link in links_in(mail) if link.startswith("/confirm/"))


def who(web: Site, address: str = "new@reader.example"):
    return web.app.subscriptions.find(address)


def test_page_says_what_will_happen_and_changes_nothing(web):
    link = ask(web)
    before = web.dump()
    answer = web.client.get(link)
    assert answer.status_code == 200
    assert "new@reader.example" in answer.text
    assert "every Friday at 08:00, America/New York time" in answer.text
    assert "“efficient inference”" in answer.text
    assert web.site.settings.consent in answer.text
    assert f'<form method="post" action="{link}">' in answer.text
    assert web.dump() == before
    assert who(web).status is Status.PENDING


def test_button_subscribes_with_consent_and_sends_the_first_digest_at_once(web):
    link = ask(web)
    answer = web.client.post(link)
    assert answer.status_code == 200
    reader = who(web)
    assert reader.status is Status.ACTIVE
    assert reader.profile == WISHES.profile
    with web.app.store.register() as register:
        assert register.consents(reader.id)[-1].origin == "confirmation page"
        assert register.consents(reader.id)[-1].wording == web.site.settings.consent
    (mail,) = web.deliver()
    assert mail["To"] == "new@reader.example"
    text = mail.get_body(("plain",)).get_content()
    assert "Welcome!" in text
    with web.app.store.register() as register:
        (digest,) = register.digests.of(reader.id)
    assert len(digest.picks) == 3
    for pick in digest.picks:
        assert pick.paper.title in text
        assert pick.paper.title in answer.text


def test_welcome_says_what_was_set_up_and_when_the_next_one_comes(web):
    page = web.client.post(ask(web)).text
    assert "every Friday at 08:00, America/New York time, at most 3 papers" in page
    # today, a Friday, has its digest: the next is in a week
    assert "Friday, 10 April 2026 at 08:00, America/New York time" in page
    assert web.path(Way.PREFERENCES, who(web).id) in page


def test_votes_of_somebody_who_returns_choose_the_welcome_digest(web):
    old = web.reader("back@reader.example")
    web.app.subscriptions.unsubscribe(old.id, now=web.at)
    web.later(days=1)
    link = ask(web, "back@reader.example", None)
    web.client.post(link)
    assert who(web, "back@reader.example").status is Status.ACTIVE
    assert who(web, "back@reader.example").profile == old.profile


def test_second_post_is_the_same_page_and_changes_nothing(web):
    link = ask(web)
    first = web.client.post(link)
    before = web.dump()
    second = web.client.post(link)
    assert second.status_code == 200
    assert second.text == first.text
    assert web.dump() == before


def test_used_link_says_so_and_gives_no_settings_away(web):
    link = ask(web)
    web.client.post(link)
    web.later(hours=2)
    before = web.dump()
    for answer in (web.client.get(link), web.client.post(link)):
        assert answer.status_code == 200
        assert "You are subscribed already" in answer.text
        assert "/lost-link" in answer.text
        assert "/preferences/" not in answer.text
    assert web.dump() == before


def test_used_link_of_somebody_who_left_does_not_bring_them_back(web):
    link = ask(web)
    web.client.post(link)
    web.app.subscriptions.unsubscribe(who(web).id, now=web.at)
    answer = web.client.post(link)
    assert answer.status_code == 410
    assert "This link was used before" in answer.text
    assert who(web).status is Status.UNSUBSCRIBED


def test_too_old_link_leads_back_to_the_form(web):
    link = ask(web)
    web.later(hours=48)
    before = web.dump()
    for answer in (web.client.get(link), web.client.post(link)):
        assert answer.status_code == 410
        assert "This link is too old" in answer.text
        assert 'href="/"' in answer.text
    assert web.dump() == before


def test_link_of_somebody_purged_is_too_old(web):
    link = ask(web)
    web.later(days=3)
    web.app.subscriptions.purge_unconfirmed(now=web.at)
    assert "This link is too old" in web.client.get(link).text
    assert web.client.post(link).status_code == 410


def test_link_of_somebody_forgotten_says_that_nothing_is_kept(web):
    link = ask(web)
    web.app.subscriptions.forget(who(web).id, now=web.at)
    for answer in (web.client.get(link), web.client.post(link)):
        assert answer.status_code == 410
        assert "Nothing is kept about you any more" in answer.text


def test_interests_known_from_before_are_shown_for_an_empty_form(web):
    old = web.reader("back@reader.example")
    web.app.subscriptions.unsubscribe(old.id, now=web.at)
    page = web.client.get(ask(web, "back@reader.example", Wishes())).text
    assert "“efficient inference”" in page


def test_without_stored_papers_the_page_says_when_the_first_digest_comes(tmp_path, monkeypatch):
    monkeypatch.setattr(Site, "stock", lambda self: None)
    web = Site(tmp_path)
    link = ask(web)
    assert "as soon as papers were listed" in web.client.get(link).text
    page = web.client.post(link).text
    assert "as soon as papers were listed" in page
    assert "First one" in page
    assert web.deliver() == []
    web.close()


def test_profile_that_nothing_fits_is_told_so(web):
    wishes = Wishes(profile=Profile(topics=("medieval pottery glaze",), surprise=False))
    page = web.client.post(ask(web, wishes=wishes)).text
    assert "No paper of the last days fits your interests" in page
    assert who(web).status is Status.ACTIVE
    assert web.deliver() == []


class Broken:
    """A chooser that cannot choose."""

    class _Pool:
        sample = False

        def __getattr__(self, name: str) -> object:
            raise RuntimeError("broken on purpose")

    pool = _Pool()


def test_first_digest_that_fails_does_not_undo_the_confirmation(web, caplog):
    link = ask(web)
    broken = TestClient(build_site(replace(web.site, chooser=Broken())), base_url=HOME)
    answer = broken.post(link)
    assert answer.status_code == 200
    assert "Welcome" in answer.text
    assert who(web).status is Status.ACTIVE
    assert "a first digest could not be made" in caplog.text


def test_two_clicks_at_once_make_one_digest(web):
    link = ask(web)
    assert [web.client.post(link).status_code for _ in range(3)] == [200] * 3
    assert len(web.deliver()) == 1


@pytest.mark.parametrize("other_click", ["before", "after"])
def test_double_click_is_welcomed_twice_whichever_click_is_first(web, monkeypatch, other_click):
    """The other click is answered while the first one is about to confirm, or has just done so."""
    link, welcomes = ask(web), []
    confirm = web.site.subscriptions.confirm

    def interrupted(*given, **also):
        monkeypatch.setattr(web.site.subscriptions, "confirm", confirm)
        if other_click == "before":
            welcomes.append(web.client.post(link))
        subscriber = confirm(*given, **also)
        welcomes.append(web.client.post(link))
        return subscriber

    monkeypatch.setattr(web.site.subscriptions, "confirm", interrupted)
    welcomes.append(web.client.post(link))
    assert len(welcomes) == 2
    for answer in welcomes:
        assert answer.status_code == 200
        assert "Welcome, you are in" in answer.text
        assert "Your first digest is on its way" in answer.text
    assert len(web.deliver()) == 1


def test_reload_of_a_welcome_without_a_digest_makes_none(web):
    wishes = Wishes(profile=Profile(topics=("medieval pottery glaze",), surprise=False))
    link = ask(web, wishes=wishes)
    first, before = web.client.post(link).text, web.dump()
    assert web.client.post(link).text == first
    assert web.dump() == before


@pytest.mark.parametrize("minutes", [0, 59])
def test_reload_within_the_visit_is_welcomed_again(web, minutes):
    link = ask(web)
    web.client.post(link)
    web.later(minutes=minutes)
    assert "Welcome, you are in" in web.client.post(link).text


def test_mail_of_the_digest_is_announced_to_the_postman(web):
    woken = []
    site = replace(web.site, mail_waits=lambda: woken.append(True))
    link = ask(web)
    TestClient(build_site(site), base_url=HOME).post(link)
    assert woken == [True]


def test_what_somebody_typed_is_shown_as_text(web):
    nasty = "<script>alert(1)</script>{{7777*7779}}'\"; DROP TABLE x"
    link = ask(web, wishes=Wishes(profile=Profile(topics=(nasty, "efficient inference"))))
    for page in (web.client.get(link).text, web.client.post(link).text):
        assert "<script>alert" not in page
        assert "alert(1)" in page
        assert "60497283" not in page
