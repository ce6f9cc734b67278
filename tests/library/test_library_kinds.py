"""Exports of reference managers: every entry is found, with its title and its arXiv id."""

from __future__ import annotations

import json

import library_lists as lists
import pytest

from newsletter.library import Library, LibraryError, read_library


def named(library: Library) -> list[tuple[str, str]]:
    return [(item.arxiv_id, item.title) for item in library.items]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        (
            lists.ZOTERO_BIB,
            "BibTeX",
            [
                ("2404.00001", "Sparse Attention for Müller Cells: π_0 & more"),
                ("", "Robots that Ask"),
            ],
        ),
        (
            lists.BETTER_BIBLATEX,
            "BibTeX",
            [
                ("2404.00002", "Sparse Attention: A Survey of Surveys"),
                ("", "On Shelves of Other Archives"),
            ],
        ),
        (lists.MENDELEY_BIB, "BibTeX", [("2404.00004", "Planning with & without Maps")]),
        (lists.JABREF_BIB, "BibTeX", [("2404.00005", "Graphs that Forget")]),
        (
            lists.SCHOLAR_BIB,
            "BibTeX",
            [("2404.00006", "Speech without words"), ("", "Speech without ears")],
        ),
        (lists.ARXIV_BIB, "BibTeX", [("2404.00007", "Proofs Are All You Need")]),
        (lists.DBLP_BIB, "BibTeX", [("2404.00008", "Tokens and Their Keys")]),
        (lists.DATACITE_BIB, "BibTeX", [("2404.00010", "Videos of Nothing")]),
        (
            lists.ZOTERO_RIS,
            "RIS",
            [("2404.00001", "Sparse Attention for Cells"), ("", "Robots that Ask")],
        ),
        (
            lists.MENDELEY_RIS,
            "RIS",
            [("2404.00004", "Planning with Maps"), ("", "Planning without End")],
        ),
        (lists.ENDNOTE_RIS, "RIS", [("2404.00005", "Graphs that Forget what they knew")]),
        (
            lists.SCHOLAR_ENW,
            "EndNote",
            [("2404.00006", "Speech without words"), ("", "Speech without ears")],
        ),
        (
            lists.ZOTERO_CSL,
            "JSON",
            [("2404.00001", "Sparse Attention for H2O & Cells"), ("", "Robots that Ask")],
        ),
        (lists.BETTER_JSON, "JSON", [("2404.00004", "Planning with Maps")]),
        (lists.SEMANTIC_SCHOLAR, "JSON", [("2404.00005", "Graphs that Forget")]),
        (
            '["2404.00001", "Robots that Ask"]',
            "JSON",
            [("2404.00001", ""), ("", "Robots that Ask")],
        ),
        (
            lists.ZOTERO_CSV,
            "CSV",
            [("2404.00001", "Sparse Attention, for Cells"), ("", 'Robots "that" Ask')],
        ),
        ("Title;Link\nRobots that Ask;\n", "CSV", [("", "Robots that Ask")]),
        (
            "title\tarxiv_id\nRobots that Ask\t2404.00001v2\n",
            "CSV",
            [("2404.00001", "Robots that Ask")],
        ),
        (
            lists.ZOTERO_RDF,
            "Zotero RDF",
            [("2404.00001", "Sparse Attention for Cells"), ("", "Robots that Ask")],
        ),
        (lists.BOOKMARKS, "web page", [("2404.00001", ""), ("2404.00002", "")]),
    ],
)
def test_an_export_is_recognised_by_its_content_and_read(text, kind, expected):
    library = read_library(text)

    assert library.kind == kind
    assert named(library) == expected


def test_every_encoding_that_programs_write_is_read():
    text = lists.ZOTERO_BIB.replace(r"{M{\"u}ller}", "Müller")
    expected = named(read_library(lists.ZOTERO_BIB))
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"):
        assert named(read_library(text.encode(encoding))) == expected, encoding


def test_line_ends_of_every_system_are_the_same():
    for ends in ("\r\n", "\r"):
        assert read_library(lists.ZOTERO_RIS.replace("\n", ends)) == read_library(lists.ZOTERO_RIS)


