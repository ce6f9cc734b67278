"""Whatever is pasted or uploaded: a list of clean items, or one sentence."""

from __future__ import annotations

import json
import unicodedata

import library_lists as lists
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.library import Library, LibraryError, match, read_library
from newsletter.membership import one_line
from newsletter.selection.usual.background import paper_id_in

EXPORTS = [
    text for name, text in sorted(vars(lists).items()) if name.isupper() and isinstance(text, str)
]
PIECES = (
    *(
        "@article{",
        "@misc(k,",
        "@string{a = a # a}",
        "@comment{",
        "@preamble{",
        "title = ",
        "{",
        "}",
    ),
    *(
        '"',
        ",",
        "=",
        "#",
        "\n",
        "\\",
        "$",
        "&#xd800;",
        "&lt;",
        "TY  - JOUR\n",
        "TI  - ",
        "ER  - \n",
    ),
    *("%0 X\n%T ", "title,url\n", '[{"title": ', "[", "]", "<rdf:RDF", "<", ">", "</a>", "\0"),
    *(
        "2404.00001",
        "arXiv:",
        "cs/0112017",
        "https://arxiv.org/abs/",
        "\u202e",
        "\ud800",
        "ü",
        "\x1f",
    ),
    *(
        "A Title of Words",
        "et al. ",
        "(2024). ",
        "“",
        "”",
        "- ",
        "[x] ",
        "](",
        r"\emph{",
        r"\'",
        r"\u",
    ),
    *("=cmd()", "{{7*7}}", "<script>", "9" * 5000, "#", "Title: ", "\t", "\u2028", "\x85"),
)


def read_or_told(given_: str | bytes) -> Library | None:
    """The list; or nothing, if that was said in one sentence."""
    try:
        return read_library(given_)
    except LibraryError as error:
        told = str(error)
    assert told == one_line(told)
    return None


def check(library: Library | None) -> None:
    for item in library.items if library else ():
        assert item.title or item.arxiv_id
        assert item.title == one_line(item.title)
        assert len(item.title) <= 300
        assert paper_id_in(item.arxiv_id) == item.arxiv_id
        assert not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in item.where)
    if library:
        report = match(library, lambda _ids, _keys: {})
        assert report.entries == len(report.liked) + report.repeated + len(report.rejected)
        assert all(sentence == one_line(sentence) for sentence in report.sentences)


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_mixture_of_the_formats_is_read_or_told(text):
    check(read_or_told(text))


@given(st.binary(max_size=400), st.sampled_from(EXPORTS), st.integers(0, 3000))
def test_octets_within_an_export_are_read_or_told(noise, export, at):
    data = export.encode()
    check(read_or_told(data[:at] + noise + data[at:]))


@given(st.sampled_from(EXPORTS), st.integers(0, 3000), st.integers(0, 200))
def test_an_export_that_lost_a_part_is_read_or_told(export, at, lost):
    check(read_or_told(export[:at] + export[at + lost :]))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["title", "URL", "items", "data", "number", "externalIds"]), inner
            )
        ),
    )
)
def test_any_json_is_read_or_told(value):
    check(read_or_told(json.dumps([value])))
    check(read_or_told(json.dumps({"items": value})))


@pytest.mark.parametrize(
    "text",
    [
        "@a{x,title=" + "{" * 100_000 + "x" + "}" * 100_000 + "}",
        "@a{x,title={" + r"\emph{" * 100_000 + "}}",
        "@a{x,title=" + '"' * 100_000,
        "".join(f"@string{{a{n} = a{n - 1} # a{n - 1}}}\n" for n in range(1, 2000))
        + "@string{a0 = {Ten words}}@a{x,title=a1999}",
        "[" * 100_000,
        '{"items":' * 100_000,
        '[{"title":' + "9" * 100_000 + "}]",
        'title,url\n"' + "a,b\n" * 50_000,
        "title,url\n" + "=1+1," * 50_000,
        "TY  - JOUR\nTI  - A\n" + "more\n" * 50_000,
        "<rdf:RDF xmlns:rdf='x'>" + "<a>" * 50_000 + "</a>" * 50_000 + "</rdf:RDF>",
        "<rdf:RDF>" + "<" * 600_000,
        "2404.00001 " * 20_000,
        "https://" * 50_000,
        "[a](" * 50_000,
        "(2024) " * 50_000,
        ("a" + "\u0301" * 900 + " b\n") * 200,
        "-" * 200_000,
    ],
    ids=range(18),
)
def test_large_and_deep_nonsense_is_read_or_told(text):
    check(read_or_told(text))


def test_an_entity_reads_no_file():
    rdf = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><rdf:RDF>&x;</rdf:RDF>'

    assert read_or_told(rdf) is None


def test_a_formula_is_a_title_like_any_other():
    library = read_library('Title,Url\n"=HYPERLINK(""http://x"",""Click me"")",\n')

    assert library.items[0].title == '=HYPERLINK("http://x","Click me")'
