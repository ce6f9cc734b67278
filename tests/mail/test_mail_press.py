"""A mail joined from ready octets is the mail its templates print, whatever they and the data are."""

from __future__ import annotations

import email
import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from email import policy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from mail_samples import NOW, TEMPLATES, make_paper, make_pick, make_picks
from test_mail_wild import PICKS, TEXTS

from newsletter.errors import TemplateError
from newsletter.links import Key, LinkMaker
from newsletter.mail.blanks.values import PeekError
from newsletter.mail.digest import make_digest
from newsletter.mail.message import build
from newsletter.mail.render import Rendered, Renderer
from newsletter.model import Digest, Format, Pick, Profile, Reason, Subscriber, Why

LINKS = LinkMaker("https://papers.example", [Key(1, "test secret")])


def make(reader: Subscriber, picks: Sequence[Pick], **changes: object) -> Digest:
    digest = make_digest(
        subscriber=reader, picks=picks, considered=87, edition="2026-04-03", now=NOW
    )
    return replace(digest, **changes)


def plainly(renderer: Renderer) -> Renderer:
    """The oracle: the same templates, rendered as a whole for each reader."""
    whole = renderer.without_limit()
    whole._press = None
    return whole


def is_pressed(renderer: Renderer, digest: Digest, reader: Subscriber) -> bool:
    try:
        draft = renderer._press.draft(digest, reader, LINKS.for_digest(digest))
        draft.bodies(len(digest.picks), 280)
    except PeekError:
        return False
    return True


def flat(page: str) -> str:
    """A page without regard to where its lines end."""
    return re.sub(r"\s+}", "}", " ".join(page.replace("&#46;", ".").split()))


def assert_same(renderer: Renderer, digest: Digest, reader: Subscriber) -> Rendered:
    links = LINKS.for_digest(digest)
    made = renderer.without_limit().render(digest, reader, links)
    whole = plainly(renderer).render(digest, reader, links)
    assert made.text == whole.text
    assert flat(made.html) == flat(whole.html)
    return made


def test_our_templates_are_pressed(renderer, subscriber):
    for picks in ((), make_picks(1), make_picks(10)):
        assert is_pressed(renderer, make(subscriber, picks), subscriber)


READERS = st.builds(
    lambda name, email, words, length, form, since: Subscriber(
        id="reader-1",
        email=email,
        name=name,
        since=NOW.date() if since else None,
        format=form,
        profile=Profile(topics=tuple(words), abstract_length=length),
    ),
    TEXTS,
    st.sampled_from(("ada@reader.example", "ada@büro.example", "a" * 60 + "@reader.example")),
    st.lists(TEXTS, max_size=6),
    st.sampled_from((0, 40, 280, 5_000)),
    st.sampled_from(Format),
    st.booleans(),
)
LONG = st.sampled_from(("中文字" * 100, "é " * 400, ".dot " * 30, "\U0001f9ea" * 70, "= " * 200))
REASONS = st.lists(
    st.builds(Reason, why=st.sampled_from(list(Why)), detail=st.one_of(TEXTS, LONG)), max_size=4
).map(tuple)


@given(
    reader=READERS,
    picks=PICKS,
    reasons=REASONS,
    notes=st.lists(TEXTS, max_size=2).map(tuple),
    considered=st.integers(min_value=0, max_value=3_000),
)
@settings(max_examples=80)
def test_wild_data_reads_the_same_in_both(renderer, reader, picks, reasons, notes, considered):
    picks = [replace(pick, reasons=reasons or pick.reasons) for pick in picks]
    digest = make(reader, picks, notes=notes, considered=considered)

    made = assert_same(renderer, digest, reader)

    for body, longest in ((made.html_body, 998), (made.text_body, 76)):
        lines = body.octets.split(b"\r\n")
        assert body.octets.isascii()
        assert not any(b"\r" in line or b"\n" in line or line[:1] == b"." for line in lines)
        assert max(map(len, lines)) <= longest


