"""`newsletter explain`: how a person and a paper are named, and how the answer reads."""

from __future__ import annotations

import json

import pytest
from operate_world import INES, composed, delivered, enrol


def test_sentences_come_first_and_figures_after(newsletter, app):
    enrol(app)

    ran = newsletter("explain", INES, "2604.00005")

    lines = ran.out.splitlines()
    assert (ran.code, lines[0]) == (0, "2604.00005 robot hands study 5")
    assert lines[1].startswith("Their next digest is due on ")
    assert lines[2].startswith("As things are, it is left out of it: none of their interests")
    assert lines[-2].startswith("Figures: score 0.")
    assert lines[-1].startswith("The last paper with a place had 0.")


@pytest.mark.parametrize(
    "name",
    [
        "{id}",
        "https://arxiv.org/abs/{id}v2",
        "https://huggingface.co/papers/{id}",
        "Sparse attention: study {number}",
        "attention study {number}",
    ],
)
def test_a_paper_goes_by_id_link_or_part_of_its_title(newsletter, app, name):
    digest = composed(app, enrol(app))
    delivered(app)
    paper = digest.picks[0].paper
    name = name.format(id=paper.id, number=int(paper.id[-5:]))

    ran = newsletter("explain", INES.upper(), name, "--json")

    told = json.loads(ran.out)
    assert told["paper"] == {"id": paper.id, "title": paper.title}
    assert told["answer"] == "sent"
    assert digest.id in told["sentences"][0]
    assert told["reasons"][0] == "your topic “sparse attention”"


def test_a_title_that_several_papers_share_names_them(newsletter, app):
    enrol(app)

    ran = newsletter("explain", INES, "robot hands")

    assert ran.code == 2
    assert "“robot hands” stands in more than one title: 2604.00001 robot hands" in ran.err


@pytest.mark.parametrize("name", ["2604.99999", "no such title", "100%", "_"])
def test_a_paper_that_was_never_read_is_said_to_be_so(newsletter, app, name):
    enrol(app)

    ran = newsletter("explain", INES, name)

    assert ran.code == 2
    assert f"no stored paper is “{name}”" in ran.err


def test_somebody_unknown_is_an_answer_not_an_error(newsletter, app):
    ran = newsletter("explain", "nobody@reader.example", "2604.00004")

    assert (ran.code, ran.out) == (0, "nobody@reader.example is not subscribed.\n")


def test_somebody_forgotten_is_known_to_be_suppressed(newsletter, app):
    app.subscriptions.forget(enrol(app).id, now=app.now())

    told = json.loads(newsletter("explain", INES, "2604.00004", "--json").out)

    assert told["answer"] == "not_subscribed"
    assert "it is suppressed (forgotten)" in told["sentences"][1]


def test_what_is_no_address_is_refused(newsletter, app):
    ran = newsletter("explain", "ines", "2604.00004")

    assert ran.code == 2
    assert "is no e-mail address we can use" in ran.err
