"""Settings from files that variables name: what is read, and what is said about mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.config import load_settings
from newsletter.errors import ConfigError

SECRET = "s3cret of the relay"


@pytest.fixture
def name(tmp_path, monkeypatch):
    """Writes a file and names it in a variable."""

    def named(variable: str, content: bytes) -> Path:
        file = tmp_path / variable.lower()
        file.write_bytes(content)
        monkeypatch.setenv(f"NEWSLETTER_{variable}", str(file))
        return file

    return named


def refused() -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.__context__)
    return str(caught.value)


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\n\n"])
def test_a_secret_is_read_from_the_file_a_variable_names(name, ending):
    name("SMTP__PASSWORD_FILE", SECRET.encode() + ending)
    assert load_settings().smtp.password.get_secret_value() == SECRET


def test_every_kind_of_setting_may_lie_in_a_file(name):
    name("BOUNCES__PASSWORD_FILE", b"one")
    name("OPERATOR__WEBHOOK_URL_FILE", b"https://hooks.example.org/two\n")
    name("SMTP__PORT_FILE", b"2525\n")
    name("SOURCES__DEFAULT_FILE", b'["trending"]\n')
    settings = load_settings()
    assert settings.bounces.password.get_secret_value() == "one"
    assert settings.operator.webhook_url.get_secret_value() == "https://hooks.example.org/two"
    assert settings.smtp.port == 2525
    assert settings.sources.default == ("trending",)


def test_blanks_inside_a_secret_stay(name):
    name("SMTP__PASSWORD_FILE", b"two words\n")
    assert load_settings().smtp.password.get_secret_value() == "two words"


def test_a_key_that_itself_ends_in_file_is_no_file_of_a_secret(monkeypatch):
    monkeypatch.setenv("NEWSLETTER_DKIM__DOMAIN", "papers.example")
    monkeypatch.setenv("NEWSLETTER_DKIM__KEY_FILE", "/nowhere/s1.pem")
    monkeypatch.setenv("NEWSLETTER_SMTP__CA_FILE", "/nowhere/ca.pem")
    settings = load_settings()
    assert (settings.dkim.key_file, settings.smtp.ca_file) == (
        "/nowhere/s1.pem",
        "/nowhere/ca.pem",
    )


def test_a_file_for_a_key_nobody_knows_is_an_unknown_key(name):
    name("SMTP__PASSWROD_FILE", SECRET.encode())
    assert "smtp.passwrod_file: unknown key; did you mean" in refused()


def test_a_variable_and_its_file_exclude_each_other(name, monkeypatch):
    name("SMTP__PASSWORD_FILE", SECRET.encode())
    monkeypatch.setenv("NEWSLETTER_SMTP__PASSWORD", SECRET)
    assert refused() == (
        "environment: NEWSLETTER_SMTP__PASSWORD_FILE: the same variable without _FILE is given "
        "too; leave one of them out"
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file it names is empty"),
        (b"\n", "the file it names is empty"),
        (b"\xff\xfe" + SECRET.encode(), "the file it names is not UTF-8 text"),
        (SECRET.encode() * 4_000, "the file it names is larger than 65,536 octets"),
    ],
)
def test_a_file_that_holds_no_value_is_told_by_its_variable(name, content, says):
    name("SMTP__PASSWORD_FILE", content)
    assert refused() == f"environment: NEWSLETTER_SMTP__PASSWORD_FILE: {says}"


def test_a_secret_in_the_place_of_a_file_name_is_not_repeated(monkeypatch):
    monkeypatch.setenv("NEWSLETTER_SMTP__PASSWORD_FILE", SECRET)
    assert refused() == (
        "environment: NEWSLETTER_SMTP__PASSWORD_FILE: the file it names cannot be read "
        "(No such file or directory)"
    )


def test_all_files_that_cannot_be_used_are_told_at_once(tmp_path, monkeypatch, name):
    monkeypatch.setenv("NEWSLETTER_SMTP__PASSWORD_FILE", str(tmp_path))
    name("BOUNCES__PASSWORD_FILE", b"")
    said = refused()
    assert "NEWSLETTER_SMTP__PASSWORD_FILE: the file it names cannot be read (Is a dir" in said
    assert "NEWSLETTER_BOUNCES__PASSWORD_FILE: the file it names is empty" in said


def test_a_wrong_value_from_a_file_is_not_repeated(name):
    name("SMTP__PORT_FILE", SECRET.encode())
    assert refused().endswith("smtp.port: must be a whole number (given: what stands in its file)")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[smtp]\npassword = 4711\n", "smtp.password: must be text in quotes"),
        ("[operator]\nwebhook_url = [4711]\n", "operator.webhook_url: must be text in quotes"),
    ],
)
def test_a_secret_of_the_wrong_kind_is_not_repeated(tmp_path, text, key):
    file = tmp_path / "given.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert caught.value.problems == (key,)


def test_every_variable_whose_list_or_table_is_no_json_is_named(monkeypatch):
    monkeypatch.setenv("NEWSLETTER_WEB__TRUSTED_PROXIES", "172.16.0.0/12")
    monkeypatch.setenv("NEWSLETTER_SMTP__DOMAINS", "example.org")
    monkeypatch.setenv("NEWSLETTER_SMTP__FALLBACK", f"[{{password = {SECRET}}}]")
    assert refused() == (
        "environment: NEWSLETTER_SMTP__DOMAINS: must be JSON, a table in braces; "
        'NEWSLETTER_SMTP__FALLBACK: must be JSON, a list such as ["one", "two"]; '
        'NEWSLETTER_WEB__TRUSTED_PROXIES: must be JSON, a list such as ["one", "two"]'
    )


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("SMTP_HOST", "NEWSLETTER_SMTP_HOST: has two underscores, NEWSLETTER_SMTP__HOST"),
        ("SMTP_PASSWORD_FILE", "NEWSLETTER_SMTP__PASSWORD"),
        (
            "SMPT__HOST",
            "NEWSLETTER_SMPT__HOST: no table has this name; did you mean NEWSLETTER_SMTP__",
        ),
    ],
)
def test_a_mistyped_variable_is_not_passed_over(monkeypatch, variable, says):
    monkeypatch.setenv(f"NEWSLETTER_{variable}", SECRET)

    assert says in refused()


@pytest.mark.parametrize(
    "variable", ["CONFIG", "SERVICE_HOST", "PORT_8080_TCP", "WEB_SERVICE_PORT"]
)
def test_variables_that_kubernetes_makes_for_a_service_of_our_name_do_no_harm(
    monkeypatch, variable
):
    monkeypatch.setenv(f"NEWSLETTER_{variable}", "tcp://10.0.0.7:8080")

    assert load_settings().smtp.host == ""
