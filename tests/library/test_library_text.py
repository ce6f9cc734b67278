"""Pasted text: ids and links wherever they stand, and titles one a line."""

from __future__ import annotations

import pytest

from newsletter.library import Item, LibraryError, read_library
from newsletter.library.ids import mentions
from newsletter.selection.usual.background import paper_id_in

TITLE = "Sparse Attention for Müller Cells"


def found(text: str) -> list[tuple[str, str]]:
    try:
        return [(item.arxiv_id, item.title) for item in read_library(text).items]
    except LibraryError:
        return []


@pytest.mark.parametrize(
    "text",
    [
        "2503.02130",
        "2503.02130v2",
        "arXiv:2503.02130v2",
        "ARXIV: 2503.02130",
        "arXiv:2503.02130 [cs.LG]",
        "https://arxiv.org/abs/2503.02130",
        "http://www.arxiv.org/abs/2503.02130v1?context=cs",
        "arxiv.org/pdf/2503.02130v3.pdf",
        "https://arxiv.org/pdf/2503.02130#page=7",
        "https://arxiv.org/html/2503.02130v1",
        "https://huggingface.co/papers/2503.02130",
        "https://hf.co/papers/2503.02130",
        "https://www.alphaxiv.org/abs/2503.02130",
        "https://ar5iv.labs.arxiv.org/html/2503.02130",
        "10.48550/arXiv.2503.02130",
        "https://doi.org/10.48550/ARXIV.2503.02130",
        "https://api.semanticscholar.org/arXiv:2503.02130",
        "(2503.02130)",
        "<https://arxiv.org/abs/2503.02130>",
        "* [ ] https://arxiv.org/abs/2503.02130 #toread",
        "I liked arXiv:2503.02130, a lot.",
        "see https://arxiv.org/abs/2503.02130.",
        "https://arxiv.org/abs/\u200b2503.02130\u202c",
        "2503.02130_notes",
    ],
)
def test_an_id_is_found_in_every_way_to_write_it(text):
    expected = [] if text.endswith("_notes") else [("2503.02130", "")]

    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cs/0112017", "cs/0112017"),
        ("arXiv:hep-th/9901001v3", "hep-th/9901001"),
        ("https://arxiv.org/abs/math.GT/0309136", "math/0309136"),
        ("https://arxiv.org/pdf/cond-mat/0211034v1.pdf", "cond-mat/0211034"),
        ("arXiv:0704.0001", "0704.0001"),
        ("arXiv:1412.9999", "1412.9999"),
    ],
)
def test_the_ids_of_former_years_are_found_too(text, expected):
    assert found(text) == [(expected, "")]


@pytest.mark.parametrize(
    "text",
    [
        "2513.02130",  # there is no 13th month
        "2503.0213",  # since 2015 the number has five digits
        "1403.12345",  # before, it had four
        "12503.02130",
        "2503.021301",
        "1.2503.02130",
        "2503.02130.4",
        "10.1145/2503.02130",
        "https://example.org/2503.02130",
        "https://example.org/cs/0112017",
        "physics/0113001",
        "nocs/0112017",
        "2503.02130%",
    ],
)
def test_a_number_that_is_no_id_is_left_alone(text):
    assert not list(mentions(text))


def test_every_id_found_is_one_that_the_selection_understands():
    text = "2503.02130v2 cs/0112017 math.GT/0309136 arXiv:0704.0001 HEP-TH/9901001"

    ids = [mention.arxiv_id for mention in mentions(text)]
    assert len(ids) == 5
    assert [paper_id_in(one) for one in ids] == ids


@pytest.mark.parametrize(
    "line",
    [
        f"- [{TITLE}](https://arxiv.org/abs/2503.02130)",
        f"{TITLE} https://arxiv.org/abs/2503.02130v2",
        f"1. {TITLE} (arXiv:2503.02130)",
        f"[12] {TITLE} - arxiv.org/pdf/2503.02130.pdf",
        f"[2503.02130] {TITLE}",
        f"2503.02130: {TITLE}",
        f"2503.02130\t{TITLE}",
        f"| {TITLE} | https://arxiv.org/abs/2503.02130 |",
        f"**{TITLE}** [arXiv:2503.02130](https://arxiv.org/abs/2503.02130) [pdf]",
        f"A. Example et al., “{TITLE},” arXiv:2503.02130, 2025.",
        f"Example, A., et al. (2025). {TITLE}. arXiv preprint arXiv:2503.02130.",
    ],
)
def test_a_title_beside_an_id_belongs_to_it(line):
    assert found(line) == [("2503.02130", TITLE)]