def test_a_broken_entry_gives_what_it_still_says_and_costs_no_other():
    library = read_library(lists.BROKEN_BIB)

    assert named(library) == [
        ("2404.00011", "A Title that Never Closes"),
        ("2404.00012", "The Comma is Missing"),
        ("2404.00013", ""),
    ]
    assert [str(one) for one in library.rejected] == [
        "line 12, nothing: it has neither a title nor an arXiv id",
        "line 13, book: @proceedings is no paper",
        "line 16: the entry is broken (a brace, quote or comma is missing)",
    ]


def test_the_parser_warns_nobody_about_broken_entries(caplog, capsys):
    read_library(lists.BROKEN_BIB)

    assert (caplog.text, *capsys.readouterr()) == ("", "", "")


def test_names_of_strings_are_resolved_and_pieces_joined():
    text = '@string{sa = "Sparse " # {Atten}}\n@misc{k, title = SA # {tion on} # " a {"}Diet{"}"}'

    assert named(read_library(text)) == [("", 'Sparse Attention on a "Diet"')]


def test_entries_tell_where_they_stand():
    def places(text: str) -> list[str]:
        library = read_library(text)
        return [one.where for one in (*library.items, *library.rejected)]

    assert places(lists.ARXIV_BIB) == ["line 1, example2024proofsneed"]
    assert places(lists.ZOTERO_RIS) == ["line 1", "line 15"]
    assert places(lists.ZOTERO_CSV) == ["line 2, AAAA", "line 4, BBBB", "line 6, DDDD"]
    assert places(lists.BETTER_JSON) == ["entry 1, examplePlanning2024"]


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (
            r"{\'E}tudes in G{\"{o}}del's \L{}\'od\'z {\o}re \c{c}a \v{s}",
            "Études in Gödel's Łódź øre ça š",
        ),
        (r"{{LLM}}s: \textbf{Bold} \& \emph{cheap}, 50\% off", "LLMs: Bold & cheap, 50% off"),
        (r"$\alpha$-GPT, $\mathcal{O}(n^2)$ and $\infty$", "α-GPT, O(n^2) and ∞"),
        (r"``Quoted'' --- as is~it", "“Quoted” — as is it"),
        (r"A \LaTeX{} title with \unknown{kept}", "A LaTeX title with kept"),
        ("A title\n   over two lines", "A title over two lines"),
        ("Cats &amp; <i>dogs</i> &lt;3", "Cats & dogs <3"),
        (r"A Dangling Backslash \ ", "A Dangling Backslash"),
    ],
)
def test_titles_lose_their_latex_and_their_markup(raw, clean):
    in_json = json.dumps([{"title": raw}])

    assert named(read_library(f"@misc{{k,\n title = {{{raw}}},\n}}\n")) == [("", clean)]
    if "\\" in raw:  # without a backslash, braces and dashes are the title's own
        assert named(read_library(in_json)) == [("", clean)]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("", "the reading list is empty"),
        (" \n\ufeff\u200b", "the reading list is empty"),
        (b"x" * 5_000_001, "the reading list is larger than 5 MB"),
        ("x" * 5_000_001, "the reading list is larger than 5 MB"),
        (b"%PDF-1.7\n...", "this is a PDF, not a reading list"),
        (b"PK\x03\x04...", "this is a ZIP file or an office document, not a reading list"),
        (bytes(range(256)) * 40, "this is no text, so it is no reading list"),
        ('[{"title": "x"', "this JSON is broken in line 1"),
        ('[{"a":' * 100_000, "this JSON is nested too deeply for a reading list"),
        ("[]", "no paper is named in this JSON"),
        ("https://example.org", "no paper is named in this text; line 1: it names no arXiv paper"),
        ("<rdf:RDF><open>", "this RDF is broken"),
        ("<!DOCTYPE x><rdf:RDF/>", "this RDF defines entities"),
        ("<html>nothing</html>", "no paper is named in this web page"),
        ("@misc{k}\n", "no paper is named in this BibTeX; line 1, k: it has neither a title nor"),
        ("@a{x}\n" * 20_001, "more than 20,000 entries are too many; divide the file"),
        ("2404.00001\n" * 20_001, "more than 20,000 entries are too many; divide the file"),
        ("@misc{k, t={" + "{" * 2_000_000, "mostly braces, commas and line breaks"),
    ],
)
def test_a_wrong_file_ends_in_one_sentence(data, sentence):
    with pytest.raises(LibraryError, match=r"^[^\n]{1,200}$") as told:
        read_library(data)

    assert sentence in str(told.value)
