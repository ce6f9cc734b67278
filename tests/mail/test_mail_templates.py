"""Templates can be replaced one by one, stay inside their directories and break with a clear word."""

from __future__ import annotations

from pathlib import Path

import pytest
from mail_samples import TEMPLATES, make_picks

from newsletter.errors import ConfigError, TemplateError
from newsletter.mail.mjml.compile import compile_template
from newsletter.mail.render import Renderer
from newsletter.mail.template_files import TemplateFiles
from newsletter.mail.templating import counted, escape, wrap


def change(templates: Path, name: str, old: str, new: str) -> int:
    """Replaces one piece of a template; answers with its line."""
    path = templates / "mail" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def broken(templates: Path, publication, send) -> TemplateError:
    def compile_and_render() -> None:
        send(make_picks(2), by=Renderer([templates], publication))

    with pytest.raises(TemplateError) as caught:
        compile_and_render()
    return caught.value


@pytest.mark.parametrize("subdirectory", ["mail", "."])
def test_an_own_directory_replaces_a_single_file(tmp_path, publication, send, subdirectory):
    own = tmp_path / "own"
    place = own / subdirectory
    place.mkdir(parents=True)
    words = (TEMPLATES / "mail" / "words.j2").read_text(encoding="utf-8")
    changed = words.replace("papers picked for you", "papers, hand-picked")
    (place / "words.j2").write_text(changed, encoding="utf-8")
    rendered = send(make_picks(3), by=Renderer([own, TEMPLATES], publication)).rendered
    assert "3 papers, hand-picked" in rendered.html
    assert "3 papers, hand-picked" in rendered.text


def test_an_included_mjml_file_can_be_replaced_alone(tmp_path, publication, send):
    card = (
        '<mj-section css-class="card"><mj-column><mj-text>'
        "<h2>{{ card.title }}</h2></mj-text></mj-column></mj-section>"
    )
    (tmp_path / "card.mjml.j2").write_text(card, encoding="utf-8")
    html = send(make_picks(2), by=Renderer([tmp_path, TEMPLATES], publication)).rendered.html
    assert html.count("<h2>Paper ") == 2


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("card.mjml.j2", "mj-image css-class", "mj-imige css-class", "unknown tag <mj-imige>"),
        ("card.mjml.j2", "fluid-on-mobile", "fluid-on-phone", "no attribute fluid-on-phone"),
        ("digest.mjml.j2", "</mj-column>", "</mj-colum>", "</mj-colum> closes nothing"),
        ("digest.mjml.j2", "{% for card in mail.cards %}", "{% for card in %}", "Expected"),
        ("digest.mjml.j2", "{% if mail.hidden %}", "{% iff mail.hidden %}", "unknown tag 'iff'"),
        ("card.mjml.j2", "{% endif %}", "{% endfi %}", "unknown tag 'endfi'"),
        ("card.mjml.j2", "{% else %}", "{% eles %}", "unknown tag 'eles'"),
        ("digest.mjml.j2", "{{ mail.date }}", "{{ mail.datum }}", "no attribute 'datum'"),
        ("digest.mjml.j2", "{{ mail.date }}", "{{ mail.date|shout }}", "No filter named 'shout'"),
        ("digest.mjml.j2", "{{ mail.date }}", "{{ 1 / 0 }}", "division by zero"),
        ("digest.mjml.j2", "card.mjml.j2", "cart.mjml.j2", "there is no template “cart.mjml.j2”"),
        ("digest.mjml.j2", "card.mjml.j2", "../secret", "leads out of the template directories"),
        ("digest.mjml.j2", 'path="card.mjml.j2"', "", "mj-include needs a path"),
        ("head.mjml.j2", 'type="css"', 'type="html"', "mj-include knows mjml and css"),
        ("digest.mjml.j2", "card.mjml.j2", "digest.mjml.j2", "the template includes itself"),
        ("base.css", "{", "", "“}” closes nothing"),
        ("base.css", "}", "", "“{” is never closed"),
        ("dark.css", "!important; }", "!important;", "“{” is never closed"),
        ("head.mjml.j2", 'width="480px"', 'wide="480px"', "no attribute wide"),
        ("card.mjml.j2", 'width="152px"', 'width="{{ card.rank }}px"', "must be a plain value"),
        (
            "macros.html.j2",
            "{{ card.rank }}",
            "{{ card.rang }}",
            "the Card has no attribute 'rang'",
        ),
        ("macros.html.j2", "{%- macro meta(card) -%}", "{%- macro meta(card -%}", "expected token"),
        ("digest.txt.j2", "{{ w.headline(mail)|wrap }}", "{{ w.head(mail) }}", "head"),
        (
            "digest.txt.j2",
            "{{ w.headline(mail)|wrap }}",
            "{{ w.headline(mail|wrap }}",
            "unexpected",
        ),
        ("words.j2", "{{ mail.total }}", "{{ mail.summe }}", "no attribute 'summe'"),
    ],
)
def test_a_broken_template_is_named_with_file_and_line(
    own_templates, publication, send, name, old, new, says
):
    line = change(own_templates, name, old, new)
    error = broken(own_templates, publication, send)
    assert says in error.problem
    assert (error.file, error.line) == (name, line)
    assert "\n" not in error.problem