def test_words_around_an_id_are_no_title():
    assert found("we should really discuss https://arxiv.org/abs/2503.02130 next week") == [
        ("2503.02130", "")
    ]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        (TITLE, TITLE),
        (f"  * {TITLE} ", TITLE),
        (f"Title: {TITLE}", TITLE),
        (f"3) “{TITLE}”", f"“{TITLE}”"),
        ("3D Gaussians for 2D Papers", "3D Gaussians for 2D Papers"),
        ("Is It All You Need? A Study of Titles", "Is It All You Need? A Study of Titles"),
        ("Think Again! The Effect of Thinking", "Think Again! The Effect of Thinking"),
        (r"M{\"u}ller Cells and $\alpha$-GPT", "Müller Cells and α-GPT"),
        ("注意力就是你所需要的一切", "注意力就是你所需要的一切"),
        (f"{TITLE} https://openreview.net/forum?id=x", TITLE),
        (f"Example, A. ({2025}). {TITLE}. Journal of Things, 3.", TITLE),
        ("{{7*7}} and <script>alert(1)</script>", "{{7*7}} and <script>alert(1)</script>"),
    ],
)
def test_a_line_without_an_id_is_a_title(line, title):
    assert found(line) == [("", title)]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("My reading list:", "it reads like running text, not like a title"),
        ("I read many papers. They were all good.", "it reads like running text, not like a title"),
        ("word " * 45, "it reads like running text, not like a title"),
        ("# Papers to read", "it is a heading"),
        ("https://example.org/paper", "it names no arXiv paper and is too little for a title"),
        ("12.99 EUR", "it names no arXiv paper and is too little for a title"),
        ("Voxels", "a single word teaches nothing as a title"),
        ("x" * 1001, "it is too long for a title and names no arXiv paper"),
    ],
)
def test_a_line_that_is_no_title_is_rejected_with_the_reason(line, why):
    library = read_library(f"{line}\n2503.02130\n")

    assert [item.arxiv_id for item in library.items] == ["2503.02130"]
    assert [str(one) for one in library.rejected] == [f"line 1: {why}"]


def test_a_title_and_a_link_in_one_paragraph_are_one_paper():
    text = f"{TITLE}\nhttps://arxiv.org/abs/2503.02130\n\n\nRobots that Ask\narXiv:2404.00001\n"

    assert found(text) == [("2503.02130", TITLE), ("2404.00001", "Robots that Ask")]


def test_lines_of_signs_and_the_other_labels_of_a_listing_say_nothing():
    library = read_library("-----\nTitle: Robots that Ask\nAuthors: A. Example\nDate: today\n***")

    assert library.items == (Item(title="Robots that Ask", where="line 2"),)
    assert library.rejected == ()


def test_without_paragraphs_a_title_and_a_link_stay_two():
    assert found(f"{TITLE}\n2503.02130\nRobots that Ask\n") == [
        ("", TITLE),
        ("2503.02130", ""),
        ("", "Robots that Ask"),
    ]


def test_a_listing_mail_of_arxiv_gives_its_papers():
    text = f"arXiv:2503.02130 [pdf]\nTitle: {TITLE}\nAuthors: A. Example\nComments: 9 pages\n"

    assert found(text) == [("2503.02130", TITLE)]


def test_text_becomes_one_plain_line_and_not_longer_than_a_title():
    library = read_library('[{"title": "A \\u202e title\\u0000 \\r\\n over \\ud800 lines"}]')
    assert library.items == (Item(title="A title over lines", where="entry 1"),)

    long = read_library('[{"title": "' + "word " * 900 + '"}]').items[0].title
    assert len(long) <= 300