@given(reader=READERS, picks=PICKS)
@settings(max_examples=40)
def test_the_standard_library_reads_the_octets_as_they_were_meant(
    renderer, publication, reader, picks
):
    digest = make(reader, picks)
    links = LINKS.for_digest(digest)
    rendered = renderer.render(digest, reader, links)

    raw = build(rendered, digest=digest, subscriber=reader, publication=publication, links=links)

    message = email.message_from_bytes(raw, policy=policy.default)
    parts = [part for part in message.walk() if not part.is_multipart()]
    assert [defect for part in message.walk() for defect in part.defects] == []
    assert parts[0].get_content().replace("\r\n", "\n") == rendered.text
    assert [part["Content-Transfer-Encoding"] for part in parts] == (
        ["quoted-printable"] + ["7bit"] * (reader.format is Format.HTML)
    )
    for page in parts[1:]:
        assert page.get_content().replace("\r\n", "\n") == rendered.html


def test_the_order_in_which_readers_come_changes_nothing(publication, subscriber):
    readers = [replace(subscriber, id=f"r{n}", name="Ada" * (n % 3)) for n in range(4)]
    made = []
    for order in itertools.islice(itertools.permutations(readers), 0, 24, 5):
        renderer = Renderer([TEMPLATES], publication)
        digests = {r.id: make(r, make_picks(8)[len(r.name) :]) for r in readers}
        mails = {
            r.id: renderer.render(digests[r.id], r, LINKS.for_digest(digests[r.id])) for r in order
        }
        made.append(mails)
    assert all(mails == made[0] for mails in made)


def test_a_paper_that_was_completed_meanwhile_is_shown_as_it_is_now(renderer, subscriber):
    before = make_pick(1)
    after = replace(before, paper=replace(before.paper, title="Another title of the same paper"))
    for pick in (before, after, before):
        rendered = assert_same(renderer, make(subscriber, [pick]), subscriber)
        assert pick.paper.title in rendered.text


def test_a_paper_is_pressed_once_wherever_it_stands(publication, subscriber):
    renderer = Renderer([TEMPLATES], publication)
    for order in itertools.islice(itertools.permutations(make_picks(4)), 6):
        assert_same(renderer, make(subscriber, order), subscriber)
    assert len(renderer._press._plates) == 4


def test_a_paper_is_pressed_for_each_place_where_a_template_asks_for_it(
    folders, publication, subscriber
):
    renderer = Renderer([folders(card="{{ 'first' if card.rank == 1 }}")], publication)
    for order in itertools.permutations(make_picks(3)):
        rendered = assert_same(renderer, make(subscriber, order), subscriber)
        assert rendered.text.count("first") == 1
        assert is_pressed(renderer, make(subscriber, order), subscriber)


def test_what_is_kept_has_bounds(publication, subscriber, monkeypatch):
    monkeypatch.setattr("newsletter.mail.press._PLATES_KEPT", 3)
    monkeypatch.setattr("newsletter.mail.blanks.gaps._SHARED_KEPT", 2)
    monkeypatch.setattr("newsletter.mail.press._SHELLS_KEPT", 2)
    renderer = Renderer([TEMPLATES], publication)
    for count in (1, 5, 3, 5):
        assert_same(renderer, make(subscriber, make_picks(count)), subscriber)
    press = renderer._press
    assert (len(press._plates), len(press._shells)) == (3, 2)
    plates = [plate for _, plate in press._plates.values()]
    known = [shared.known for plate in plates for shared in plate.fillers.shared]
    assert 0 < max(map(len, known)) <= 2


def test_a_home_whose_address_needs_escaping_is_no_obstacle(renderer, subscriber):
    digest = make(subscriber, make_picks(2))
    links = LinkMaker("https://papers.example/a=b&c", [Key(1, "x")]).for_digest(digest)
    rendered = renderer.render(digest, subscriber, links)
    whole = plainly(renderer).render(digest, subscriber, links)
    assert rendered.text == whole.text
    assert flat(rendered.html) == flat(whole.html)
    assert "/a&#61;b&amp;c/more/" in rendered.html


