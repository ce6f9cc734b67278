"""`newsletter doctor`: a sound installation, a blank one, and each thing that can be wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from dns_server import Zone, dns_running
from operate_world import LOGIN, Relay, enrol, relay_at, signing, stock
from own_certificate import certificate_in
from scripted_relay import scripted_relay

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.doctor import outside
from newsletter.doctor.house import disk, leads_nowhere
from newsletter.listen import bind

HOME = "papers.org"


@dataclass
class Examined:
    """What the doctor said."""

    code: int
    findings: dict[str, dict]

    def level(self, about: str) -> str:
        return self.findings[about]["level"]


@pytest.fixture
def zone() -> Iterator[Zone]:
    with dns_running() as running:
        yield running


@pytest.fixture
def relay(installation, monkeypatch) -> Iterator[Relay]:
    with relay_at(monkeypatch, login=True) as running:
        yield running


@pytest.fixture
def sound(installation, monkeypatch, zone, relay, papers_page, item) -> Iterator[App]:
    """An installation with all that an operator has to fill in, before a world that plays along."""
    for key, value in {
        "PUBLICATION__FROM_ADDRESS": f"digest@{HOME}",
        "PUBLICATION__REPLY_TO": f"hello@{HOME}",
        "PUBLICATION__LIST_ID": f"digest.{HOME}",
        "PUBLICATION__POSTAL_ADDRESS": "7 Real Street, Real City",
        "SOURCES__CONTACT": f"hello@{HOME}",
    }.items():
        monkeypatch.setenv(f"NEWSLETTER_{key}", value)
    zone.text(HOME, "v=spf1 ip4:192.0.2.1 -all")
    zone.text(f"_dmarc.{HOME}", "v=DMARC1; p=none")
    zone.text(f"s1._domainkey.{HOME}", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg==")
    zone.put(HOME, "MX", f"10 mail.{HOME}.")
    today = datetime.now(UTC).strftime("%Y-%m-%dT00:00:00.000Z")
    papers_page.lists(*(item(n, submittedOnDailyAt=today) for n in (1, 2)))
    app = App(load_settings())
    stock(app)
    yield app
    app.store.close()


@pytest.fixture
def examine(newsletter, zone):
    def examined(*words: str) -> Examined:
        server = f"127.0.0.1:{zone.port}"
        ran = newsletter("doctor", "--json", "--nameserver", server, *words)
        assert "Traceback" not in ran.err
        found = {finding["about"]: finding for finding in json.loads(ran.out)}
        for finding in found.values():
            assert bool(finding["fix"]) == (finding["level"] != "OK"), finding
        return Examined(ran.code, found)

    return examined


def test_a_sound_installation_is_found_sound(examine, sound, relay):
    enrol(sound)

    found = examine("--dkim-selector", "s1")

    wrong = {about: f for about, f in found.findings.items() if f["level"] != "OK"}
    # Pages at a public https address are more than a test can have.
    assert set(wrong) == {"base_url", "pages"}
    assert found.findings["relay"]["said"].endswith("answers, takes our login.")
    assert "2 papers by api" in found.findings["list daily"]["said"]
    assert "subscribers: 1" in found.findings["store"]["said"]
    assert (relay.logins, relay.mails) == (1, [])


def test_a_blank_installation_is_told_what_to_fill_in_and_stays_blank(
    examine, installation, papers_page, zone
):
    papers_page.fails(503)

    found = examine()

    assert found.code == 1
    said = found.findings["settings"]["said"]
    for key in ("from_address", "reply_to", "list_id", "postal_address"):
        assert f"publication.{key}" in said
    assert found.level("base_url") == "FAIL"
    assert found.level("contact") == found.level("relay") == found.level("store") == "WARN"
    assert found.level("list daily") == "FAIL"
    assert zone.asked == []
    assert not (installation / "state").exists()


def test_people_read_a_line_for_each_finding_and_its_fix(newsletter, sound, zone):
    ran = newsletter("doctor", "--nameserver", f"127.0.0.1:{zone.port}")

    assert ran.code == 1
    lines = ran.out.splitlines()
    assert lines[0] == "OK    settings   Sender, list and postal address are your own."
    assert lines[1].startswith("FAIL  base_url   Links in mails lead to http://127.0.0.1")
    assert lines[2].strip() == (
        "→ Set publication.base_url to the public https address of the pages."
    )


def test_settings_that_cannot_be_used_are_findings_too(examine, sound, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SMTP__PORT", "none")
    monkeypatch.setenv("NEWSLETTER_SOURCES__ATTEMPTS", "0")

    found = examine()

    assert found.code == 1
    assert found.level("settings") == "FAIL"


@pytest.mark.parametrize(
    ("url", "level", "words"),
    [
        ("http://news.papers.org", "FAIL", "is not https"),
        ("https://localhost", "FAIL", "no reader can open"),
        ("https://news.papers.org", "OK", "Links in mails lead to https://news.papers.org"),
    ],
)
def test_where_links_lead_is_judged(examine, sound, monkeypatch, url, level, words):
    monkeypatch.setenv("NEWSLETTER_PUBLICATION__BASE_URL", url)
    monkeypatch.setenv("NEWSLETTER_SOURCES__PROXY", "http://127.0.0.1:9")  # nothing leaves here

    found = examine()

    assert found.level("base_url") == level
    assert words in found.findings["base_url"]["said"]
    assert found.level("pages") == "WARN"


def test_pages_that_answer_are_well(examine, sound, monkeypatch, papers_page):
    monkeypatch.setenv("NEWSLETTER_PUBLICATION__BASE_URL", papers_page.url)
    papers_page.answers["/healthz"] = (200, "text/plain", "ok")

    assert examine().level("pages") == "OK"
    assert "/healthz" in papers_page.asked


def test_a_wrong_password_is_told_with_what_to_look_at(examine, sound, monkeypatch, relay):
    monkeypatch.setenv("NEWSLETTER_SMTP__PASSWORD", "wrong")

    found = examine().findings["relay"]

    assert found["level"] == "FAIL"
    assert "did not let us in: 535" in found["said"]
    assert "smtp.username" in found["fix"]
    assert LOGIN[1] not in json.dumps(found)
    assert "wrong" not in found["said"]


def test_a_relay_without_encryption_is_never_used_without(examine, sound, monkeypatch, relay):
    monkeypatch.setenv("NEWSLETTER_SMTP__SECURITY", "starttls")

    found = examine().findings["relay"]

    assert found["level"] == "FAIL"
    assert "STARTTLS" in found["said"]
    assert relay.logins == 0


def test_a_relay_that_speaks_no_tls_is_told(examine, sound, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SMTP__SECURITY", "tls")

    found = examine().findings["relay"]

    assert found["level"] == "FAIL"
    assert found["said"].endswith("connecting: the relay does not speak TLS on this port.")
    assert "587 is starttls, 465 is tls" in found["fix"]


def hears(monkeypatch, port: int = 0, **login: str) -> None:
    """Another relay than the usual one, by default without a login."""
    place = {"PORT": str(port)} if port else {}
    sets(monkeypatch, "SMTP", **{"USERNAME": "", "PASSWORD": "", **place, **login})


def sets(monkeypatch, table: str, **values: str) -> None:
    for key, value in values.items():
        monkeypatch.setenv(f"NEWSLETTER_{table}__{key}", value)


def test_a_relay_that_greets_with_a_refusal_is_not_taken_for_a_closed_port(
    examine, sound, monkeypatch
):
    with scripted_relay(b"554 5.7.1 Your address is listed\r\n") as port:
        hears(monkeypatch, port)
        found = examine().findings["relay"]

    assert "554 5.7.1 connecting: Your address is listed." in found["said"]
    assert "firewall" not in found["fix"]
    assert "whoever runs it" in found["fix"]


@pytest.mark.parametrize("script", [(), (b"", b"")])
def test_a_relay_that_says_nothing_or_hangs_up_may_want_another_security(
    examine, sound, monkeypatch, script
):
    monkeypatch.setattr(outside, "SECONDS", 0.2)
    with scripted_relay(*script) as port:
        hears(monkeypatch, port)
        found = examine().findings["relay"]

    assert "587 is starttls, 465 is tls" in found["fix"]
    assert ("did not answer in time" in found["said"]) is bool(script)


def test_a_certificate_that_nobody_vouches_for_is_told_with_where_to_name_it(
    examine, sound, monkeypatch, tmp_path
):
    with relay_at(monkeypatch, tls=certificate_in(tmp_path)[1]):
        hears(monkeypatch)
        found = examine().findings["relay"]

    assert "certificate is not trusted: self-signed certificate." in found["said"]
    assert "smtp.ca_file" in found["fix"]


def test_a_relay_without_logins_is_not_told_as_a_wrong_password(examine, sound, monkeypatch):
    script = (b"220 hi\r\n", b"250 hi\r\n")
    with scripted_relay(*script) as port:
        hears(monkeypatch, port, USERNAME="ada", PASSWORD="s3cret")
        found = examine().findings["relay"]

    assert found["said"].endswith("SMTP AUTH extension not supported by server.")
    assert "leave smtp.username empty" in found["fix"]


def test_a_relay_that_is_not_there_is_told(examine, sound, monkeypatch):
    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("NEWSLETTER_SMTP__PORT", str(port))

    found = examine().findings["relay"]

    assert found["level"] == "FAIL"
    assert "Connection refused" in found["said"]
    assert "smtp.port" in found["fix"]


def test_a_password_that_would_be_readable_is_refused_before_anything_is_dialled(
    examine, sound, monkeypatch, zone
):
    monkeypatch.setenv("NEWSLETTER_SMTP__HOST", "relay.papers.org")

    found = examine().findings["relay"]

    assert found["level"] == "FAIL"
    assert "would cross the network unencrypted" in found["said"]


@pytest.mark.parametrize(("name", "about"), [(HOME, "SPF"), (f"_dmarc.{HOME}", "DMARC")])
def test_missing_records_fail(examine, sound, zone, name, about):
    zone.text(name)

    found = examine()

    assert (found.code, found.level(about)) == (1, "FAIL")


def test_spf_is_looked_up_where_return_paths_are_which_must_receive_mail_too(
    examine, sound, monkeypatch, zone
):
    monkeypatch.setenv("NEWSLETTER_BOUNCES__ADDRESS", f"b@bounce.{HOME}")

    found = examine()

    assert found.level("SPF") == "FAIL"
    assert f"bounce.{HOME} has no SPF record" in found.findings["SPF"]["said"]
    assert f"bounce.{HOME}. MX" in zone.asked


def test_a_key_of_ours_that_cannot_be_used_is_found_and_the_rest_examined(
    examine, sound, monkeypatch, tmp_path
):
    monkeypatch.setenv("NEWSLETTER_DKIM__DOMAIN", HOME)
    monkeypatch.setenv("NEWSLETTER_DKIM__KEY_FILE", str(tmp_path / "absent.pem"))

    found = examine()

    assert found.level("DKIM") == "FAIL"
    assert "absent.pem" in found.findings["DKIM"]["said"]
    assert {"SPF", "DMARC", "pages", "clock"} <= found.findings.keys()


@pytest.mark.parametrize(
    ("domain", "bits", "level", "words"),
    [
        (
            "elsewhere.org",
            2048,
            "FAIL",
            f"dkim.domain is elsewhere.org, which is neither {HOME} nor",
        ),
        (HOME, 1024, "WARN", "The DKIM key of selector “s1” has 1024 bits; 2048 are advised."),
        (HOME, 2048, None, ""),
    ],
)
def test_a_signature_that_is_worth_little_is_told(
    examine, sound, monkeypatch, tmp_path, domain, bits, level, words
):
    signing(monkeypatch, tmp_path, domain, bits)

    found = examine().findings.get("signature", {"level": None, "said": ""})

    assert found["level"] == level
    assert words in found["said"]


def test_nobody_signing_is_worth_a_warning_and_a_missing_key_fails(examine, sound):
    assert examine().level("DKIM") == "WARN"
    assert examine("--dkim-selector", "other").level("DKIM") == "FAIL"


def test_a_list_that_only_arxiv_serves_is_worth_a_warning(examine, sound, papers_page):
    feed = """<rss version="2.0"><channel><title>cs</title><item><title>A paper</title>
    <link>https://arxiv.org/abs/2604.00001</link><guid>oai:arXiv.org:2604.00001v1</guid>
    <description>Abstract: Text.</description></item></channel></rss>"""
    papers_page.fails(503)
    papers_page.answers["/rss"] = (200, "application/rss+xml", feed)

    found = examine().findings["list daily"]

    assert found["level"] == "WARN"
    assert "1 paper by rss. Tier api failed: " in found["said"]


def test_a_word_that_is_no_source_is_found_and_the_rest_examined(examine, sound, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SOURCES__DEFAULT", '["dialy", "daily"]')

    found = examine()

    assert found.level("list dialy") == "FAIL"
    assert found.level("list daily") == "OK"
    assert "clock" in found.findings


@pytest.fixture
def own_templates(installation, monkeypatch):
    own = installation / "own"
    own.mkdir()
    monkeypatch.setenv("NEWSLETTER_PATHS__TEMPLATES", str(own))
    return own


def test_a_broken_template_is_found(examine, sound, own_templates):
    (own_templates / "digest.txt.j2").write_text("{% if %}")

    found = examine().findings["templates"]

    assert found["level"] == "FAIL"
    assert "digest.txt.j2:1" in found["said"]


@pytest.mark.parametrize(
    ("name", "written", "told"),
    [
        ("front.html.j2", b"<p>\n{% if %}", "web/front.html.j2:2: "),
        ("pause.html.j2", b"{% extends 'bsae.html.j2' %}", "no template “bsae.html.j2”"),
        ("vote.html.j2", b"caf\xe9", "web/vote.html.j2: cannot be read as UTF-8"),
    ],
)
def test_a_broken_page_is_found_before_its_first_visitor_comes(
    examine, sound, own_templates, name, written, told
):
    (own_templates / "web").mkdir()
    (own_templates / "web" / name).write_bytes(written)

    found = examine().findings["templates"]

    assert found["level"] == "FAIL"
    assert told in found["said"]


@pytest.mark.parametrize(
    "written",
    [
        "{% include 'counter.html.j2' ignore missing %}",
        "{% include ['counter.html.j2', 'pause.html.j2'] %}",
        "{% set other = 'counter' %}{% include other ~ '.html.j2' %}",
    ],
)
def test_a_page_may_do_without_a_template_where_jinja_does(examine, sound, own_templates, written):
    (own_templates / "web").mkdir()
    (own_templates / "web" / "vote.html.j2").write_text(written)

    assert examine().findings["templates"]["level"] == "OK"


def test_a_mistyped_name_of_a_template_is_found(examine, sound, own_templates):
    (own_templates / "drak.css").write_text("")

    found = examine().findings["templates"]

    assert found["level"] == "WARN"
    assert found["said"] == "drak.css replaces no template; is dark.css meant?"


@pytest.mark.parametrize(
    ("free", "level"),
    [
        (1_000_000_000, "OK"),
        (999_999_999, "WARN"),
        (100_000_000, "WARN"),
        (99_999_999, "FAIL"),
        (0, "FAIL"),
    ],
)
def test_a_disk_is_told_before_it_is_full(free, level):
    assert disk(free).level == level


def test_a_database_of_a_newer_version_is_found(examine, sound):
    with sound.store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    found = examine().findings["store"]

    assert found["level"] == "FAIL"
    assert "newer version" in found["said"]


@pytest.mark.parametrize(
    ("seconds", "level"), [(0, "OK"), (-100, "WARN"), (100, "WARN"), (4000, "FAIL")]
)
def test_a_clock_that_is_off_is_found(sound, seconds, level):
    ahead = App(load_settings(), now=lambda: datetime.now(UTC) + timedelta(seconds=seconds))

    assert outside.clock(ahead).level == level


def test_without_anybody_to_ask_the_clock_is_left_open(sound, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SOURCES__BASE_URL", "http://127.0.0.1:9")

    assert outside.clock(App(load_settings())).level == "WARN"


@pytest.mark.parametrize(
    ("text", "is_good"),
    [
        ("192.0.2.1", True),
        ("192.0.2.1:5353", True),
        ("::1", True),
        ("[::1]:5353", True),
        ("dns.example", False),
        ("192.0.2.1:x", False),
        ("192.0.2.1:0", False),
        ("192.0.2.1:99999", False),
        (":53", False),
    ],
)
def test_a_name_server_is_an_address_with_or_without_port(text, is_good):
    from newsletter.cli.doctor import resolver_for
    from newsletter.errors import ConfigError

    if is_good:
        assert resolver_for(text).nameservers
        return
    with pytest.raises(ConfigError, match="is no address such as"):
        resolver_for(text)


@pytest.mark.parametrize(
    ("domain", "nowhere"),
    [("newsletter.example", True), ("example.com", True), ("a.test.", True), ("papers.org", False)],
)
def test_domains_for_examples_are_known(domain, nowhere):
    assert leads_nowhere(domain) is nowhere


def test_a_login_by_token_is_examined_like_one_by_password(examine, sound, monkeypatch, relay):
    grant = {"TOKEN_URL": "http://127.0.0.1:9/token", "CLIENT_ID": "client-1"}
    sets(monkeypatch, "SMTP", AUTH="xoauth2", REFRESH_TOKEN="refresh-s3cret", **grant)

    found = examine().findings["relay"]

    assert found["level"] == "FAIL"
    assert "AUTH: the relay does not offer XOAUTH2" in found["said"]
    assert "smtp.auth" in found["fix"]
    assert relay.logins == 0


def test_a_sentence_about_the_mailbox_of_reports_ends_with_one_full_stop(
    examine, sound, monkeypatch
):
    with scripted_relay(b"* OK hi\r\n", b"* BYE Go away.\r\n") as port:
        login = {"USERNAME": "ada", "PASSWORD": "s3cret"}
        place = {"HOST": "127.0.0.1", "PORT": str(port), "SECURITY": "none"}
        sets(monkeypatch, "BOUNCES", **place, **login)
        found = examine().findings["reports"]

    assert found["said"].endswith("Go away.")
    assert not found["said"].endswith("..")


def test_where_mails_are_laid_down_is_named(examine, sound, monkeypatch, tmp_path):
    monkeypatch.setenv("NEWSLETTER_SMTP__HOST", "")
    monkeypatch.setenv("NEWSLETTER_SMTP__FOLDER", str(tmp_path / "laid down"))

    assert str(tmp_path / "laid down") in examine().findings["relay"]["said"]


def test_the_mailbox_of_reports_is_opened_and_left_as_it_is(examine, sound, monkeypatch, tmp_path):
    for part in ("tmp", "new", "cur"):
        (tmp_path / "box" / part).mkdir(parents=True)
    mail = tmp_path / "box" / "new" / "1.M1P1.host"
    mail.write_bytes(b"Subject: one\r\n\r\n")
    monkeypatch.setenv("NEWSLETTER_BOUNCES__MAILDIR", str(tmp_path / "box"))

    assert examine().level("reports") == "OK"
    assert mail.exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"MAILDIR": "/nowhere/box"}, "/nowhere/box cannot be used"),
        (
            {"HOST": "192.0.2.1", "USERNAME": "b", "PASSWORD": "p", "SECURITY": "none"},
            "would cross the network unencrypted",
        ),
    ],
)
def test_a_mailbox_of_reports_that_cannot_be_read_is_told(
    examine, sound, monkeypatch, given, words
):
    sets(monkeypatch, "BOUNCES", **given)

    found = examine().findings["reports"]

    assert found["level"] == "FAIL"
    assert words in found["said"]
    assert "[bounces]" in found["fix"]
