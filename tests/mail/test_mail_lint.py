"""Our pre-flight holds for our mails, and each rule fails for the fault it is there for."""

from __future__ import annotations

import binascii
from dataclasses import replace

import pytest
from mail_samples import make_pick, make_picks

from newsletter.mail.lint import check_mail
from newsletter.model import Format, Profile


def failed(raw: bytes, *, dev: bool = True, html_limit: int = 90_000) -> dict[str, str]:
    checks = check_mail(raw, dev=dev, html_limit=html_limit)
    return {check.rule: check.seen for check in checks if not check.holds}


def test_every_rule_holds_for_our_mails(send, subscriber):
    nobody = replace(subscriber, name="", since=None, profile=Profile())
    for picks in ((), make_picks(1), make_picks(10), make_picks(40)):
        assert failed(send(picks).raw) == {}
        assert failed(send(picks, reader=nobody).raw) == {}


def test_in_production_only_https_counts(send):
    rules = failed(send(make_picks(1)).raw, dev=False)
    assert set(rules) == {
        "List-Unsubscribe: one https URI with an opaque token",
        "links are https and absolute",
    }
    assert failed(send(make_picks(1), base_url="https://papers.example").raw, dev=False) == {}


def test_a_text_mail_is_spared_the_html_rules(send, subscriber):
    raw = send(make_picks(2), reader=replace(subscriber, format=Format.TEXT)).raw
    assert failed(raw) == {}
    assert len(check_mail(raw, dev=True)) < len(check_mail(send(make_picks(2)).raw, dev=True))


def test_a_sentence_may_begin_with_none(send):
    paper = make_pick(1).paper
    raw = send([make_pick(1, paper=replace(paper, abstract="None of them agree. " * 5))]).raw
    assert failed(raw) == {}


def test_an_abstract_may_begin_with_none_before_a_word_longer_than_a_line(send):
    paper = replace(make_pick(1).paper, abstract="None comments " + "x" * 90 + " at all.")
    assert failed(send([make_pick(1, paper=paper)]).raw) == {}


