"""The lint sees, with file and line, what the MJML compiler accepts in silence."""

from __future__ import annotations

import pytest
from mail_samples import TEMPLATES

from newsletter.mail.mjml.lint import Problem, lint
from newsletter.mail.mjml.source import read_document
from newsletter.mail.mjml.table import ATTRIBUTES, CHILDREN
from newsletter.mail.template_files import TemplateFiles

FRAME = """<mjml>
<mj-head><mj-title>{{ mail.subject }}</mj-title></mj-head>
<mj-body>
%s
</mj-body>
</mjml>
"""
SECTION = "<mj-section><mj-column>\n%s\n</mj-column></mj-section>"


class OneFile:
    """Where every template is the same text."""

    def __init__(self, source: str) -> None:
        self._source = source

    def read(self, name: str, *, asked_by: str = "", line: int = 0) -> str:
        return self._source


def lint_text(source: str) -> tuple[Problem, ...]:
    return lint(read_document(OneFile(source), "digest.mjml.j2"))


def problems(body: str) -> list[tuple[int, str]]:
    return [(problem.line, problem.text) for problem in lint_text(FRAME % body)]


def test_our_own_templates_are_sound():
    document = read_document(TemplateFiles([TEMPLATES]), "digest.mjml.j2")
    assert lint(document) == ()


def test_a_sound_template_has_no_problems():
    body = SECTION % '<mj-text color="#111" css-class="x">Hi <b>{{ a < b }}</b><br>&lt;</mj-text>'
    assert problems(body) == []


@pytest.mark.parametrize(
    ("body", "line", "says"),
    [
        (SECTION % "<mj-texst>Hi</mj-texst>", 5, "unknown tag <mj-texst>; did you mean mj-text?"),
        (SECTION % "<mj-foo />", 5, "unknown tag <mj-foo>"),
        ("<mj-section>\n</mj-column>", 5, "</mj-column> closes nothing"),
        ("<mj-section><mj-column>\n</mj-section>", 5, "while <mj-column> of line 4 is still open"),
        (SECTION % "<mj-text>Hi", 6, "closes while <mj-text> of line 5 is still open"),
        (SECTION % '<mj-text colour="red">Hi</mj-text>', 5, "no attribute colour; did you mean"),
        (SECTION % '<mj-text\n  size="3">Hi</mj-text>', 6, "<mj-text> knows no attribute size"),
        (SECTION % "<mj-text color=red>Hi</mj-text>", 5, "the value of color needs quotes"),
        (SECTION % "<mj-image src>", 5, "the value of src needs quotes"),
        (SECTION % '<mj-text color="a" color="b">x</mj-text>', 5, "color is given twice"),
        (SECTION % "<mj-text {% if a %}{% endif %}>x</mj-text>", 5, "between the attributes"),
        (SECTION % "<mj-section></mj-section>", 5, "<mj-section> cannot stand in <mj-column>"),
        ("<mj-text>x</mj-text>", 4, "<mj-text> cannot stand in <mj-body>; it belongs into"),
        (SECTION % "hello", 4, "“hello” inside <mj-column> shows nowhere"),
        (SECTION % "<div>x</div>", 5, "HTML belongs into <mj-text> or <mj-raw>"),
        (SECTION % "<mj-text>a < b</mj-text>", 5, "a bare “<”"),
        (SECTION % "<mj-text><p>a</mj-text>", 5, "while <p> of line 5 is still open"),
        (SECTION % "<mj-text></p></mj-text>", 5, "</p> closes nothing; open is <mj-text>"),
        (SECTION % "<mj-text><mj-image /></mj-text>", 5, "<mj-image> cannot stand in <mj-text>"),
        (
            SECTION % '<mj-text><a {% if x %}class="y"{% endif %}>z</a></mj-text>',
            5,
            "a blank is missing between an attribute of <a>",
        ),
        ("<mj-body></mj-body>", 4, "<mj-body> cannot stand in <mj-body>"),
        (
            "{% for x in y %}\n<mj-section>\n{% endfor %}</mj-section>",
            6,
            "one pass of the loop of line 4",
        ),
        (
            "{% if x %}<mj-section>{% else %}\n<mj-wrapper>{% endif %}</mj-wrapper>",
            5,
            "one branch of the if of line 4",
        ),
    ],
)
def test_a_fault_is_named_with_its_line(body, line, says):
    found = problems(body)
    assert (line, True) in [(at, says in text) for at, text in found], found


def test_lines_stay_true_below_comments_and_jinja_of_several_lines():
    body = "<!-- a\n<mj-foo>\n-->\n{# b\n#}\n{% set x = [1,\n2] -%}\n\n<mj-bar />"
    assert problems(body) == [(12, "unknown tag <mj-bar>; did you mean mj-navbar?")]


def test_both_branches_of_an_if_are_looked_at():
    body = (
        "{% if x %}<mj-foo />{% elif y %}<mj-section></mj-section>{% else %}\n<mj-baz />{% endif %}"
    )
    assert [line for line, _ in problems(body)] == [4, 5]


def test_defaults_may_name_every_tag_and_class():
    head = (
        "<mjml><mj-head><mj-attributes>\n"
        '<mj-all padding="0" /><mj-class name="quiet" color="#555" /><mj-text color="#111" />\n'
        '<mj-nothing color="#111" />\n'
        "</mj-attributes></mj-head><mj-body></mj-body></mjml>"
    )
    assert [problem.line for problem in lint_text(head)] == [3]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", "this one has no <mj-body>"),
        ("<mjml></mjml>", "this one has no <mj-body>"),
        ("<mjml><mj-body></mj-body><mj-body></mj-body></mjml>", "2 times <mj-body>"),
        ("<mjml><mj-body></mj-body>", "<mjml> is never closed"),
        ("<mj-body></mj-body>", "<mj-body> stands outside of <mjml>"),
        ("<mjml><mj-body></mj-body></mjml> more", "“more” outside of <mjml>"),
    ],
)
def test_the_whole_must_be_one_template(source, says):
    assert any(says in problem.text for problem in lint_text(source))


def test_the_table_speaks_of_known_tags_only():
    for parent, children in CHILDREN.items():
        assert {parent, *children} <= set(ATTRIBUTES)