def test_a_missing_template_is_named_with_the_places_searched(tmp_path, publication):
    with pytest.raises(TemplateError, match=r"there is no template “digest\.mjml\.j2” in"):
        Renderer([tmp_path], publication)


def test_a_directory_of_templates_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere: there is no such directory of templates"):
        TemplateFiles([tmp_path / "nowhere"])


def test_a_template_that_is_not_utf8_is_named_with_its_line(own_templates, publication, send):
    path = own_templates / "mail" / "card.mjml.j2"
    path.write_bytes(b"<!-- one -->\n<!-- \xff -->" + path.read_bytes())
    error = broken(own_templates, publication, send)
    assert (error.file, error.line, error.problem) == ("card.mjml.j2", 2, "is not UTF-8 here")


def test_an_imported_file_that_is_not_utf8_is_named_itself(own_templates, publication, send):
    path = own_templates / "mail" / "words.j2"
    path.write_bytes(b"{# one #}\n{# \xff #}" + path.read_bytes())
    error = broken(own_templates, publication, send)
    assert (error.file, error.line, error.problem) == ("words.j2", 2, "is not UTF-8 here")


def test_an_empty_template_is_named(own_templates, publication, send):
    (own_templates / "mail" / "digest.mjml.j2").write_text("", encoding="utf-8")
    error = broken(own_templates, publication, send)
    assert (error.file, error.line) == ("digest.mjml.j2", 1)
    assert "this one has no <mj-body>" in error.problem


@pytest.mark.parametrize(
    ("name", "end", "opening"),
    [
        ("digest.mjml.j2", "{% endfor %}", "{% for card in mail.cards %}"),
        ("card.mjml.j2", "{% endif %}", "{% if card.thumbnail_url %}"),
    ],
)
def test_a_block_that_is_never_closed_is_named_where_it_opens(
    own_templates, publication, send, name, end, opening
):
    path = own_templates / "mail" / name
    text = path.read_text(encoding="utf-8")
    before, _, behind = text.rpartition(end)
    path.write_text(before + behind, encoding="utf-8")
    error = broken(own_templates, publication, send)
    assert error.problem == f"{opening} is never closed"
    assert (error.file, error.line) == (name, text[: text.index(opening)].count("\n") + 1)


@pytest.mark.parametrize("name", ["../outside.j2", "/etc/hosts", "a/../../outside.j2", "a\\b", ""])
def test_no_name_leads_out_of_the_template_directories(tmp_path, name):
    (tmp_path / "outside.j2").write_text("secret", encoding="utf-8")
    (tmp_path / "inside").mkdir()
    with pytest.raises(TemplateError):
        TemplateFiles([tmp_path / "inside"]).read(name)


