"""Settings and reader files: what is accepted, and what is said about mistakes."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import ReaderFile, data_dir, load_reader, load_settings
from newsletter.errors import ConfigError
from newsletter.model import Profile


@pytest.fixture
def write(tmp_path):
    def written(text: str, name: str = "given.toml") -> Path:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return written


def refusal(file: Path) -> str:
    """What is said about the settings in a file that is refused."""
    with pytest.raises(ConfigError) as refused:
        load_settings(file)
    return str(refused.value)


def test_what_ships_with_us_is_valid():
    settings = load_settings()

    assert settings.sources.base_url == "https://huggingface.co"
    assert settings.mail.html_limit == 90_000


def test_the_operators_file_changes_single_keys(write):
    settings = load_settings(write('[sources]\nbase_url = "https://papers.example.org/"\n'))

    assert settings.sources.base_url == "https://papers.example.org"
    assert settings.sources.attempts == load_settings().sources.attempts


def test_the_environment_wins_over_the_file(write, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SOURCES__ATTEMPTS", "2")
    monkeypatch.setenv("NEWSLETTER_SOURCES__DEFAULT", '["trending"]')

    settings = load_settings(write("[sources]\nattempts = 7\n"))

    assert settings.sources.attempts == 2
    assert settings.sources.default == ("trending",)


def test_every_mistake_is_named_at_once_with_its_key(write):
    file = write(
        "[sources]\nbase_ur = 'x'\ntimeout_seconds = -1\n"
        "[publication]\nfrom_address = 'a b'\nname = 'Two\\nlines'\n[publicaton]\nname = 'x'\n".replace(
            "'Two\\nlines'", '"Two\\nlines"'
        )
    )

    with pytest.raises(ConfigError) as refused:
        load_settings(file)

    problems = "\n".join(refused.value.problems)
    assert "sources.base_ur: unknown key; did you mean base_url?" in problems
    assert "sources.timeout_seconds:" in problems
    assert "publication.from_address: is not a plain e-mail address" in problems
    assert "publication.name:" in problems
    assert "publicaton: unknown key; did you mean publication?" in problems


SHIPPED = tomllib.loads((data_dir("config") / "newsletter.toml").read_text(encoding="utf-8"))


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        (table, key)
        for table, keys in SHIPPED.items()
        for key, value in keys.items()
        if is_number(value) or (isinstance(value, list) and all(map(is_number, value)) and value)
    ],
)
def test_true_is_not_taken_for_the_number_one(write, table, key):
    value = "[true]" if isinstance(SHIPPED[table][key], list) else "true"

    said = refusal(write(f"[{table}]\n{key} = {value}\n"))

    assert f"{table}.{key}" in said
    assert "must be a number (given: true)" in said


def test_a_list_in_which_all_is_wrong_is_not_called_empty_besides(write):
    with pytest.raises(ConfigError) as refused:
        load_settings(write("[schedule]\nletter_retry_minutes = [0]\n"))

    assert len(refused.value.problems) == 1
    assert "letter_retry_minutes.0: must be 0.1 or more" in str(refused.value)


def test_true_is_no_number_of_papers_in_a_reader_file_either(write):
    with pytest.raises(ConfigError, match=r"max_papers: must be a number \(given: true\)"):
        load_reader(write("max_papers = true\n"))


@pytest.mark.parametrize("proxy", ["caddy", "10.0.0.1/8", "10.0.0.2:443"])
def test_a_proxy_that_nobody_could_ever_come_from_is_refused(write, proxy):
    with pytest.raises(ConfigError, match=r"web\.trusted_proxies\.1: is no address such as"):
        load_settings(write(f"[web]\ntrusted_proxies = ['10.0.0.0/8', '{proxy}']\n"))


@pytest.mark.parametrize("end", ["?list=1", "#top"])
def test_an_address_to_which_no_path_can_be_added_is_refused(write, end):
    with pytest.raises(ConfigError, match=r"publication\.base_url: must be without \? and #"):
        load_settings(write(f"[publication]\nbase_url = 'https://papers.example.org/{end}'\n"))


def test_the_pages_need_a_host_of_their_own(write):
    said = r"publication\.base_url: must be without a path"
    with pytest.raises(ConfigError, match=said):
        load_settings(write('[publication]\nbase_url = "https://lab.example/papers/"\n'))


@pytest.mark.parametrize(
    "text",
    [
        '[smtp]\nhost = "anna:hunter2@relay.example"\n',
        '[sources]\nbase_url = "ftp://anna:hunter2@papers.example"\n',
    ],
)
def test_a_password_that_stands_before_a_host_is_not_repeated(write, text):
    assert "hunter2" not in refusal(write(text))


@pytest.mark.parametrize("table", ["[smtp]", "[bounces]", "[[smtp.fallback]]"])
@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("smtp://mail.example.org", "host: is no host such as mail.example.org"),
        ("mail example.org", "host: is no host such as mail.example.org"),
        ("mail.example.org:587", "host: names a port, which has a key of its own"),
        ("127.0.0.1:25", "host: names a port"),
        ("[::1]", "host: must be an IPv6 address without brackets"),
    ],
)
def test_a_host_that_is_none_is_told_in_words(write, table, host, sentence):
    assert sentence in refusal(write(f'{table}\nhost = "{host}"\n'))


@pytest.mark.parametrize("host", ["mail.example.org", "localhost", "192.0.2.1", "2001:db8::1"])
def test_a_name_and_both_kinds_of_addresses_are_hosts(write, host):
    assert load_settings(write(f'[smtp]\nhost = "{host}"\n')).smtp.host == host


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[publication]\nlist_id = "digest"', "list_id: must be a name with dots such as"),
        ('[publication]\nsender_id = "me"', "sender_id: must be 5 to 15 letters, digits"),
        ('[publication]\nname = "a\\nb"', "name: must be one line"),
        ('[dkim]\nselector = "a b"', "selector: may hold letters, digits, dots"),
        ('[sources]\narxiv_fallback = "cs.AI, cs.CL"', "must be categories such as cs.AI+cs.CL"),
        ("[schedule]\ncompose_seconds = 0.01", "compose_seconds: must be 1 or more"),
        ("[schedule]\ningest_minutes = 0.01", "ingest_minutes: must be 1 or more"),
        ("[bounces]\npoll_minutes = 0.001", "poll_minutes: must be 0.1 or more"),
    ],
)
def test_no_mistake_is_told_as_a_pattern_and_no_period_is_a_flood(write, text, sentence):
    said = refusal(write(text))
    assert sentence in said
    assert "pattern" not in said


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[smtp]\nwarm_up_from = 'tomorrow'", "warm_up_from: must be a day such as 2026-12-01"),
        ("[smtp]\nwarm_up_from = 2026-12-01T10:00:00Z", "must be a day such as 2026-12-01"),
        ("[smtp.fallback]\nhost = 'b.example'", "with double brackets: [[smtp.fallback]]"),
        ("[[smtp.fallback]]\nport = 25", "smtp.fallback.0.host: is missing"),
        ("[smtp.domains.example.org]\nconnections = 1", '[smtp.domains."example.org"]'),
        ("[smtp.domains]\n'@example.org' = {connections = 1}", "leave out what has an @"),
        ("[smtp]\nhost = 'b.example'\nusername = 'me'", "smtp: username and password go together"),
        ("[smtp]\nhost = 'b.example'\nauth = 'xoauth2'", "needs username, token_url, client_id"),
        ("[bounces]\nhost = 'mail.example.org'", "bounces: host needs username, a password"),
        (
            "[bounces]\nhost = 'b.example'\nmaildir = '/m'\nusername = 'b'\npassword = 'p'",
            "leave one of them empty",
        ),
        (
            "[bounces]\naddress = 'reports-of-news@x.org'",
            "address: must have 14 characters at most",
        ),
        ("[dkim]\nkey_file = 'dkim.pem'", "dkim: domain needs selector and key_file"),
        ("[dkim]\nsecond_key_file = 'ed.pem'", "second_selector and second_key_file go together"),
        ("[sources]\nextra_hosts = ['https://mirror.example']", "extra_hosts.0: is no host"),
        ("[sources]\nmirrors = ['https://mirror.example/']", "mirrors.0: is no host"),
        ("[sources]\nproxy = 'proxy:3128'", "proxy: must be an address such as http://proxy"),
        ("[sources]\nproxy = 'socks5://proxy:1080'", "proxy: must be an address such as http://"),
        ("[sources]\ncontact = 'Лаборатория'", "contact: must be one line of Latin letters"),
        ("[sources]\ncontact = 'a\\nX: y'".replace("'", '"'), "must be one line of Latin letters"),
        ("[web]\nconsent = 'yes'", "consent: must have 10 characters at least"),
        ("[publication]\nfrom_address = '@papers.example'", "from_address: is not a plain e-mail"),
        ("[publication]\nreply_to = 'hello@'", "reply_to: is not a plain e-mail address"),
        ("[publication]\nfrom_address = 'grüße@papers.example'", "is not a plain e-mail address"),
        ('[publication]\nname = "a\\u0000b"', "name: must be one line"),
        ("[publication]\nbase_url = 'papers.example'", "base_url: is no address such as https://"),
        ("[publication]\nbase_url = 'https://me@papers.example'", "must be without a login"),
    ],
)
def test_what_could_never_work_is_refused_with_its_key_and_the_way_out(write, text, sentence):
    assert sentence in refusal(write(text))


@pytest.mark.parametrize("url", ["hooks.example/s3cret", "ftp://s3cret", "https://"])
def test_a_webhook_that_is_no_address_is_refused_without_showing_it(write, url):
    with pytest.raises(ConfigError, match=r"operator\.webhook_url: must begin with") as refused:
        load_settings(write(f"[operator]\nwebhook_url = '{url}'\n"))

    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("kept", ['"[{\\"password\\": \\"hunter2\\"}]"', '{"password": "hunter2"}'])
def test_a_list_of_relays_in_the_wrong_shape_shows_no_password(kept, monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SMTP__FALLBACK", kept)
    with pytest.raises(ConfigError, match=r"smtp\.fallback") as refused:
        load_settings()

    assert "hunter2" not in str(refused.value)


def test_a_path_may_begin_at_home_as_in_a_shell(write, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ines")

    settings = load_settings(write("[paths]\nstate = '~/news'\n[smtp]\nfolder = '~/mails'\n"))

    assert settings.state_dir == Path("/home/ines/news")
    assert settings.mail_folder == Path("/home/ines/mails")


def test_a_path_at_the_home_of_nobody_is_refused(write):
    with pytest.raises(ConfigError, match=r"paths\.cache: names the home of somebody who has none"):
        load_settings(write("[paths]\ncache = '~nobody-of-this-name/cache'\n"))


@pytest.mark.parametrize("more", ["", 'selector = ""\nkey_file = "dkim.pem"\n'])
def test_a_domain_to_sign_for_needs_a_selector_and_a_key(write, more):
    with pytest.raises(ConfigError, match=r"dkim: domain needs selector and key_file"):
        load_settings(write(f'[dkim]\ndomain = "papers.example"\n{more}'))


def test_the_mark_with_which_editors_of_windows_begin_a_file_does_no_harm(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_bytes(b"\xef\xbb\xbf[digest]\r\nmin_papers = 3\r\n")

    assert load_settings(file).digest.min_papers == 3


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"topics = [", "is not valid TOML"),
        (b"name = '\xff'", "is not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, sentence):
    file = tmp_path / "broken.toml"
    file.write_bytes(content)

    for load in (load_settings, load_reader):
        with pytest.raises(ConfigError, match=sentence):
            load(file)


def test_a_missing_file_and_a_directory_are_named(tmp_path):
    with pytest.raises(ConfigError, match="there is no such file"):
        load_reader(tmp_path / "nobody.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_reader(tmp_path)


def test_a_reader_file_may_be_flat_or_have_a_profile_table(write):
    flat = load_reader(write('topics = ["robots"]\nmax_papers = 3\n', "one.toml"))
    table = load_reader(write('[profile]\ntopics = ["robots"]\nmax_papers = 3\n', "two.toml"))

    assert flat.profile == table.profile == Profile(topics=("robots",), max_papers=3)
    assert (flat.id, table.id) == ("one", "two")


def test_a_reader_says_when_and_where_they_live(write):
    reader = load_reader(
        write('name = "Ada"\ncadence = "weekly"\nsend_at = 07:30:00\ntimezone = "Asia/Tokyo"\n')
    )

    assert (reader.name, reader.cadence, reader.send_at) == ("Ada", "weekly", time(7, 30))
    assert reader.timezone == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("topcs = ['a']", "topcs: unknown key; did you mean topics?"),
        ("topics = 'a'", "topics: must be a list such as"),
        ("topics = [1]", "topics.0: must be text in quotes"),
        ("max_papers = 0", "max_papers: must be 1 or more"),
        ("max_papers = 'many'", "max_papers: must be a whole number"),
        ("max_papers = 2.5", "max_papers: must be a whole number (given: 2.5)"),
        ("min_score = 3", "min_score: must be 1 or less"),
        ("cadence = 'monthly'", "cadence: must be 'daily', 'weekdays' or 'weekly'"),
        ("since = 'May'", "since: must be a day such as 2026-04-03"),
        (f"name = '{'x' * 81}'", "name: must have at most 80 characters"),
        (f"topics = ['{'x' * 1001}']", "topics.0: must have at most 1,000 characters"),
        ("trend_weight = nan", "trend_weight:"),
        ("surprise = 'perhaps'", "surprise: must be true or false"),
        ("timezone = 'Europe/Berln'", "did you mean Europe/Berlin?"),
        ("email = 'nobody'", "email: is not a plain e-mail address"),
        ("profile = 3", "profile: must be a table"),
        ("topics = []\n[profile]\ntopics = []", "topics: stands twice"),
    ],
)
def test_a_broken_reader_file_names_file_key_and_way_out(write, text, sentence):
    file = write(text)

    with pytest.raises(ConfigError) as refused:
        load_reader(file)

    assert sentence in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_reader_file_has_every_field_of_a_profile_with_the_same_default():
    given = ReaderFile()

    assert given.subscriber("x").profile == Profile()


def test_the_sample_readers_and_topics_are_valid():
    samples = sorted((data_dir("config") / "demo").glob("*.toml"))
    topics = tomllib.loads((data_dir("config") / "topics.toml").read_text(encoding="utf-8"))

    assert [load_reader(file).id for file in samples] == ["inference", "vision"]
    assert all(topic["name"] and topic["words"] for topic in topics["topic"])


@given(
    st.binary(max_size=200)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=200).map(str.encode)
)
def test_any_bytes_end_in_a_reader_or_a_config_error(tmp_path_factory, content):
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(content)

    with suppress(ConfigError):
        load_reader(file)


def test_a_postal_address_over_several_lines_is_one_with_commas(write):
    written = '[publication]\npostal_address = """\nExample Press\n  1 Example Street,\n\nCity\n"""'

    address = load_settings(write(written)).publication.postal_address

    assert address == "Example Press, 1 Example Street, City"
    assert "postal_address" in refusal(write('[publication]\npostal_address = " \\n "'))
