"""Whatever the world writes into titles, names and keywords, the mail stays a sound mail."""

from __future__ import annotations

import email
from dataclasses import replace
from email import policy

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_samples import make_paper, make_pick, make_picks

from newsletter.mail.lint import check_mail
from newsletter.model import Reason, Why

NASTY = (
    "a\r\nBcc: evil@evil.example",
    "<script>alert(1)</script>",
    "</h2></td></table><h1>gone",
    "\u202egnp.exe\u202c \u2066x\u2069",
    "w" * 200,
    "“quoted” \"double\" 'single' `back`",
    "\\nabla \\u{20} \\t \\\\",
    "{{ 7 * 7 }} {% raw %} {# x #} }} %}",
    "\U0001f9ea \U00020000 e\u0301 \u200d\u200c\ufeff\u00ad",
    "<think> &amp;lt;b&amp;gt; &#x202e; &#0; &nosuch;",
    "javascript:alert(1) onclick=x href=\"x\" src='data:x'",
    "https://evil.example/?a=b&c=d, http://x.example",
    "<!--[if mso]> <![endif]--> -->",
    "jx00001xj",
    "نماذج לשון (BERT), 12 %!",
    "大模型，「高效」推理。" * 12,
    "กำลังเรียนรู้" * 9,
    "\x00\x08\x7f\x85\ud800",
    "=?utf-8?q?x?=",
    "Re: " + "A" * 80,
    "undefined",
    "with None comments and undefined stars",
    "nan stars",
    "x" * 60 + " 12345678 undefined upvotes " + "y" * 60,
    " None\n",
    "nan",
    "",
    " \n\t ",
)
TEXTS = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=120),
    st.lists(st.sampled_from(NASTY), min_size=1, max_size=3).map(" ".join),
)
PAPERS = st.builds(
    make_paper,
    st.integers(min_value=1, max_value=99),
    title=TEXTS,
    abstract=TEXTS,
    summary=TEXTS,
    organization=TEXTS,
    authors=st.lists(TEXTS, max_size=6).map(tuple),
    keywords=st.lists(TEXTS, max_size=5).map(tuple),
    url=st.one_of(TEXTS, st.just("https://papers.example/x?a=1&b=2")),
    pdf_url=TEXTS,
    code_url=TEXTS,
    thumbnail_url=st.one_of(TEXTS, st.just("https://cdn.example/x.png")),
)
REASONS = st.lists(st.builds(Reason, why=st.sampled_from(list(Why)), detail=TEXTS), max_size=3).map(
    tuple
)
PICKS = st.lists(
    st.builds(
        lambda paper, reasons, votes: make_pick(
            1, paper=paper, reasons=reasons, upvotes=votes, comments=votes, stars=votes
        ),
        PAPERS,
        REASONS,
        st.one_of(st.none(), st.integers(min_value=0, max_value=10**6)),
    ),
    max_size=3,
)


def assert_sound(sent, papers: int) -> None:
    assert [(c.rule, c.seen) for c in check_mail(sent.raw, dev=True) if not c.holds] == []
    message = email.message_from_bytes(sent.raw, policy=policy.default)
    assert "Bcc" not in message
    page = BeautifulSoup(sent.rendered.html, "html.parser")
    assert len(page.find_all("h1")) == 1
    assert len(page.find_all("h2")) == max(papers, 1)
    assert len(page.select(".card")) == max(papers, 1)
    assert not page.find_all(["script", "b0", "think"])
    assert page.find_all("a")[-1].get_text() == "View in browser"


@given(picks=PICKS, name=TEXTS, notes=st.lists(TEXTS, max_size=3).map(tuple))
@settings(max_examples=60)
def test_wild_data_never_breaks_a_mail(send, subscriber, picks, name, notes):
    sent = send(picks, reader=replace(subscriber, name=name), notes=notes)
    assert_sound(sent, len(picks))


@pytest.mark.parametrize("text", NASTY)
def test_each_nasty_text_in_every_place(send, subscriber, text):
    paper = make_paper(
        1,
        title=text,
        abstract=text * 3,
        authors=(text,) * 5,
        organization=text,
        keywords=(text,),
        url=text,
        pdf_url=text,
        code_url=text,
        thumbnail_url=text,
    )
    reasons = (Reason(why=Why.LIKED, detail=text), Reason(why=Why.SURPRISE, detail=text))
    profile = replace(subscriber.profile, topics=(text,) * 3, keywords=(text,))
    reader = replace(subscriber, name=text, profile=profile)
    picks = [make_pick(1, paper=paper, reasons=reasons), *make_picks(4)[1:]]
    assert_sound(send(picks, reader=reader, notes=(text,) * 2), 4)


def test_thousands_of_authors_are_four_and_a_number(send):
    paper = make_paper(1, authors=tuple(f"Author Number {n}" for n in range(3303)))
    sent = send([make_pick(1, paper=paper)])
    assert "Author Number 3 and 3,299 more" in sent.rendered.html
    assert "Author Number 4" not in sent.rendered.html
    assert_sound(sent, 1)


def test_markup_in_data_stays_text(send):
    title = 'Is <b>bold</b> & "fine" = {{ 7 * 7 }}?'
    page = BeautifulSoup(
        send([make_pick(1, paper=make_paper(1, title=title))]).rendered.html, "html.parser"
    )
    assert page.h2.get_text() == 'Is ‹b›bold‹/b› & "fine" = { { 7 * 7 } }?'
    assert "49" not in page.h2.get_text()
    assert page.h2.find("b") is None


def test_real_papers_make_sound_mails_of_sixteen(send, shared_data):
    import json

    days = sorted((shared_data / "api").glob("daily_papers_*.json"))[-6:]
    for day in days:
        entries = json.loads(day.read_text(encoding="utf-8"))[:16]
        picks = [real_pick(number, entry) for number, entry in enumerate(entries, start=1)]
        sent = send(picks, considered=len(picks) + 40)
        assert sent.rendered.hidden == 0
        assert sent.rendered.html_octets <= 90_000
        assert_sound(sent, len(picks))


def real_pick(number: int, entry: dict):
    raw = entry["paper"]
    paper = make_paper(
        number,
        id=raw["id"],
        title=raw["title"],
        abstract=raw["summary"],
        authors=tuple(author["name"] for author in raw["authors"]),
        organization=(entry.get("organization") or {}).get("fullname") or "",
        keywords=tuple(raw.get("ai_keywords") or ()),
        url=f"https://huggingface.co/papers/{raw['id']}",
        pdf_url=f"https://arxiv.org/pdf/{raw['id']}",
        code_url=raw.get("githubRepo") or "",
        thumbnail_url=entry.get("thumbnail") or "",
    )
    return make_pick(
        number,
        paper=paper,
        upvotes=raw.get("upvotes"),
        comments=entry.get("numComments"),
        stars=raw.get("githubStars"),
    )


def test_a_word_for_nothing_may_end_a_paragraph_on_a_line_of_its_own(send):
    abstract = "Outside of its domain the gradient of the loss that we look at is undefined"
    sent = send([make_pick(1, paper=make_paper(1, abstract=abstract))])
    assert "\n    undefined\n" in sent.rendered.text
    assert_sound(sent, 1)


def test_such_a_word_may_stand_alone_behind_chinese_lines(send):
    abstract = "模" * 34 + " undefined"
    sent = send([make_pick(1, paper=make_paper(1, abstract=abstract))])
    assert "\n    undefined\n" in sent.rendered.text
    assert_sound(sent, 1)
