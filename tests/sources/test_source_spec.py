"""Source words and list days."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from newsletter.errors import ConfigError
from newsletter.sources.spec import SourceKind, list_day, parse_source


@pytest.mark.parametrize(
    ("word", "kind", "name"),
    [
        ("trending", SourceKind.TRENDING, "trending"),
        ("daily", SourceKind.DAILY, "daily"),
        ("daily:2026-04-03", SourceKind.DAILY, "daily:2026-04-03"),
        ("arxiv:cs.CL+cs.LG", SourceKind.ARXIV, "arxiv:cs.CL+cs.LG"),
        ("arxiv:cs.CL, cs.LG", SourceKind.ARXIV, "arxiv:cs.CL+cs.LG"),
        ("arxiv:cond-mat.stat-mech", SourceKind.ARXIV, "arxiv:cond-mat.stat-mech"),
        ("https://huggingface.co/papers", SourceKind.URL, "https://huggingface.co/papers"),
        ("HTTP://huggingface.co/papers", SourceKind.URL, "HTTP://huggingface.co/papers"),
        ("saved/page.html", SourceKind.PATH, "saved/page.html"),
        ("page.html", SourceKind.PATH, "page.html"),
        (" ./page ", SourceKind.PATH, "./page"),
    ],
)
def test_each_form_is_understood_and_named(word, kind, name):
    spec = parse_source(word)
    assert (spec.kind, spec.name) == (kind, name)


def test_the_day_of_a_daily_list_is_a_date():
    assert parse_source("daily:2026-04-03").day == date(2026, 4, 3)


def test_a_bare_word_is_a_path_only_if_the_file_exists(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved").write_text("x")
    assert parse_source("saved").kind is SourceKind.PATH
    with pytest.raises(ConfigError):
        parse_source("unsaved")


@pytest.mark.parametrize(
    "word",
    [
        "",
        "  ",
        "dialy",
        "daily:",
        "daily:2026-13-40",
        "daily:2026-W23",
        "daily:20260403",
        "daily:2020-01-01",
        "arxiv:",
        "arxiv:cs.CL/../x",
        "arxiv:CS CL?",
        "ftp://example.org/x",
        "file:///etc/passwd",
        "weekly:2026",
    ],
)
def test_a_bad_word_is_answered_with_the_accepted_forms(word):
    with pytest.raises(ConfigError) as caught:
        parse_source(word)
    assert "trending, daily, daily:YYYY-MM-DD, arxiv:cs.CL+cs.LG" in str(caught.value)


def test_secrets_of_an_address_are_in_no_name():
    spec = parse_source("https://me:pw@huggingface.co/papers?token=s3cret#x")
    assert spec.name == "https://huggingface.co/papers?…"
    with pytest.raises(ConfigError) as caught:
        parse_source("ftp://huggingface.co/papers?token=s3cret")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-04-03T15:00", date(2026, 4, 3)),
        ("2026-04-04T01:29", date(2026, 4, 3)),  # 21:29 in New York, summer time
        ("2026-04-04T01:30", date(2026, 4, 4)),
        ("2026-01-16T02:29", date(2026, 1, 15)),  # winter time
        ("2026-01-16T02:30", date(2026, 1, 16)),
        ("2026-03-08T07:00", date(2026, 3, 8)),  # the clocks go forward
    ],
)
def test_a_list_day_opens_at_half_past_nine_in_the_evening_in_new_york(instant, day):
    assert list_day(datetime.fromisoformat(instant).replace(tzinfo=UTC)) == day


def test_an_instant_without_zone_has_no_list_day():
    with pytest.raises(ValueError, match="time zone"):
        list_day(datetime(2026, 4, 3))  # noqa: DTZ001 - that is the mistake