def test_a_page_that_seven_bits_cannot_hold_is_quoted_printable(own_templates, publication, send):
    (own_templates / "mail" / "base.css").write_text('.q:before { content:"•" }', encoding="utf-8")
    sent = send(make_picks(2), by=Renderer([own_templates], publication))
    page = list(email.message_from_bytes(sent.raw, policy=policy.default).iter_parts())[1]
    assert page["Content-Transfer-Encoding"] == "quoted-printable"
    assert "•" in page.get_content()


# Templates of others: one place in the frame and one beside each paper, in both parts.

PAGE = """<mjml lang="en"><mj-head><mj-title>{{{{ mail.subject }}}}</mj-title></mj-head><mj-body>
<mj-raw>{{% import "words.j2" as w %}}{before}</mj-raw>
{{% for card in mail.cards %}}
<mj-section><mj-column><mj-text>{card}<h2>{{{{ card.title }}}}</h2></mj-text></mj-column></mj-section>
{{% endfor %}}
<mj-section><mj-column><mj-text>{after}</mj-text></mj-column></mj-section>
</mj-body></mjml>"""
PLAIN = """{{% import "words.j2" as w %}}
{before}
{{% for card in mail.cards %}}
{{{{ card.title|wrap }}}}
{card}
{{% endfor %}}
{after}
"""
SMALL_WORDS = (
    "{% macro shout(card) %}{{ card.why|upper }}!{% endmacro %}"
    "{% macro told(card) %}{{ card.why }}{% endmacro %}"
    "{% macro count(mail) %}{{ mail.cards|length }} of {{ mail.total }}{% endmacro %}"
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("templates")
    numbers = itertools.count()

    def folder(*, before: str = "", card: str = "", after: str = "") -> Path:
        place = root / str(next(numbers))
        place.mkdir()
        for name, text in (("digest.mjml.j2", PAGE), ("digest.txt.j2", PLAIN)):
            filled = text.format(before=before, card=card, after=after)
            (place / name).write_text(filled, encoding="utf-8")
        (place / "words.j2").write_text(SMALL_WORDS, encoding="utf-8")
        (place / "part.j2").write_text("{{ mail.name }} {{ card is defined }}", encoding="utf-8")
        return place

    return folder


def assert_same_or_both_broken(renderer: Renderer, digest: Digest, reader: Subscriber) -> None:
    try:
        plainly(renderer).render(digest, reader, LINKS.for_digest(digest))
    except TemplateError:
        with pytest.raises(TemplateError):
            renderer.render(digest, reader, LINKS.for_digest(digest))
    else:
        assert_same(renderer, digest, reader)


def digests(reader: Subscriber) -> list[Digest]:
    """Reasons short and long, few papers and many, so that every question has two answers."""
    reasons = [
        (),
        (Reason(why=Why.TOPIC, detail="agents"),),
        (Reason(why=Why.TREND, detail="rising <fast> & far, " * 3),) * 3,
        (Reason(why=Why.KEYWORD, detail="“Zitat” = {x}"),),
        (Reason(why=Why.SURPRISE, detail=".NET"),),
    ]
    picks = [make_pick(n, reasons=why) for n, why in enumerate(reasons, start=1)]
    return [make(reader, picks), make(reader, picks[:0:-1]), make(reader, picks[:1])]


ASKING = (
    "{{ card.why[:12] }}",
    "{{ card.why|length }}",
    "{% if card.why|length > 40 %}long{% else %}short{% endif %}",
    "{% if 'agents' in card.why %}agents{% endif %}",
    "{% if card.why == 'your topic “agents”' %}yes{% endif %}",
    "{{ 'x' if card.why > 'm' else 'y' }}",
    "{{ card.why.upper() }}",
    "{{ card.why.split()|join('_') }}",
    "{% for letter in card.why %}{{ letter }}.{% endfor %}",
    "{{ '%-40s|'|format(card.why) }}{{ '%-40s|' % card.why }}",
    "{{ '{:>40}'.format(card.why) }}",
    "{{ card.why is string }}{{ card.why is none }}{{ card.why is defined }}",
    "{{ {card.why: 1} }}{{ [card.why] }}{{ [card.why].index('x') if card.rank > 9 }}",
    "{{ [card.why, card.title]|join(' / ') }}{{ [card.why]|first }}",
    "{{ [card]|map(attribute='why')|join }}",
    "{% set told %}{{ card.why }}{% endset %}{{ told[:5] }}{{ told|length }}",
    "{% set told = w.told(card) %}{{ told == 'your topic “agents”' }}{{ told[-3:] }}",
    "{% if w.told(card)|trim %}told{% endif %}",
    "{{ card.why|replace('a', '') and 'left' }}",
    "{{ card.why ~ [card.why] }}",
    "{{ card.more_url[-22:] }}{{ card.more_url|urlize }}",
    "{% set a, b = (card.why ~ 'xy')[-2:] %}{{ a }}{{ b }}",
    "{{ mail.name }}",
    "{% if mail.total > 3 %}many{% endif %}",
    "{% if loop.first %}first{% elif loop.last %}last{% endif %}{{ loop.changed(card.why) }}",
    "{{ loop.index }} of {{ loop.length }}",
    "{% include 'part.j2' %}",
    "{% import 'part.j2' as p with context %}{{ p }}",
    "{{ card }}",
    "{{ card.why.__class__ }}",
    "{{ dict(a=card.why).a }}",
    "{{ card.why|list|length }}",
    "{{ ('java' ~ card.why)|e ~ 'script:' }}",
    "{{ m.nothing }}",
    "{{ card.nothing }}",
    "{{ card.why + 1 }}",
    "{{ card.rank * 2 }}{{ card.rank + card.rank }}{{ card.rank - 1 }}{{ -card.rank }}",
    "{{ 'first' if card.rank == 1 }}{{ card.rank is odd }}{{ [7, 8, 9, 10, 11, 12][card.rank] }}",
    "{{ (card.rank|int) + 1 }}{{ 'x' * card.rank }}{{ range(card.rank)|list }}",
    "{{ '%02d'|format(card.rank) }}{{ card.rank ~ '.' }}{{ card.rank|string|length }}",
    "{{ card.more_url ~ ': data' ~ card.more_url ~ ':' }}{{ card.tune_url|length }}",
    "{{ (card.more_url ~ ' and ' ~ card.why)|wordwrap(30) }}",
    "{{ '\U00100001' }}",
    "{{ '\\U00100001' }}",
)
PRINTING = (
    "{{ card.why }}",
    "{{ card.why|upper }}{{ card.why|e }}{{ card.why|safe }}{{ card.why|indent }}",
    "{{ card.why ~ ' and ' ~ card.why ~ card.rank }}",
    "{{ 'java' ~ 'script:' ~ card.why }}",
    "{{ card.why or 'nothing' }}{{ 'a' if card.why else 'b' }}{{ not card.why }}",
    "{{ card.why|default('x') }}{{ card.why|default('x', true) }}",
    "{{ w.shout(card) }}{{ w.told(card)|upper }}{{ w.told(card) ~ card.title }}",
    "{% set told %}<b>{{ card.why }}</b>{% endset %}{{ told }}{{ told|striptags }}",
    "{% filter upper %}{{ card.why }}{% endfilter %}",
    "{% for a, b in [('M', card.more_url), ('L', card.less_url)] %}{{ a }}\n{{ b }}\n{% endfor %}",
    "{% macro own(x) %}[{{ x }}]{% endmacro %}{{ own(card.why) }}{{ own(card.title) }}",
    "{% call(x) w.told(card) %}{% endcall %}",
    "{% with x = card.why %}{{ x }}{{ x }}{% endwith %}",
    "{{ (card.why ~ card.title)|indent(2)|upper }}",
    '<a title="{{ card.why }}" href="{{ card.more_url }}">x</a>',
    "{% autoescape false %}{{ card.why }}{{ w.told(card) }}{% endautoescape %}",
    "{{ card.title|truncate(9) }}{{ card.tags|map('upper')|join(', ') }}{{ card.tags|first }}",
    "{% set ns = namespace(n=0) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}",
    "{% set figures = [] %}{% set _ = figures.append(card.why) %}{{ figures|join }}",
)
AROUND = (
    ("{% set few = mail.total < 3 %}", "{{ few }}"),
    ("{% set row = cycler('odd', 'even') %}", "{{ row.next() }}"),
    ("{% set accent = '#1d4ed8' %}", "<b style='color:{{ accent }}'>x</b>"),
    ("{% set ns = namespace(n=0) %}", "{% set ns.n = ns.n + 1 %}{{ ns.n }}"),
    ("{% set seen = [] %}", "{{ seen.append(card.title) }}{{ seen|length }}"),
    ("{% macro told(card) %}{{ card.why }} of {{ mail.total }}{% endmacro %}", "{{ told(card) }}"),
    ("{% macro told(card) %}“{{ card.why }}”{% endmacro %}", "{{ told(card) }}"),
    ("{% set x = 1 %}{% set x = 2 %}", "{{ x }}"),
    ("{% if mail.total > 2 %}{% set y = 1 %}{% endif %}", "{{ y is defined }}"),
    ("{% for card in mail.cards %}{{ card.rank }}, {% endfor %}", "{{ card.rank }}"),
    ("{% for card in mail.cards if card.rank > 1 %}{{ card.rank }}{% endfor %}", "x"),
    ("{% for card in mail.cards %}{% for card in mail.cards %}x{% endfor %}{% endfor %}", "y"),
    ("{% for card in mail.cards %}{{ card.title }}\n{% else %}none{% endfor %}", "z"),
    ("{% block all %}{% for card in mail.cards %}{{ card.rank }}{% endfor %}{% endblock %}", "x"),
    (
        "{% set list %}{% for card in mail.cards %}{{ card.rank }}{% endfor %}{% endset %}{{ list }}",
        "",
    ),
    ("{% set list %}{% for card in mail.cards %}.{% endfor %}{% endset %}{{ list|length }}", ""),
    ("<p title='{% for card in mail.cards %}{{ card.title }} {% endfor %}'>x</p>", ""),
    ("{% macro mine(mail) %}{{ mail }}{% endmacro %}{{ mine(3) }}", ""),
)
IN_THE_FRAME = (
    "{{ mail.name }}{{ mail.name|upper }}{{ mail.name[:2] }}",
    "{% if mail.name == 'Ada' %}Countess{% endif %}",
    "{{ mail.cards|length }}{{ mail.cards[0].title }}",
    "{% if mail.cards %}some{% endif %}{{ mail.cards[0].title is defined }}",
    "{{ mail.cards|map(attribute='title')|join(', ') }}",
    "{{ w.count(mail) }}",
    "{% for note in mail.notes %}{{ note }}{% endfor %}",
    "{{ mail.address|replace('@', ' at ') }}{{ mail.interests|indent }}{{ mail.since or 'ever' }}",
    "{{ mail.links.unsubscribe }}\n{{ mail.links.more('2604.00001') }}",
    "{{ mail.links.digest.id }}",
    "{{ mail.nothing is defined }}{{ mail.links.nothing is defined }}",
    "{{ mail }}",
    "{% include 'part.j2' %}",
    "{{ mail.subject }} {{ mail.preheader|length }}",
    "{{ mail.name|replace('Ada', '') }}. A sentence behind nothing",
)


@pytest.mark.parametrize("snippet", ASKING + PRINTING)
def test_whatever_a_template_does_with_a_paper_reads_the_same(
    folders, publication, subscriber, snippet
):
    renderer = Renderer([folders(card=snippet)], publication)
    for digest in digests(subscriber):
        assert_same_or_both_broken(renderer, digest, subscriber)


@pytest.mark.parametrize("snippet", PRINTING)
def test_what_only_prints_is_pressed(folders, publication, snippet):
    renderer = Renderer([folders(card=snippet)], publication)
    assert renderer._press is not None


@pytest.mark.parametrize(("before", "snippet"), AROUND)
def test_what_stands_around_the_papers_may_matter_to_them(
    folders, publication, subscriber, before, snippet
):
    renderer = Renderer([folders(before=before, card=snippet)], publication)
    for digest in digests(subscriber):
        assert_same_or_both_broken(renderer, digest, subscriber)


@pytest.mark.parametrize("snippet", IN_THE_FRAME)
def test_whatever_a_template_does_with_the_reader_reads_the_same(
    folders, publication, subscriber, snippet
):
    renderer = Renderer([folders(after=snippet)], publication)
    for name in ("Ada", "", "Grace “Amazing” Hopper", ".Dot"):
        reader = replace(subscriber, name=name)
        for digest in digests(reader):
            assert_same_or_both_broken(renderer, digest, reader)


VALUES = st.sampled_from(
    ("card.why", "card.title", "card.rank", "card.more_url", "'ab'", "7", "w.told(card)", "x")
)


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Larger expressions of smaller ones."""
    one = st.sampled_from(
        (
            *("({}|upper)", "({}|length)", "({}|e)", "({}|safe)", "({}|trim)", "({}|string)"),
            *(
                "({}|default('d'))",
                "({}|indent(1))",
                "({}|replace('a', 'b'))",
                "({}|list|join('-'))",
            ),
            *("(not {})", "({}[:9])", "({}[2])", "({}.upper())", "({} is string)", "[{}]"),
            *("w.told({{'why': {}}})", "({}|striptags)", "({}|first)", "({}|forceescape)"),
        )
    )
    two = st.sampled_from(
        (
            *("({} ~ {})", "({} if {} else 'no')", "({} == {})", "({} in {})", "({} or {})"),
            *("({} and {})", "({} + {})", "({} < {})", "('%9s %s' % ({}, {}))", "[{}, {}]|join"),
            *("({} ~ {} * 3)", "'{{}}-{{}}'.format({}, {})", "({}|replace('a', {}))"),
        )
    )
    return st.one_of(st.builds(str.format, one, inner), st.builds(str.format, two, inner, inner))


EXPRESSIONS = st.recursive(VALUES, grown, max_leaves=5)


@given(first=EXPRESSIONS, second=EXPRESSIONS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_random_expressions_read_the_same(folders, publication, subscriber, first, second):
    snippet = (
        f"{{% set x = {first} %}}{{{{ x }}}};{{% if {second} %}}{{{{ {second} }}}}{{% endif %}}"
    )
    try:
        renderer = Renderer([folders(card=snippet)], publication)
    except (TemplateError, SyntaxError):  # Python warns of `7[:9]`, and warnings are errors here
        assume(False)
    for digest in digests(subscriber)[:2]:
        assert_same_or_both_broken(renderer, digest, subscriber)


@pytest.mark.parametrize("length", [20, 26, 33, 43, 69, 120])
def test_a_long_reason_fills_several_lines(renderer, subscriber, length):
    reason = Reason(why=Why.LIKED, detail="中" * length)
    digest = make(subscriber, [make_pick(1, reasons=(reason,) * 3)])
    assert is_pressed(renderer, digest, subscriber)
    assert_same(renderer, digest, subscriber)


def test_a_paper_behind_an_endless_link_makes_no_line_too_long(renderer, subscriber):
    paper = make_paper(1, url="https://papers.example/" + "x" * 1_900)
    rendered = assert_same(renderer, make(subscriber, [make_pick(1, paper=paper)]), subscriber)
    assert rendered.html_body.encoding == "quoted-printable"
