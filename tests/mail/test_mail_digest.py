"""Picks become one edition: its key, its subject, its preheader, its reasons."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mail_samples import NOW, make_paper, make_pick, make_picks

from newsletter.mail.digest import (
    make_digest,
    preheader_for,
    subject_for,
    why_phrases,
)
from newsletter.mail.wording import edition_name, enumerate_names, plain, shorten, tidy
from newsletter.model import Reason, Subscriber, Why

READER = Subscriber(id="reader-1", email="ada@reader.example")
TITLES = st.text(min_size=0, max_size=300)


def picks_titled(*titles: str):
    return tuple(
        make_pick(number, paper=make_paper(number, title=title))
        for number, title in enumerate(titles, start=1)
    )


def edition(subscriber: Subscriber = READER, day: str = "2026-04-03"):
    return make_digest(
        subscriber=subscriber, picks=make_picks(3), considered=9, edition=day, now=NOW
    )


def test_the_same_reader_and_edition_give_the_same_opaque_id():
    assert edition() == edition()
    assert re.fullmatch(r"[0-9a-f]{26}", edition().id)


def test_another_reader_or_another_day_gives_another_id():
    other = Subscriber(id="reader-2", email="ada@reader.example")
    assert len({edition().id, edition(other).id, edition(day="2026-04-04").id}) == 3


def test_the_id_tells_nothing_about_the_reader():
    assert "reader" not in edition().id


def test_the_subject_leads_with_the_top_title_and_counts_the_others():
    picks = picks_titled("VisRAG: vision-based RAG", *["x"] * 7)
    assert subject_for(picks, 80) == "VisRAG: vision-based RAG, and 7 more"


def test_a_long_title_is_cut_at_a_word_and_not_after_a_preposition():
    title = "Collaborative Multi-Agent Test-Time Learning for the Improvement of Reasoning"
    assert subject_for(picks_titled(title), 80) == "Collaborative Multi-Agent Test-Time Learning…"


@pytest.mark.parametrize(
    "title",
    [
        "ALL THAT WE KNOW ABOUT THE END OF SCALING LAWS FOR MODELS OF language and vision",
        "BERT、GPT " + "大规模语言模型的高效推理方法研究" * 5 + " with fewer bits",
    ],
)
def test_a_title_of_which_only_the_beginning_shouts_is_held_back_no_more(title):
    subject = subject_for(picks_titled(title), 12)
    assert not subject.isupper()
    assert subject.endswith("…, picked for you")
    assert len(subject) <= 60


def test_a_shouting_title_gets_quiet_company():
    assert subject_for(picks_titled("GPT-5"), 80) == "GPT-5, picked for you"


@pytest.mark.parametrize("title", ["Re: your paper", "FWD: look", "re : hello"])
def test_a_title_cannot_make_the_subject_an_answer(title):
    assert not re.match(r"(re|fwd?)\s*:", subject_for(picks_titled(title), 80), re.IGNORECASE)


def test_a_quiet_day_says_so():
    assert subject_for((), 80) == "Nothing new for your interests today"
    assert subject_for((), 0) == "No new papers today"
    assert "Of 80 new papers none" in preheader_for((), 80)


def test_the_preheader_names_the_papers_after_the_first():
    picks = picks_titled("One", "Second thoughts", "Third rails", "Fourth walls", "Fifth wheels")
    assert preheader_for(picks, 80) == "Also: Second thoughts · Third rails · Fourth walls"


def test_room_left_by_a_short_title_goes_to_the_next():
    picks = picks_titled(
        "One", "A", "B", "The long road from a single idea to a finished proof of it"
    )
    assert preheader_for(picks, 80).endswith("a finished proof of it")


@given(st.lists(TITLES, max_size=6), st.integers(min_value=0, max_value=5000))
def test_subject_and_preheader_keep_their_limits_whatever_the_titles(titles, considered):
    picks = picks_titled(*titles)
    subject, preheader = subject_for(picks, considered), preheader_for(picks, considered)
    assert 1 <= len(subject) <= 60
    assert 40 <= len(preheader) <= 110
    assert subject != preheader
    for text in (subject, preheader):
        assert text == tidy(text)
        assert not (text.isupper() and len(text) > 8)


def test_a_text_is_cut_at_a_sentence_when_one_ends_late_enough():
    text = "The first sentence is here. The second goes on for much longer than allowed."
    assert shorten(text, 40) == "The first sentence is here."


def test_an_early_sentence_end_loses_to_the_last_word():
    text = "Short. The second sentence goes on for much longer than the limit."
    assert shorten(text, 40) == "Short. The second sentence goes on for…"


def test_an_abbreviation_ends_no_sentence():
    text = "We follow the protocol of Byron et al. and extend it to every other field."
    assert shorten(text, 45) == "We follow the protocol of Byron et al. and…"


def test_a_limit_of_nothing_hides_the_text():
    assert shorten("anything", 0) == ""


@given(st.text(), st.integers(min_value=1, max_value=400))
def test_shortening_never_exceeds_its_limit_and_never_touches_what_fits(text, limit):
    cut = shorten(text, limit)
    assert len(cut) <= limit
    if len(text) <= limit:
        assert cut == text


def test_reasons_are_told_in_the_readers_words():
    reasons = (
        Reason(why=Why.TOPIC, detail="document retrieval"),
        Reason(why=Why.AUTHOR, detail="Ada Byron"),
    )
    assert why_phrases(reasons) == "your topic “document retrieval” · you follow Ada Byron"


def test_a_surprise_has_no_second_colon_and_no_reason_is_silent():
    surprise = (Reason(why=Why.SURPRISE, detail="the talk of the day"),)
    assert why_phrases(surprise) == "a surprise – the talk of the day"
    assert why_phrases(()) == ""
    assert why_phrases((Reason(why=Why.TOPIC, detail=" \n"),)) == ""


def test_names_are_enumerated_like_a_person_would():
    assert enumerate_names((), 0) == ""
    assert enumerate_names(("A",), 1) == "A"
    assert enumerate_names(("A", "B", "C"), 3) == "A, B and C"
    assert enumerate_names(("A", "B"), 3303) == "A, B and 3,301 more"


def test_an_edition_is_shown_as_a_day_where_it_is_one():
    assert edition_name("2026-01-16") == "Friday, 16 January 2026"
    assert edition_name("week 3") == "week 3"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("two\r\nlines", "two lines"),
        ("over\u202eride", "override"),
        ("AT&amp;amp;T &lt;b&gt;", "AT&T ‹b›"),
        ("code at https://code.example/x.", "code at code.example/x."),
        ("the <think> token, p <k", "the ‹think› token, p < k"),
        ("{{ x }} {% y %}", "{ { x } } { % y % }"),
        ("lost \ufffd and \x80", "lost and"),
        ("R&D &nosuch;", "R&D &nosuch;"),
        ("a &l&#8238;t;b&http://gt; c", "a ‹b› c"),
        ("می‌خواهم 👨‍👩‍👧", "می‌خواهم 👨‍👩‍👧"),
    ],
)
def test_data_is_cleaned_the_same_way_for_both_parts(raw, shown):
    assert plain(raw) == shown


@given(st.text())
def test_cleaning_twice_changes_nothing_and_leaves_no_endless_word(text):
    once = plain(text)
    assert plain(once) == once
    assert all(len(word) <= 60 for word in once.split())


@given(st.lists(st.text("ab …{}%大", min_size=1, max_size=150), min_size=2, max_size=4))
@example(["a", "b" * 200])
@example(["a", "c" * 38 + " c", "w" * 60 + " zz"])
def test_what_an_inbox_shows_beside_the_subject_is_never_too_long(titles):
    assert len(plain(preheader_for(picks_titled(*titles), 80))) <= 110