def test_a_symbolic_link_does_not_lead_out_either(tmp_path):
    (tmp_path / "outside.j2").write_text("secret", encoding="utf-8")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "x.j2").symlink_to(tmp_path / "outside.j2")
    with pytest.raises(TemplateError, match="there is no template"):
        TemplateFiles([tmp_path / "inside"]).read("x.j2")


def test_a_jinja_include_is_confined_as_well(own_templates, publication, send):
    line = change(
        own_templates, "digest.txt.j2", "{{ w.headline", "{% include '../x' %}{{ w.headline"
    )
    error = broken(own_templates, publication, send)
    assert error.file == "digest.txt.j2"
    assert error.line in (0, line)
    assert "leads out of the template directories" in error.problem


def test_a_template_that_calls_itself_ends_in_a_sentence(own_templates, publication, send):
    change(
        own_templates,
        "digest.txt.j2",
        "{{ w.headline",
        "{% include 'digest.txt.j2' %}{{ w.headline",
    )
    assert "without end" in broken(own_templates, publication, send).problem


def test_a_value_that_is_not_known_prints_nothing(own_templates, publication, send):
    change(own_templates, "macros.html.j2", "{{ card.rank }}", "[{{ {}.get(1) }}]")
    change(own_templates, "digest.txt.j2", "{{ w.headline", "[{{ {}.get(1) }}]{{ w.headline")
    rendered = send(make_picks(1), by=Renderer([own_templates], publication)).rendered
    assert "[]" in rendered.html
    assert "[]" in rendered.text


def test_jinja_in_attributes_and_conditions_survives_the_compiler(tmp_path):
    (tmp_path / "x.mjml.j2").write_text(
        "<mjml><mj-body><mj-section><mj-column><mj-text>\n"
        """<a {% if a < b %}class="x" {% endif %} href="{{ d["k"] }}">{{ 'a\\nb' }}</a>\n"""
        "{% raw %}<!--[if mso | IE]></td><![endif]-->{% endraw %}"
        "</mj-text></mj-column></mj-section></mj-body></mjml>",
        encoding="utf-8",
    )
    source = compile_template(TemplateFiles([tmp_path]), "x.mjml.j2").source
    for piece in ("if a < b %}", """ d["k"] }}""", r"""'a\nb' }}""", "<!--[if mso]></td>"):
        assert piece in source


def test_data_is_escaped_beyond_what_html_needs():
    assert escape("""<b a="1">'{{ \\x }}' javascript:""") == (
        "&lt;b a&#61;&#34;1&#34;&gt;&#39;&#123;&#123; &#92;x &#125;&#125;&#39; javascript&#58;"
    )


def test_what_the_compiler_refuses_is_passed_on_with_a_place(tmp_path):
    (tmp_path / "x.mjml.j2").write_text(
        "<mjml><mj-body><mj-raw>\n<![CDATA[x]]></mj-raw></mj-body></mjml>", encoding="utf-8"
    )
    with pytest.raises(TemplateError) as caught:
        compile_template(TemplateFiles([tmp_path]), "x.mjml.j2")
    assert caught.value.file == "x.mjml.j2"


def test_many_faults_are_summed_up(tmp_path):
    (tmp_path / "x.mjml.j2").write_text(
        "<mjml><mj-body>" + "\n<mj-foo />" * 9 + "</mj-body></mjml>", encoding="utf-8"
    )
    with pytest.raises(TemplateError, match=r"x\.mjml\.j2:2: .*; x\.mjml\.j2:3: .*; and 4 more"):
        compile_template(TemplateFiles([tmp_path]), "x.mjml.j2")


def test_filters_for_designers():
    assert (counted(1, "paper"), counted(1200, "paper")) == ("1 paper", "1,200 papers")
    assert counted(2, "entry", "entries") == "2 entries"
    assert wrap("a b", indent=2) == "  a b"
    assert wrap("one two three", indent=4, width=10, first=" 1. ") == " 1. one\n    two\n    three"
