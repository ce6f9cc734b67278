"""The fields of the forms and what a reader asks for: each from the other, and every mistake named."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.membership import Wishes, one_line
from newsletter.model import Cadence, Format, Profile
from newsletter.web.filled import Filled
from newsletter.web.forms import LISTS, MOST, Form, check_form, entries, form_of, read_form

_ENTRY = st.text(min_size=1, max_size=40).map(one_line).filter(bool)
_LIST = st.lists(_ENTRY, max_size=5, unique_by=str.casefold).map(tuple)
_WISHES = st.builds(
    Wishes,
    name=st.text(max_size=30).map(one_line),
    profile=st.builds(
        Profile,
        **dict.fromkeys(LISTS, _LIST),
        disliked=_LIST,
        max_papers=st.integers(1, 50),
        trend_weight=st.floats(0, 1),
        surprise=st.booleans(),
    ),
    cadence=st.sampled_from(Cadence),
    send_at=st.times().map(lambda at: at.replace(second=0, microsecond=0, tzinfo=None, fold=0)),
    weekday=st.integers(0, 6),
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]),
    format=st.sampled_from(Format),
)
_OFFERED = ("language models", "robot learning")


@given(_WISHES)
@example(Wishes(profile=Profile(categories=(";", "cs.CL cs.LG", "cs.CL,"))))
def test_a_form_sent_as_it_was_shown_changes_nothing(wishes):
    checked = check_form(form_of(wishes, _OFFERED), wishes)
    assert (checked.wishes, checked.errors) == (wishes, {})


@given(
    st.dictionaries(st.sampled_from([*Form.__slots__, "consent"]), st.lists(st.text(), min_size=1))
)
def test_whatever_is_sent_gives_wishes_and_sentences(values):
    form = read_form(values)
    checked = check_form(form)
    assert isinstance(checked.wishes, Wishes)
    assert all(checked.errors.values())
    assert set(checked.errors) <= set(Form.__slots__)


def test_a_form_without_fields_is_the_default_one():
    assert read_form({}) == Form()
    assert check_form(Form()).wishes == Wishes()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("agents\n\n  retrieval  \r\nagents", ("agents", "retrieval")),
        (
            "robot learning, sim-to-real;Manipulation",
            ("robot learning", "sim-to-real", "Manipulation"),
        ),
        ("Agents\nagents", ("Agents",)),
        (" , ;\n,", ()),
    ],
)
def test_entries_are_lines_or_parted_by_commas(text, found):
    assert entries(text) == found


def test_the_official_name_of_a_category_keeps_its_commas():
    text = "cs.CL, cs.LG\nDistributed, Parallel, and Cluster Computing"
    wishes = check_form(Form(categories=text)).wishes
    assert wishes.profile.categories == (
        *("cs.CL", "cs.LG"),
        "Distributed, Parallel, and Cluster Computing",
    )


@pytest.mark.parametrize(
    ("category", "known"),
    [
        *((code, True) for code in ("cs.CL", "CS.cl", "cs", "Machine Learning", "stat.ML")),
        *((code, True) for code in ("astro-ph.GA", "math.AG", "q-fin.ST")),
        *((code, False) for code in ("cs.XX", "stat.XX", "foo", "cs.CL cs.LG", "vision")),
    ],
)
def test_a_category_that_brings_nothing_is_told(category, known):
    asked = Wishes(profile=Profile(categories=(category,)))
    said = (
        f"“{category}” is no arXiv category we know, so it brings nothing. Codes look like cs.CL."
    )
    assert Filled(form=Form(), wishes=asked).notes == (() if known else (said,))


def test_categories_may_stand_side_by_side_as_arxiv_writes_them():
    text = "cs.CL stat.ML, hep-th\nMachine Learning\nrobots cs.RO"
    said = check_form(Form(categories=text)).wishes.profile.categories
    assert said == ("cs.CL", "stat.ML", "hep-th", "Machine Learning", "robots cs.RO")


def test_several_such_categories_are_told_in_one_sentence():
    asked = Wishes(profile=Profile(categories=("a", "b", "c", "d", "cs.CL")))
    (said,) = Filled(form=Form(), wishes=asked).notes
    assert said.startswith(
        "“a”, “b”, “c” and 1 more are no arXiv categories we know, so they bring"
    )


def test_a_name_with_its_surname_first_stays_one():
    assert entries("Byron, Ada", names=True) == ("Byron, Ada",)
    assert entries("Ada Byron, Tri Example", names=True) == ("Ada Byron", "Tri Example")
    assert entries("Byron, Ada; Tri Example", names=True) == ("Byron, Ada", "Tri Example")


def test_an_entry_that_is_known_keeps_its_comma_when_another_is_added():
    wishes = Wishes(profile=Profile(keywords=("a, b",)))
    form = replace(form_of(wishes), keywords="a, b\nc, d")
    assert check_form(form, wishes).wishes.profile.keywords == ("a, b", "c", "d")


def test_ticked_topics_are_added_to_typed_ones():
    form = read_form(
        {"topics": ["KV cache\nRobot Learning"], "suggested": ["robot learning", "agents"]}
    )
    topics = check_form(form).wishes.profile.topics
    assert topics == ("KV cache", "Robot Learning", "agents")


def test_a_box_that_is_not_ticked_is_told_from_one_that_was_not_sent():
    assert read_form({"topics": ["x"]}).surprise
    assert not read_form({"surprise": ["no"]}).surprise
    assert read_form({"surprise": ["no", "yes"]}).surprise


def test_unticking_the_last_offered_topic_takes_it_away():
    wishes = Wishes(profile=Profile(topics=("robot learning",)))
    form = read_form({"topics": [""]}, form_of(wishes, _OFFERED))
    assert check_form(form, wishes).wishes.profile.topics == ()


def test_everything_a_reader_can_ask_for_is_read():
    values = {
        "topics": ["agents"],
        "keywords": ["KV cache"],
        "authors": ["Ada Byron"],
        "organizations": ["Example Lab"],
        "categories": ["cs.CL"],
        "muted": ["medicine"],
        "liked": ["2604.00001"],
        "trend": ["70"],
        "max_papers": ["5"],
        "surprise": ["no"],
        "cadence": ["weekly"],
        "weekday": ["4"],
        "send_at": ["17:00"],
        "timezone": ["Europe/Berlin"],
        "text_only": ["no", "yes"],
        "name": ["Ines"],
    }
    checked = check_form(read_form({name: tuple(given) for name, given in values.items()}))
    assert checked.errors == {}
    assert checked.wishes == Wishes(
        name="Ines",
        profile=Profile(
            topics=("agents",),
            keywords=("KV cache",),
            authors=("Ada Byron",),
            organizations=("Example Lab",),
            categories=("cs.CL",),
            muted=("medicine",),
            liked=("2604.00001",),
            trend_weight=0.7,
            max_papers=5,
            surprise=False,
        ),
        cadence=Cadence.WEEKLY,
        weekday=4,
        send_at=time(17),
        timezone="Europe/Berlin",
        format=Format.TEXT,
    )


@pytest.mark.parametrize("typed", ["America/New York", "america/new_york", " America/New_York "])
def test_a_time_zone_may_be_written_as_the_pages_say_it(typed):
    checked = check_form(read_form({"timezone": (typed,)}))
    assert (checked.errors, checked.wishes.timezone) == ({}, "America/New_York")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("timezone", "Berlin", "Did you mean Europe/Berlin?"),
        ("timezone", "new york", "Did you mean America/New_York?"),
        ("timezone", "", "Please name your time zone, such as Europe/Berlin."),
        # Etc/GMT+2 is two hours west of Greenwich
        ("timezone", "GMT+2", "Try one such as"),
        ("trend", "101", "from 0 to 100"),
        ("trend", "nan", "from 0 to 100"),
        ("trend", "-1", "from 0 to 100"),
        ("max_papers", "0", "from 1 to 50"),
        ("max_papers", "many", "from 1 to 50"),
        ("cadence", "hourly", "every day, weekdays or once a week"),
        ("weekday", "9", "day of the week"),
        ("send_at", "25:00", "08:00"),
        ("name", "x" * 81, "under 80"),
        ("topics", "\n".join(map(str, range(41))), "Please keep to 40 entries; here are 41."),
        ("keywords", "x" * 301, "under 300"),
    ],
)
def test_a_mistake_is_named_at_its_field_and_the_rest_holds(field, value, said):
    checked = check_form(read_form({field: (value,), "muted": ("medicine",)}))
    assert list(checked.errors) == [field]
    assert said in checked.errors[field]
    assert checked.wishes == Wishes(profile=Profile(muted=("medicine",)))


def test_many_mistakes_are_named_at_once():
    values = {"timezone": ("Mars",), "max_papers": ("99",), "topics": ("x" * 999,)}
    assert set(check_form(read_form(values)).errors) == set(values)


def test_more_than_the_form_takes_stays_while_nobody_touches_it():
    many = tuple(f"word {n}" for n in range(MOST["keywords"] + 50))
    wishes = Wishes(profile=Profile(keywords=many))
    form = replace(form_of(wishes), topics="agents")
    checked = check_form(form, wishes)
    assert checked.errors == {}
    assert checked.wishes.profile.keywords == many