HEADERS = [
    ("only CRLF line ends", b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\n"),
    ("7 bit, no NUL", b"1 Example Street", "1 Exämple Street".encode()),
    ("7 bit, no NUL", b"1 Example Street", b"1 Example \0Street"),
    (
        "lines of at most 998 octets",
        b"MIME-Version",
        b"X-Long: " + b"x" * 999 + b"\r\nMIME-Version",
    ),
    (
        "headers under 16 kB, mail under 150 kB",
        b"MIME-Version",
        b"X-Long: x\r\n" * 2_000 + b"MIME-Version",
    ),
    ("headers under 16 kB, mail under 150 kB", b"Trending", b"x\r\n" * 50_000 + b"Trending"),
    ("each header exactly once", b"MIME-Version", b"Subject: again\r\nMIME-Version"),
    ("each header exactly once", b"Feedback-ID: ", b"X-Feedback-ID: "),
    ("no copy and no mailer named", b"MIME-Version", b"Bcc: x@y.example\r\nMIME-Version"),
    ("no encoded-word in structured headers", b"List-Id: ", b"List-Id: =?utf-8?q?x?= "),
    (
        "encoded-words of at most 75 characters, decodable",
        b"Subject: ",
        b"Subject: =?utf-8?q?" + b"x" * 80 + b"?= ",
    ),
    ("encoded-words of at most 75 characters, decodable", b"Subject: ", b"Subject: =?nope?q?x?= "),
    ("From: one address with a display name", b'From: "Trending papers" ', b"From: "),
    ("From: one address with a display name", b"From: ", b"From: x@y.example, "),
    ("From: one address with a display name", b'From: "', b'From: "x@y.example '),
    (
        "From: one address with a display name",
        b'From: "Trending papers"',
        b"From: =?utf-8?b?8J+Thg==?=",
    ),
    ("To: one address", b"To: ", b"To: x@y.example, "),
    ("Reply-To: an address", b"Reply-To: hello@newsletter.example", b"Reply-To: nobody"),
    ("Subject of 1 to 78 characters, no Re:, no shouting", b"Subject: ", b"Subject: Re: "),
    ("Subject of 1 to 78 characters, no Re:, no shouting", b"Subject: ", b"Subject: " + b"x" * 78),
    (
        "Subject of 1 to 78 characters, no Re:, no shouting",
        b"Subject: Paper 1: how short lists help people who read",
        b"Subject: READ THIS NOW",
    ),
    ("Date parses, zone known", b"+0000", b"-0000"),
    ("Date parses, zone known", b"03 Apr 2026", b"soon"),
    ("Message-ID under the sender's domain", b"@newsletter.example>\r\nList-Id", b"@x>\r\nList-Id"),
    ("Message-ID under the sender's domain", b"Message-ID: <", b"Message-ID: <a b"),
    ("List-Id form", b"<digest.newsletter.example>", b"<digest>"),
    (
        "List-Unsubscribe: one https URI with an opaque token",
        b"<mailto:hello@newsletter",
        b"<https://x.example/0123456789012345678901>, <mailto:hello@newsletter",
    ),
    (
        "List-Unsubscribe: one https URI with an opaque token",
        b"8025/unsubscribe/",
        b"8025/unsubscribe/ada@reader.example/",
    ),
    (
        "List-Unsubscribe: one https URI with an opaque token",
        b">,\r\n <mailto",
        b"/1>,\r\n <mailto",
    ),
    ("List-Unsubscribe: one https URI with an opaque token", b"Unsubscribe: <", b"Unsubscribe: "),
    ("List-Unsubscribe-Post: one click", b"=One-Click", b"=Two-Clicks"),
    ("Feedback-ID: four fields", b":newsletter\r\n", b":x\r\n"),
    (
        "Feedback-ID: four fields",
        b":digest:newsletter\r\n",
        b":ada@reader.example:newsletter\r\n",
    ),
    ("Auto-Submitted: auto-generated", b"auto-generated", b"no"),
    ("text part first, then HTML", b"Content-Type: text/plain", b"Content-Type: text/html"),
    ("text part first, then HTML", b"multipart/alternative", b"multipart/mixed"),
    (
        "parts are utf-8, 7 bit or quoted-printable with lines of at most 76",
        b"text/plain; charset=utf-8",
        b"text/plain; charset=latin-1",
    ),
    (
        "parts are utf-8, 7 bit or quoted-printable with lines of at most 76",
        b"1 Example Street, Example City\r\n",
        b"1 Example Street" + b"e" * 80 + b"\r\n",
    ),
    ("no line begins with a dot", b"\r\nHello", b"\r\n.Hello"),
    ("no parser defects", b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\nno header here\r\n"),
    (
        "no attachment",
        b"Content-Type: text/plain",
        b"Content-Disposition: attachment\r\nContent-Type: text/plain",
    ),
]


@pytest.mark.parametrize(("rule", "old", "new"), HEADERS)
def test_a_fault_on_the_wire_is_seen(send, rule, old, new):
    raw = send(make_picks(1)).raw
    assert old in raw
    assert rule in failed(raw.replace(old, new, 1))


def test_a_missing_closing_boundary_is_seen(send):
    raw = send(make_picks(1)).raw
    assert "no parser defects" in failed(raw[: raw.rindex(b"--=_")])


HTML = [
    (
        "styles of at most 16,000 characters",
        "<style ",
        "<style>" + "x" * 16_001 + "</style><style ",
    ),
    ("no @ rule inside an @ rule", "<style ", "<style>@media x{@media y{}}</style><style "),
    ("doctype, lang, viewport, charset", "<!doctype html>", ""),
    ("doctype, lang, viewport, charset", ' lang="en"', ' lang=""'),
    ("doctype, lang, viewport, charset", 'name="viewport"', 'name="port"'),
    ("title is the subject", "<title>", "<title>Other "),
    ("colour schemes declared, dark colours given", 'name="color-scheme"', 'name="scheme"'),
    ("colour schemes declared, dark colours given", "prefers-color-scheme", "color-scheme"),
    ("preheader first, 40 to 110 characters", "The one of 87 new papers", ""),
    (
        "preheader first, 40 to 110 characters",
        "The one of 87 new papers that fits your interests, and why.",
        "Paper 1: how short lists help people who read",
    ),
    ("no template leftovers", "<body", "<mj-foo></mj-foo><body"),
    ("no template leftovers", "Readers drown", "{{ Readers }} drown"),
    ("no template leftovers", ">2 more<", ">None<"),
    ("no template leftovers", " 180 upvotes<", "</span><span>None upvotes<"),
    ("no escape leftovers in attributes", 'alt="', 'alt="\\n'),
    ("no active content", "<body", "<script></script><body"),
    ("no active content", "<body", '<body onload="x"'),
    ("links are https and absolute", 'href="https://papers', 'href="http://papers'),
    ("links are https and absolute", 'src="https://cdn', 'src="//cdn'),
    ("links are https and absolute", 'href="https://papers', 'href="https://a@papers'),
    ("links are https and absolute", 'href="https://papers', 'href="https://[papers'),
    ("links are https and absolute", "https://code.example/", "https://code.example/" + "x" * 2000),
    ("link texts lead where they say", ">Code<", ">https://other.example/<"),
    ("layout tables are marked as such", ' role="presentation"', ""),
    ("layout tables are marked as such", ' cellpadding="0"', ""),
    ("images have alt text and width", ' alt="', ' title="'),
    ("images have alt text and width", ' width="152"', ' width="auto"'),
    ("images have alt text and width", "border-radius:8px;display:block;", ""),
    (
        "images have alt text and width",
        'alt="Preview of &#8220;Paper 1: how short lists help people&#8230;&#8221;"',
        'alt="2604.00001.png"',
    ),
    ("no tracking pixel", ' width="152"', ' width="1"'),
    ("one h1, h2 below it", "<h1", "<h1>x</h1><h1"),
    ("one h1, h2 below it", "</h2>", "</h2><h4>x</h4>"),
    ("one h1, h2 below it", "<h2", "<h3"),
    ("conditional comments balanced", "<![endif]-->", ""),
    ("tags balanced", "</h1>", "</div></h1>"),
    ("no CSS that clients drop", 'style="', 'style="display:flex;'),
    ("no CSS that clients drop", 'style="', 'style="margin-top:-4px;'),
    ("no CSS that clients drop", 'style="', 'style="color:var(--x);'),
    ("no CSS that clients drop", 'style="', 'style="float:left;'),
    ("no type below 12 px", "font-size:13px", "font-size:9px"),
    ("unsubscribe link visible", ">Unsubscribe<", ">Leave<"),
    (
        "unsubscribe link visible",
        '" style="color:#434b57">Unsubscribe<',
        '" style="display:none">Unsubscribe<',
    ),
    ("reason line with the address", "You receive this", "This comes"),
    ("reason line with the address", "ada@reader.example", "somebody"),
    ("no broken or steering characters", "Readers drown", "Readers \x85\u202edrown"),
    ("every title of the HTML is in the text", "<h1", "<h1 x>Another</h1><h1"),
    ("HTML small enough not to be clipped", "<body", "<p>" + "word " * 20_000 + "</p><body"),
]


def rebuilt(sent, *, html: str | None = None, text: str | None = None) -> bytes:
    """The mail with one part replaced, encoded as it should be."""
    first, plain, page = sent.raw.split(f"--=_{sent.digest.id}\r\n".encode())
    for old, new in ((sent.rendered.text, text), (sent.rendered.html, html)):
        if new is not None:
            assert new != old, "the mutation did not find its place"
    plain = plain if text is None else _with_body(plain, text)
    if html is not None:
        page = _with_body(page, html) + f"--=_{sent.digest.id}--\r\n".encode()
    return f"--=_{sent.digest.id}\r\n".encode().join((first, plain, page))


def _with_body(part: bytes, body: str) -> bytes:
    head = part.partition(b"\r\n\r\n")[0]
    if b"7bit" in head:
        encoded = body.encode("ascii", "xmlcharrefreplace")
    else:
        encoded = binascii.b2a_qp(body.encode(), istext=True)
    return head + b"\r\n\r\n" + encoded.replace(b"\n", b"\r\n") + b"\r\n"


@pytest.mark.parametrize(("rule", "old", "new"), HTML)
def test_a_fault_of_the_html_is_seen(send, rule, old, new):
    sent = send(make_picks(1))
    if old == ">2 more<":
        changed = sent.rendered.html.replace("12 comments", "None", 1)
    else:
        changed = sent.rendered.html.replace(old, new, 1)
    assert rule in failed(rebuilt(sent, html=changed))


def in_french(sent, unsubscribe: str) -> bytes:
    words = {
        ' lang="en"': ' lang="fr"',
        "You receive this at": "Ce courriel va à",
        "because you asked": "car vous avez",
        ">Unsubscribe<": unsubscribe,
    }
    html, text = sent.rendered.html, sent.rendered.text
    for old, new in words.items():
        html, text = html.replace(old, new), text.replace(old, new)
    return rebuilt(sent, html=html, text=text)


def test_a_mail_in_another_language_is_not_asked_for_english_words(send):
    assert failed(in_french(send(make_picks(1)), ">Se désabonner<")) == {}


def test_a_way_out_that_cannot_be_seen_is_told_in_any_language(send):
    assert failed(in_french(send(make_picks(1)), "> <")) == {"unsubscribe link visible": "no link"}


TEXT = [
    ("text: lines of at most 78 characters", "Hello Ada.", "Hello Ada." + " word" * 20),
    ("text: URLs on lines of their own", "Read:\n    http", "Read: http"),
    ("text: no tags or entities", "Hello Ada.", "Hello <b>Ada</b>."),
    ("text: no tags or entities", "Hello Ada.", "Hello &amp; Ada."),
    ("text: unsubscribe named, with its URL", "/unsubscribe/", "/elsewhere/"),
    ("text: reason line with the address", "You receive", "This is"),
    ("text: reason line with the address", "ada@reader.example", "somebody"),
    ("text: no template leftovers", "Hello Ada.", "Hello {{ name }}."),
    ("text: no template leftovers", "180 upvotes", "None upvotes"),
    ("text: no template leftovers", "One paper picked for you", "None"),
    ("text: no broken or steering characters", "Hello Ada.", "Hello \ufffd Ada."),
    ("every URL of the text is in the HTML", "https://code.example/lists", "https://x.example/"),
    ("every title of the HTML is in the text", "Paper 1: how", "Paper one: how"),
]


@pytest.mark.parametrize(("rule", "old", "new"), TEXT)
def test_a_fault_of_the_text_is_seen(send, rule, old, new):
    sent = send(make_picks(1))
    assert rule in failed(rebuilt(sent, text=sent.rendered.text.replace(old, new, 1)))


def test_an_empty_text_part_is_seen(send):
    assert "text: not empty" in failed(rebuilt(send(make_picks(1)), text=" \n"))


def test_every_rule_has_a_fault_that_it_sees(send):
    seen = {rule for rule, *_ in (*HEADERS, *HTML, *TEXT)} | {"text: not empty"}
    assert {check.rule for check in check_mail(send(make_picks(1)).raw)} == seen


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", b"garbage", b"\xff\xfe" * 50, b"A: b\r\n\r\nc"])
def test_garbage_is_judged_and_not_fatal(raw):
    assert failed(raw)
