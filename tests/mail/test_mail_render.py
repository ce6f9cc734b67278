"""A digest becomes HTML and text: the same papers, nothing missing shown, never too large."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from bs4 import BeautifulSoup
from mail_samples import ABSTRACT, TEMPLATES, make_paper, make_pick, make_picks

from newsletter.errors import MailError
from newsletter.mail.lint import check_mail
from newsletter.mail.octets import quoted_printable
from newsletter.mail.render import Renderer
from newsletter.model import Profile, Reason, Why


def page(sent) -> BeautifulSoup:
    return BeautifulSoup(sent.rendered.html, "html.parser")


def words(sent) -> str:
    return " ".join(page(sent).body.get_text(" ").split())


def bare_pick(number: int = 1):
    """All a source must know about a paper: its title."""
    paper = make_paper(
        number,
        abstract="",
        summary="",
        authors=(),
        organization="",
        keywords=(),
        pdf_url="",
        code_url="",
        thumbnail_url="",
    )
    return make_pick(number, paper=paper, reasons=(), upvotes=None, comments=None, stars=None)


def test_both_parts_show_the_same_papers_in_the_same_order(send):
    sent = send(make_picks(4))
    titles = [heading.get_text() for heading in page(sent).find_all("h2")]
    positions = [sent.rendered.text.index(title[:20]) for title in titles]
    assert titles == [pick.paper.title for pick in make_picks(4)]
    assert positions == sorted(positions)
    assert (sent.rendered.shown, sent.rendered.hidden) == (4, 0)


def test_a_card_shows_what_is_known_about_a_paper(send):
    shown = words(send(make_picks(1)))
    for piece in (
        "180 upvotes",
        "12 comments",
        "1,234 stars",
        "Ada Byron, Grace Hopper, Alan Turing, Kurt Gödel and 1 more (Institute of Lists)",
        "reading",
        "Why you see this: your topic “how people read” · you follow Ada Byron",
        "Read",
        "PDF",
        "Code",
        "More like this",
        "Less like this",
        "Follow or mute",
    ):
        assert piece in shown
    assert "a fourth one" not in shown


def test_a_paper_in_arabic_or_hebrew_runs_from_right_to_left(send):
    names = ("דוד כהן", "Li Wei")
    paper = make_paper(1, title="תרגום (BERT)", abstract="למידה עמוקה.", authors=names)
    html = page(send([make_pick(1, paper=paper)]))
    for text in (paper.title, paper.abstract, "דוד כהן and Li Wei (Institute of Lists)"):
        around = html.find(string=text).find_parent(dir=True)
        assert around["dir"] == "rtl"
        assert around["style"].endswith("text-align:right")


def test_a_paper_in_other_scripts_stays_at_the_left(send):
    for title in ("Embeddings for תרגום", "面向大规模语言模型", "12 things"):
        html = page(send([make_pick(1, paper=make_paper(1, title=title))]))
        assert html.h2["dir"] == "auto"
        assert "text-align" not in html.h2["style"]


def test_what_runs_from_right_to_left_leaves_its_neighbours_in_place(send, subscriber):
    """Without a mark, the quotation marks and commas between two such texts would turn as well."""
    reasons = (Reason(why=Why.TOPIC, detail="תרגום"), Reason(why=Why.AUTHOR, detail="דוד כהן"))
    reader = replace(subscriber, profile=Profile(topics=("תרגום", "למידה"), keywords=("BERT",)))
    sent = send([make_pick(1, reasons=reasons)], reader=reader)
    seen = " ".join(sent.rendered.text.split())
    assert "your topic “תרגום”\u200e · you follow דוד כהן\u200e" in seen
    assert "“תרגום”\u200e, “למידה”\u200e and “BERT”" in seen
    assert [check for check in check_mail(sent.raw, dev=True) if not check.holds] == []


def test_what_is_not_known_leaves_no_trace(send):
    sent = send([bare_pick()])
    card = page(sent).select_one(".card")
    assert " ".join(card.get_text(" ").split()) == (
        "1 Paper 1: how short lists help people who read "
        "Read More like this Less like this Follow or mute"
    )
    assert not card.find_all("img")
    assert not re.search(r"None|upvote|comment|star|Why you see|\(\)|PDF", sent.rendered.text)


def test_a_real_zero_is_no_boast_and_one_is_singular(send):
    shown = words(send([make_pick(1, upvotes=0, comments=1, stars=1)]))
    assert "upvote" not in shown
    assert "1 comment " in shown
    assert "1 star " in shown


def test_the_arrow_beside_the_votes_is_not_read_aloud(send):
    arrow = page(send(make_picks(1))).find("span", attrs={"aria-hidden": "true"})
    assert arrow.get_text() == "▲"
    assert arrow.parent.get_text() == "▲ 180 upvotes"


def test_a_surprise_is_labelled_in_both_parts(send):
    reasons = (Reason(why=Why.SURPRISE, detail="the talk of the day"),)
    sent = send([make_pick(1, reasons=reasons)])
    assert "A surprise" in words(sent)
    assert "Why you see this: a surprise – the talk of the day" in words(sent)
    assert "A surprise, 180 upvotes" in sent.rendered.text


def test_a_paper_without_abstract_shows_its_summary(send):
    paper = make_paper(1, abstract="", summary="Short lists win.")
    assert "Short lists win." in words(send([make_pick(1, paper=paper)]))


def test_the_reader_decides_how_much_abstract_a_card_shows(send, subscriber):
    brief = replace(subscriber, profile=replace(subscriber.profile, abstract_length=80))
    silent = replace(subscriber, profile=replace(subscriber.profile, abstract_length=0))
    assert "We measure" not in words(send(make_picks(1), reader=silent))
    assert "Readers drown in papers. We measure how many" in words(
        send(make_picks(1), reader=brief)
    )
    assert ABSTRACT[:100] not in words(send(make_picks(1), reader=brief))


def test_the_reader_is_greeted_by_name_when_it_is_known(send, subscriber):
    assert "Hello Ada. Chosen from 87 new papers" in words(send(make_picks(2)))
    assert "Hello" not in words(send(make_picks(2), reader=replace(subscriber, name="")))


def test_the_footer_says_why_this_mail_came(send):
    reason = (
        "You receive this at ada@reader.example since 3 January 2026 because you asked for "
        "papers on “how people read” and “Ada Byron”."
    )
    sent = send(make_picks(1))
    assert reason in words(sent)
    assert reason in " ".join(sent.rendered.text.split())
    assert "Example Press, 1 Example Street" in words(sent)


def test_a_reader_without_interests_is_told_so(send, subscriber):
    reader = replace(subscriber, profile=Profile(), since=None)
    assert "You have not named any interests yet." in words(send(make_picks(1), reader=reader))


WELCOME = "Welcome! This is your first digest, chosen from the papers of the last days."


def test_notes_stand_above_the_papers_in_both_parts(send):
    sent = send(make_picks(2), notes=(WELCOME, "You are back."))
    bar = page(sent).select_one(".o")
    assert bar.get_text("|") == f"{WELCOME}|You are back."
    assert sent.rendered.html.index(WELCOME) < sent.rendered.html.index("<h2")
    flat = " ".join(sent.rendered.text.split())
    assert flat.index(WELCOME) < flat.index("You are back.") < flat.index("1. Paper 1: how")


def test_notes_stand_on_a_quiet_day_too(send):
    assert WELCOME in words(send([], notes=(WELCOME,)))


@pytest.mark.parametrize("notes", [(), ("",), (" \n ", "\u202e")])
def test_without_notes_nothing_is_left_of_them(send, notes):
    assert send(make_picks(2), notes=notes).raw == send(make_picks(2)).raw
    assert not page(send(make_picks(2))).select(".o")


def test_a_note_is_text_and_stays_short(send):
    note = "<b>Bold</b>\r\nand {{ 7 * 7 }} \x00" + "word " * 200
    shown = page(send([], notes=(note,))).select_one(".o")
    assert shown.get_text().startswith("‹b›Bold‹/b› and { { 7 * 7 } } word")
    assert len(shown.get_text()) <= 300
    assert not shown.find("b")


def test_every_link_of_the_mail_is_offered(send):
    sent = send(make_picks(2))
    targets = {link["href"] for link in page(sent).find_all("a")}
    links = sent.links
    wanted = {links.unsubscribe, links.preferences, links.pause, links.view, links.archive}
    wanted |= {links.more("2604.00001"), links.less("2604.00002"), links.tune("2604.00002")}
    assert wanted <= targets
    assert len([t for t in page(sent).find_all("a") if t.get_text() == "Unsubscribe"]) == 1


def test_there_is_one_button_and_it_names_the_day_whose_list_it_opens(send):
    listed = [
        replace(pick, paper=replace(pick.paper, listed_on=date(2026, 4, day)))
        for pick, day in zip(make_picks(2), (2, 1), strict=True)
    ]
    sent = send(listed, considered=87)  # of several days: the page behind it shows one of them
    assert words(sent).count("See all papers of 2 April 2026") == 1
    assert "See all papers of 2 April 2026" in sent.rendered.text
    assert sent.links.archive.endswith("/archive/2026-04-02")


@pytest.mark.parametrize(
    ("picked", "considered", "said"),
    [
        (2, 87, "Chosen from 87 new papers, each with the reason why it is here."),
        (2, 2, "All the new papers there are, each with the reason why it is here."),
        (1, 1, "The only new paper, with the reason why it is here."),
    ],
)
def test_head_of_the_mail_says_what_was_chosen_from(send, picked, considered, said):
    """In a first digest, too: nothing is said of an edition before."""
    sent = send(make_picks(picked), considered=considered)
    assert said in words(sent)
    assert "edition" not in words(sent)


def test_button_names_no_day_that_is_not_known(send):
    assert words(send(make_picks(2))).count("See all papers of the day") == 1


def test_a_quiet_day_is_a_calm_mail_with_a_way_on(send):
    sent = send([])
    assert page(sent).h1.get_text() == "Nothing new fits your interests today"
    assert "87 new papers came in and none was close enough" in words(sent)
    assert "See all papers of the day" in words(sent)
    assert len(page(sent).find_all("h2")) == 1


def test_a_day_without_any_paper_is_told_honestly(send):
    assert "No new papers came in" in words(send([], considered=0))


@pytest.mark.parametrize(
    "url",
    [
        "http://plain.example/x",
        "javascript:alert(1)",
        "https://user@evil.example/",
        "https://10.0.0.1/x",
        "https://a.example/ x",
        'https://a.example/"onload="x',
        "https://" + "a" * 3000 + ".example/",
        "https://[broken/",
        "ftp://files.example/x",
    ],
)
def test_a_url_no_mail_may_carry_vanishes_with_its_link(send, url):
    paper = make_paper(1, url=url, pdf_url=url, code_url=url, thumbnail_url=url)
    sent = send([make_pick(1, paper=paper)])
    card = page(sent).select_one(".card")
    assert [link.get_text() for link in card.find_all("a")] == [
        "More like this",
        "Less like this",
        "Follow or mute",
    ]
    assert not card.find_all("img")
    assert url not in sent.rendered.text


def test_a_thumbnail_of_an_unlinked_paper_is_a_picture_without_link(send):
    card = page(send([make_pick(1, paper=make_paper(1, url=""))])).select_one(".card")
    assert card.img is not None
    assert card.img.find_parent("a") is None


def test_abstracts_shrink_before_papers_go(publication, send):
    roomy = send(make_picks(10)).rendered
    tight = Renderer([TEMPLATES], publication, html_limit=roomy.html_octets - 500)
    rendered = send(make_picks(10), by=tight).rendered
    assert rendered.hidden == 0
    assert rendered.abstract_length < roomy.abstract_length
    assert rendered.html_octets <= roomy.html_octets - 500


def test_the_last_papers_move_to_the_web_when_nothing_else_helps(send):
    paper = make_paper(1, abstract=ABSTRACT * 20, title="A long title about reading lists " * 6)
    sent = send([replace(make_pick(n), paper=replace(paper, id=f"x{n}")) for n in range(1, 41)])
    rendered = sent.rendered
    assert rendered.html_octets <= 90_000
    assert len(rendered.html.replace("\n", "\r\n")) == rendered.html_octets
    assert rendered.hidden > 0
    assert rendered.shown + rendered.hidden == 40
    link = page(sent).find("a", string=f"{rendered.hidden} more on the web")
    assert link["href"] == sent.links.view
    assert f"{rendered.hidden} more on the web" in rendered.text
    assert "40 papers picked for you" in words(sent)


def test_a_limit_below_the_frame_is_refused(publication, send):
    tiny = Renderer([TEMPLATES], publication, html_limit=2_000)
    with pytest.raises(MailError, match="without a single paper"):
        send(make_picks(1), by=tiny)


def test_sixteen_papers_fit_without_losing_one(send):
    assert send(make_picks(16)).rendered.hidden == 0


def test_the_same_digest_renders_to_the_same_octets(send):
    assert send(make_picks(3)).raw == send(make_picks(3)).raw


def test_text_lines_are_wrapped_and_urls_stand_alone(send):
    for line in send(make_picks(3)).rendered.text.splitlines():
        assert len(line) <= 78 or re.fullmatch(r"\s*http\S+", line)
        assert re.fullmatch(r"\s*http\S+", line) or "http" not in line


def test_quoted_printable_has_short_lines_and_one_kind_of_line_end():
    wire = quoted_printable("a" * 300 + "\r\nb \n.\nend é\u2028x")
    assert max(map(len, wire.split(b"\r\n"))) <= 76
    assert b"\n" not in wire.replace(b"\r\n", b"")
    assert wire.endswith(b"\r\n")


def test_a_tag_in_an_abstract_is_escaped_in_html_and_never_stripped(send):
    """The text part writes it with other brackets, for filters take its tags for broken HTML."""
    paper = make_paper(abstract="We train the <think> token and </think> too.")
    sent = send([make_pick(paper=paper)])

    assert "the &lt;think&gt; token and &lt;/think&gt; too" in sent.rendered.html
    assert "the ‹think› token and ‹/think› too" in " ".join(sent.rendered.text.split())


@pytest.mark.parametrize(
    ("known", "room"),
    [
        ({}, "3px"),
        ({"authors": ("Ada",)}, "12px"),
        ({"thumbnail_url": "https://c.example/x"}, "12px"),
    ],
)
def test_an_abstract_stands_close_to_its_title_where_nobody_is_named_between_them(
    send, known, room
):
    bare = replace(make_pick(1).paper, authors=(), organization="", thumbnail_url="")
    page = send([make_pick(1, paper=replace(bare, **known))]).rendered.html

    assert f'<p dir="auto" style="margin:{room} 0 0">' in page.replace("<p\n dir", "<p dir")
