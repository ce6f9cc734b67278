"""The JSON API: what an embedding page asks for, and what it is told."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from web_world import Site

from newsletter.model import Entry, Listing, Paper, Status, Tier
from newsletter.pipeline import record

LAB = "https://lab.example"
API = "/api/v1"


@pytest.fixture
def abroad(tmp_path) -> Site:
    """An installation whose API a lab may use from its own pages."""
    site = Site(tmp_path, f'[web]\ncors_origins = ["{LAB}"]')
    yield site
    site.close()


def filled_in(web: Site, **changes: object) -> dict[str, object]:
    """A form that a reader took half a minute for."""
    stamp = web.client.get(f"{API}/form").json()["stamp"]
    web.later(seconds=30)
    return {"email": "ines@reader.example", "consent": True, "stamp": stamp, **changes}


def subscribe(web: Site, headers: dict[str, str] | None = None, **changes: object):
    return web.client.post(
        f"{API}/subscriptions", json=filled_in(web, **changes), headers=headers or {}
    )


def test_topics_are_those_of_the_configuration(shown):
    answer = shown.client.get(f"{API}/topics")

    names = [topic["name"] for topic in answer.json()["topics"]]
    assert names == [topic.name for topic in shown.site.topics]
    assert answer.headers["cache-control"] == "public, max-age=300"


def test_a_preview_gives_picks_with_their_reasons(shown):
    answer = shown.client.post(f"{API}/preview", json={"topics": ["robot manipulation"]})

    said = answer.json()
    assert said["picks"][0]["authors"] == ["Rosa Mann", "B. Author"]
    assert {"why": "topic", "detail": "robot manipulation"}.items() <= (
        said["picks"][0]["reasons"][0].items()
    )
    assert (said["considered"], said["day"], said["sample"]) == (12, "2026-04-03", False)
    assert answer.headers["cache-control"] == "no-store"


def test_a_preview_changes_nothing(web):
    web.client.post(f"{API}/preview", json={})
    before = web.dump()

    web.client.post(f"{API}/preview", json={"topics": ["robots"], "liked_text": "2604.00005"})
    web.client.post(f"{API}/reading-list", json={"text": "2604.00005"})
    web.client.get(f"{API}/form")

    assert web.dump() == before


def test_a_preview_takes_a_reading_list_into_account(shown):
    text = "@article{a, title={Robot manipulation with touch}}"
    answer = shown.client.post(f"{API}/preview", json={"liked_text": text, "surprise": False})

    said = answer.json()
    assert said["reading_list"]["matched"] == 1
    assert "liked" in {reason["why"] for pick in said["picks"] for reason in pick["reasons"]}


def test_a_reading_list_that_is_none_ends_in_a_sentence(shown):
    for path, body in (
        ("reading-list", {"text": "\x00\x01" * 40}),
        ("preview", {"liked_text": "%PDF-1.7 \x00\x01\x02" * 9}),
    ):
        answer = shown.client.post(f"{API}/{path}", json=body)

        assert answer.status_code == 422
        assert "no text, so it is no reading list" in answer.json()["problems"][0]


def test_too_many_previews_of_one_network_are_told_when_to_come_back(tmp_path):
    site = Site(tmp_path, "[web]\npreviews_per_minute = 2")
    answers = [site.client.post(f"{API}/preview", json={}) for _ in range(3)]
    listed = site.client.post(f"{API}/reading-list", json={"text": "2604.00001"})
    site.close()

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["retry-after"]) <= 60
    assert answers[2].headers["content-type"] == "application/problem+json"
    assert listed.status_code == 429


def test_a_category_that_brings_nothing_is_told(web):
    told = ["“cs.XX” is no arXiv category we know, so it brings nothing. Codes look like cs.CL."]
    looked = web.client.post(f"{API}/preview", json={"categories": ["cs.XX", "cs.CL"]})
    asked = subscribe(web, wishes={"categories": ["cs.XX"]})
    assert (looked.json()["notes"], asked.json()["notes"]) == (told, told)
    assert web.client.post(f"{API}/preview", json={}).json()["notes"] == []


def test_long_reading_lists_count_as_several_previews(web):
    body = {"text": "".join(f"2604.{number:05d}\n" for number in range(19_999)) + "2604.00001"}
    answers = [web.client.post(f"{API}/reading-list", json=body).status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]


def test_two_thousand_liked_papers_count_as_much_as_a_list_of_as_many_lines(tmp_path):
    liked = [f"2604.{number:05d}" for number in range(2_000)]
    site = Site(tmp_path, "[web]\npreviews_per_minute = 3")
    answers = [site.client.post(f"{API}/preview", json={"liked": liked}) for _ in range(2)]
    site.close()
    assert [answer.status_code for answer in answers] == [200, 429]


def test_a_subscription_mails_a_confirmation_and_keeps_what_was_agreed_to(web):
    answer = subscribe(
        web, {"origin": LAB}, wishes={"topics": ["robots"], "send_at": "06:30", "name": "Ines"}
    )

    assert answer.status_code == 202
    (mail,) = web.deliver()
    assert mail["to"] == "ines@reader.example"
    desk = web.app.subscriptions
    held = desk.export(desk.find("ines@reader.example").id)
    assert held["status"] == Status.PENDING
    assert held["consents"][0]["origin"] == f"api {LAB}"
    assert held["consents"][0]["wording"] == web.site.settings.consent
    assert (held["wishes"]["name"], held["wishes"]["send_at"]) == ("Ines", "06:30")


def test_a_reading_list_of_a_subscription_becomes_liked_papers(web):
    answer = subscribe(web, wishes={"liked": ["2604.00001"]}, liked_text="2604.00008\n2604.00001")

    assert answer.json()["reading_list"]["matched"] == 2
    profile = web.app.subscriptions.find("ines@reader.example").profile
    assert profile.liked == ("2604.00001", "2604.00008")


def test_known_unknown_forgotten_and_automatic_senders_see_the_same_answer(web):
    desk = web.app.subscriptions
    web.reader("known@reader.example")
    gone = web.reader("gone@reader.example")
    desk.forget(gone.id, now=web.at)

    answers = [
        subscribe(web, email="known@reader.example"),
        subscribe(web, email="new@reader.example"),
        subscribe(web, email="robot@reader.example", website="https://spam.example"),
    ]
    web.later(hours=2)
    answers.append(subscribe(web, email="gone@reader.example"))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert not desk.knows("gone@reader.example")
    assert not desk.knows("robot@reader.example")


@pytest.mark.parametrize("consent", [False, None, 1, "true"])
def test_without_consent_nothing_is_mailed(web, consent):
    answer = subscribe(web, consent=consent)

    assert answer.status_code == 422
    assert answer.json()["problems"] == ["consent: must be true: without consent nothing is mailed"]
    assert not web.deliver()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"email": "no address"}, ""),
        ({"wishes": {"timezone": "Mars/Olympus"}}, "wishes.timezone: is no IANA time zone"),
        ({"wishes": {"topic": ["x"]}}, "wishes.topic: unknown key"),
        ({"wishes": {"topics": ["\u200b"]}}, "wishes.topics.0: must not be empty"),
        ({"wishes": {"name": "A\r\nB"}}, "wishes.name: must be one line"),
        ({"wishes": {"send_at": "8:00"}}, "wishes.send_at: must be a local time such as 08:00"),
        ({"wishes": []}, "wishes: must be an object in braces"),
        ({"wishes": {"max_papers": "many"}}, "wishes.max_papers: must be a whole number"),
        ({"wishes": {"max_papers": 51}}, "wishes.max_papers: must be 50 or less"),
        ({"wishes": {"min_score": 2}}, "wishes.min_score: must be 1 or less"),
        ({"wishes": {"topics": "x"}}, "wishes.topics: must be a list such as"),
        ({"wishes": {"topics": ["x" * 301]}}, "wishes.topics.0: must have at most 300 characters"),
        ({"wishes": {"topics": ["x"] * 41}}, "wishes.topics: must have at most 40 entries"),
        ({"wishes": {"timezone": ""}}, "wishes.timezone: must not be empty"),
        (
            {"wishes": {"cadence": "monthly"}},
            "wishes.cadence: must be 'daily', 'weekdays' or 'weekly'",
        ),
        ({"email": 1}, "email: must be text in quotes"),
        ({"email": ""}, ""),
        ({"colour": "blue"}, "colour: unknown key"),
        ({"stamp": "forged"}, ""),
        ({"stamp": ""}, ""),
    ],
)
def test_what_cannot_be_used_is_named_and_counts_for_nothing(web, changes, problem):
    answer = subscribe(web, **changes)

    assert answer.status_code == 422
    assert answer.json()["detail"]
    assert problem in (answer.json().get("problems") or [""])[0]
    assert subscribe(web).status_code == 202


def test_a_reading_list_cannot_bring_more_liked_papers_than_a_form_takes(shown):
    titles = [f"A long enough title of paper number {n}" for n in range(2000)]
    body = {"liked": titles, "liked_text": "2604.00001"}

    answer = shown.client.post(f"{API}/preview", json=body)

    assert answer.json()["problems"] == ["liked_text: with it more than 2000 are liked"]


def test_a_form_that_is_sent_at_once_is_to_be_sent_again(web):
    body = filled_in(web)
    body["stamp"] = web.client.get(f"{API}/form").json()["stamp"]

    answer = web.client.post(f"{API}/subscriptions", json=body)

    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("That was very quick")


def test_too_many_forms_are_refused_with_the_time_to_come_back(web):
    answers = [subscribe(web, email=f"r{n}@reader.example") for n in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert int(answers[2].headers["retry-after"]) > 60
    assert answers[2].json()["detail"].endswith(" minutes.")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"topics=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "application/json; charset=utf-8", 200),
        (b"{}", "application/merge-patch+json", 200),
        (b"", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"{", "application/json", 422),
        (b"\xff\xfe\xfd", "application/json", 422),
        (b'{"topics": ["\\ud800"]}', "application/json", 422),
        (b'{"\\ud800": 1}', "application/json", 422),
        (b'{"min_score": NaN}', "application/json", 422),
        (b'{"max_papers": ' + b"9" * 5000 + b"}", "application/json", 422),
        (b'{"topics": ' + b"[" * 100_000, "application/json", 422),
        (b" " * 6_000_001, "application/json", 413),
    ],
)
def test_any_octets_get_a_foreseen_answer(shown, content, kind, status):
    answer = shown.client.post(
        f"{API}/preview", content=iter([content]), headers={"content-type": kind} if kind else {}
    )

    assert answer.status_code == status
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status


def listed_before(web: Site, days: int) -> None:
    """One paper on each of so many days before that of the shown list."""
    for back in range(1, days + 1):
        day = date(2026, 4, 3) - timedelta(days=back)
        paper = Paper(id=f"2603.{back:05d}", title=f"A paper of {day}", listed_on=day)
        entries = (Entry(paper=paper, rank=1),)
        listing = Listing(source=f"daily:{day}", tier=Tier.API, entries=entries, listed_on=day)
        record(web.app.store, listing, now=web.at)


def test_the_archive_is_paged_from_the_newest_day(web):
    listed_before(web, 4)

    pages = [web.client.get(f"{API}/archive", params={"limit": 2})]
    while following := pages[-1].json()["next"]:
        assert pages[-1].headers["link"] == f'<{following}>; rel="next"'
        pages.append(web.client.get(following))

    days = [[(day["day"], day["papers"]) for day in page.json()["days"]] for page in pages]
    assert days == [
        [("2026-04-03", 12), ("2026-04-02", 1)],
        [("2026-04-01", 1), ("2026-03-31", 1)],
        [("2026-03-30", 1)],
    ]


def test_the_archive_goes_back_to_the_first_day(web):
    listed_before(web, 70)

    days = web.client.get(f"{API}/archive", params={"limit": 100}).json()["days"]
    assert (len(days), days[-1]["day"]) == (71, "2026-01-23")


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "before=yesterday", "before=0", "before=", "page=2"],
)
def test_a_page_of_the_archive_that_cannot_be_is_refused(shown, query):
    answer = shown.client.get(f"{API}/archive?{query}")

    assert answer.status_code == 422
    assert answer.json()["problems"][0].startswith(query.split("=")[0])


NO_DAYS = ("now", "2026-02-30", "2026-13-01", "0000-01-01", "2026-W14-5", "20260403", "1775174400")


@pytest.mark.parametrize("day", NO_DAYS)
@pytest.mark.parametrize("path", ["archive?before=", "archive/"])
def test_a_day_that_is_none_is_told_in_one_sentence(shown, path, day):
    problems = shown.client.get(f"{API}/{path}{day}").json()["problems"]

    assert [problem.partition(": ")[2] for problem in problems] == [
        "must be a day such as 2026-04-03"
    ]


def test_a_day_of_the_archive_has_its_papers_in_order(shown):
    papers = shown.client.get(f"{API}/archive/2026-04-03").json()["papers"]

    assert [paper["id"] for paper in papers] == [f"2604.{n:05d}" for n in range(1, 13)]
    assert papers[0]["votes"] == 111


def test_a_day_without_a_list_is_not_found(shown):
    answer = shown.client.get(f"{API}/archive/2026-04-04")

    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no list of 2026-04-04."


def test_an_address_that_is_none_is_told_without_a_word_about_mails(shown):
    answer = shown.client.get(f"{API}/nothing")

    assert answer.status_code == 404
    assert (
        answer.json()["detail"] == "There is no such address; /api/v1/openapi.json names them all."
    )


def test_links_of_papers_are_https_or_empty(web):
    day = date(2026, 4, 2)
    paper = Paper(id="2604.99999", title="Bad link", url="javascript:alert(1)", listed_on=day)
    entries = (Entry(paper=paper, rank=1),)
    listing = Listing(source=f"daily:{day}", tier=Tier.API, entries=entries, listed_on=day)
    record(web.app.store, listing, now=web.at)

    assert web.client.get(f"{API}/archive/{day}").json()["papers"][0]["url"] == ""


# -- other sites


def preflight(web: Site, path: str, origin: str):
    return web.client.options(
        path,
        headers={
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type",
        },
    )


def test_a_named_site_may_ask_first_and_then_read(abroad):
    asked = preflight(abroad, f"{API}/preview", LAB)
    answer = abroad.client.post(f"{API}/preview", json={}, headers={"origin": LAB})

    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == LAB
    assert asked.headers["access-control-max-age"] == "600"
    assert answer.headers["access-control-allow-origin"] == LAB
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "access-control-allow-credentials" not in answer.headers


def test_refusals_can_be_read_by_a_named_site_too(abroad):
    answer = abroad.client.post(f"{API}/preview", json={"x": 1}, headers={"origin": LAB})

    assert answer.status_code == 422
    assert answer.headers["access-control-allow-origin"] == LAB


@pytest.mark.parametrize("origin", ["https://evil.example", "http://lab.example", "null"])
def test_another_site_may_not_read(abroad, origin):
    asked = preflight(abroad, f"{API}/preview", origin)
    answer = abroad.client.get(f"{API}/topics", headers={"origin": origin})

    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers
    assert "access-control-allow-origin" not in answer.headers


def test_caches_keep_answers_apart_by_origin(abroad):
    for headers in ({}, {"origin": LAB}):
        answer = abroad.client.get(f"{API}/topics", headers=headers)

        assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("path", ["/healthz", "/assets/x/site.css"])
def test_pages_are_never_opened_to_other_sites(abroad, path):
    answer = abroad.client.get(path, headers={"origin": LAB})

    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_without_a_named_site_nothing_is_opened(shown):
    asked = preflight(shown, f"{API}/preview", LAB)
    answer = shown.client.get(f"{API}/topics", headers={"origin": LAB})

    assert asked.status_code == 405
    assert "access-control-allow-origin" not in asked.headers | answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


# -- the document for people

VARIABLE = {"stamp", "keyPrefix", "nonce", "salt", "signature", "expires"}


def examples(root) -> dict[str, list[object]]:
    """The JSON blocks of docs/api.md under each `METHOD /path`."""
    sections = (root / "docs" / "api.md").read_text(encoding="utf-8").split("\n### `")
    found = {}
    for section in sections[1:]:
        title, _, text = section.partition("`")
        blocks = text.partition("\n## ")[0].split("```json\n")[1:]
        found[title] = [json.loads(block.partition("```")[0]) for block in blocks]
    return found


def agree(said: object, answer: object, key: str = "") -> None:
    """What the document says stands in the answer; of a list it may show the beginning."""
    if isinstance(said, dict):
        assert said.keys() == answer.keys(), key
        for name in said:
            agree(said[name], answer[name], name)
    elif isinstance(said, list):
        assert len(said) <= len(answer), key
        for one, other in zip(said, answer, strict=False):
            agree(one, other, key)
    elif key in VARIABLE:
        assert type(said) is type(answer), key
    else:
        assert said == answer, key


def test_every_example_of_the_document_is_answered_as_it_says(web, root):
    shown = examples(root)
    paths = web.client.get(f"{API}/openapi.json").json()["paths"]
    documented = {
        f"{method.upper()} {path.replace('{day}', '2026-04-03')}"
        for path, operations in paths.items()
        for method in operations
    }
    assert shown.keys() == documented

    for title, blocks in shown.items():
        method, path = title.split()
        *request, said = blocks
        body = request[0] if request else None
        if path.endswith("/subscriptions"):
            body["stamp"] = filled_in(web)["stamp"]
        answer = web.client.request(method, path, json=body)
        assert answer.status_code == (202 if path.endswith("/subscriptions") else 200)
        agree(said, answer.json())


def test_the_refusal_of_the_document_is_the_true_one(web, root):
    text = (root / "docs" / "api.md").read_text(encoding="utf-8").partition("## When something")[2]
    said = json.loads(text.partition("```json\n")[2].partition("```")[0])

    answer = web.client.post(
        f"{API}/preview", json={"topic": ["efficient inference"], "max_papers": 0}
    ).json()

    del said["title"], answer["title"]  # the phrase of 422 changed between versions of Python
    assert said == answer


def test_every_status_of_the_document_stands_in_its_table(web, root):
    text = (root / "docs" / "api.md").read_text(encoding="utf-8")
    paths = web.client.get(f"{API}/openapi.json").json()["paths"]

    for operations in paths.values():
        for operation in operations.values():
            for status in operation["responses"]:
                assert int(status) < 300 or f"| {status} |" in text
