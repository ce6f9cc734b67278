"""Subscribers in files: what is read, what is refused and why, and what comes back."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest
from blank_store import blank_store
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import ConfigError
from newsletter.membership import Consent, one_line
from newsletter.model import Cadence, Format, Profile, Status, Subscriber
from newsletter.store import open_store
from newsletter.subscriptions import export_rows, import_rows, read_table, write_csv, write_json
from newsletter.subscriptions.cells import (
    Passed,
    from_text,
    join,
    read_row,
    split,
    to_cells,
    to_text,
)

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
VOUCHED = Consent(at=NOON, origin="import of list.csv", wording="They asked.")
LISTMONK = "uuid,email,name,attributes,status,created_at,updated_at\n"


@pytest.fixture
def take(store, tmp_path, now):
    """Imports a file with this text."""

    def taken(text: str, *, name: str = "list.csv", dry_run: bool = False):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return import_rows(store, read_table(file).rows, vouched=VOUCHED, now=now, dry_run=dry_run)

    return taken


def everything(store):
    """All that is kept of everybody, but the ids the store chose."""
    rows = list(export_rows(store))
    with store.register() as register:
        kept = [replace(k, subscriber=replace(k.subscriber, id="")) for k in register.all()]
    return rows, kept


def reasons(passed):
    return [(one.place, one.why) for one in passed]


def test_while_a_long_list_is_taken_over_others_may_write(store, now):
    def rows():
        for number in range(1001):
            if number in (500, 1000):  # those before are to be written at once
                asked.append(store.link_keys(now))
            yield f"line {number}", {"email": f"r{number}@reader.example"}

    asked: list[object] = []
    done = import_rows(store, rows(), vouched=VOUCHED, now=now)

    assert done.added == 1001
    assert len(asked) == 2


def test_every_column_is_read(take, desk):
    done = take(
        "email,name,status,cadence,day,at,timezone,format,topics,muted,max_papers,surprise,since\n"
        'Ines@X.org,Ines,active,weekly,Tuesday,7:30,Europe/Berlin,text,"vision; ""a;b""",x,5,no,'
        "2025-01-02\n"
    )

    assert (done.added, done.rejected) == (1, [])
    ines = desk.find("ines@x.org")
    assert (ines.name, ines.status, ines.cadence) == ("Ines", Status.ACTIVE, Cadence.WEEKLY)
    assert (ines.weekday, ines.send_at, ines.timezone) == (1, time(7, 30), "Europe/Berlin")
    assert (ines.format, ines.since) == (Format.TEXT, date(2025, 1, 2))
    assert ines.profile == Profile(
        topics=("vision", "a;b"), muted=("x",), max_papers=5, surprise=False
    )


def test_an_address_alone_is_enough_and_its_consent_is_on_record(take, desk):
    take("email\na@x.org\n")

    held = desk.export(desk.find("a@x.org").id)
    assert (held["status"], held["since"]) == ("active", "2026-04-03")
    assert held["consents"][0]["origin"] == "import of list.csv"


def test_each_row_that_cannot_be_used_is_told_with_its_line_and_why_and_the_others_are_taken(take):
    done = take(
        "email,status,timezone,at,max_papers,paused_until\n"
        "nobody,,,,,\n"
        "b@x.org,sleeping,,,,\n"
        "c@x.org,,Europe/Berln,25:00,,\n"
        "\n"
        "d@x.org,,,,many,\n"
        "e@x.org,paused,,,,\n"
        "f@x.org,,,,,tomorrow\n"
        "g@x.org,,,,,,superfluous\n"
        "h@x.org,,,,,\n"
        "H@X.org,,,,,\n"
    )

    told = reasons(done.rejected)
    assert done.added == 1
    assert [place for place, _ in told] == [f"line {n}" for n in (2, 3, 4, 6, 7, 8, 9, 11)]
    for (_, why), part in zip(
        told,
        [
            "must have an @-sign",
            "“sleeping” is none of pending, active",
            "send_at: must be a local time such as 08:00 (given: '25:00'); timezone: is no IANA",
            "max_papers: must be a whole number",
            "belong together",
            "“tomorrow” is no day",
            "more cells than the first line",
            "H@x.org stands in line 10 already",
        ],
        strict=True,
    ):
        assert part in why


def test_lines_are_counted_over_line_breaks_in_cells(take):
    done = take('email,name\na@x.org,"two\nlines"\nnobody,\n')

    assert [one.place for one in done.rejected] == ["line 4"]


def test_a_listmonk_export_is_read_as_it_is(take, desk, store):
    attributes = json.dumps({"topics": ["vision"], "cadence": "daily", "city": "Bonn"})
    cells = io.StringIO()
    csv.writer(cells).writerows(
        [
            ["u1", "a@x.org", "Ada", attributes, "enabled", "2023-05-01 10:00:00.1234+00", ""],
            ["u2", "b@x.org", "Bo", "{}", "disabled", "2023-05-01T10:00:00Z", ""],
            ["u3", "c@x.org", "Cy", "{}", "blocklisted", "2023-05-01 10:00:00.5 +0000 UTC", ""],
            ["u4", "d@x.org", "Di", "[]", "enabled", "yesterday", ""],
            ["u5", "e@x.org", "Ed", "{oops", "enabled", "", ""],
        ]
    )

    done = take(LISTMONK + cells.getvalue())

    assert done.added == 3
    assert [one.place for one in done.rejected] == ["line 5", "line 6"]
    ada = desk.find("a@x.org")
    assert (ada.profile.topics, ada.cadence) == (("vision",), Cadence.DAILY)
    assert (ada.name, ada.since) == ("Ada", date(2023, 5, 1))
    assert desk.find("b@x.org").status is Status.UNSUBSCRIBED
    assert desk.find("c@x.org").status is Status.COMPLAINED
    with store.register() as register:
        assert set(register.addresses.suppressed_among(["a@x.org", "b@x.org", "c@x.org"])) == {
            "c@x.org"
        }


def test_a_second_import_changes_nothing(take, store, desk):
    text = "email,topics,status\na@x.org,vision,active\nb@x.org,,blocklisted\n"
    take(text)
    before = everything(store)

    again = take(text)

    assert (again.added, again.known, again.rejected) == (0, 2, [])
    assert everything(store) == before


def test_who_left_or_was_forgotten_is_not_brought_back_by_an_old_list(take, desk, now):
    text = "email\na@x.org\nb@x.org\n"
    take(text)
    desk.unsubscribe(desk.find("a@x.org").id, now=now)
    desk.forget(desk.find("b@x.org").id, now=now)

    again = take(text)

    assert (again.added, again.known) == (0, 1)
    assert reasons(again.suppressed) == [("line 3", "b@x.org must not be mailed (forgotten)")]
    assert [s.status for s in desk.all()] == [Status.UNSUBSCRIBED]


@pytest.mark.parametrize("status", ["complained", "bounced", "unsubscribed"])
def test_a_list_that_says_it_is_over_with_somebody_who_is_mailed_is_told(take, desk, status):
    take("email\na@x.org\nb@x.org\n")

    again = take(f"email,status\na@x.org,{status}\nb@x.org,active\n")

    assert (again.added, again.known) == (0, 2)
    ((place, why),) = reasons(again.contradicted)
    assert place == "line 2"
    assert f"a@x.org is active here and stays so, though the file says {status}" in why
    assert desk.find("a@x.org").status is Status.ACTIVE


def test_a_dry_run_tells_the_same_and_keeps_nothing(take, desk):
    text = "email\na@x.org\nnobody\n"

    tried = take(text, dry_run=True)
    assert desk.all() == ()

    assert tried == take(text)


def test_the_semicolons_and_the_mark_of_a_spreadsheet_are_understood(take, desk):
    take("\ufeffemail;name\na@x.org;Zoë, B.\n")

    assert desk.find("a@x.org").name == "Zoë, B."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must name the columns"),
        ("a@x.org\nb@x.org\n", "must name the columns"),
        ("email,name,email\n", "the column email stands twice"),
        ("[1, 2]", "must be a JSON array of objects"),
        ('{"email": "a@x.org"}', "must be a JSON array of objects"),
        ("[", "is not JSON"),
        ("[" * 100_000, "recursion|not JSON"),
    ],
)
def test_a_file_that_is_no_list_ends_in_a_sentence(tmp_path, text, sentence):
    file = tmp_path / "list"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match=sentence):
        read_table(file)


def test_files_that_are_missing_or_binary_are_named(tmp_path):
    (tmp_path / "list.csv").write_bytes(b"email\n\xff\xfe\n")

    with pytest.raises(ConfigError, match="not UTF-8"):
        read_table(tmp_path / "list.csv")
    with pytest.raises(ConfigError, match="no such file"):
        read_table(tmp_path / "missing.csv")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_table(tmp_path)


def test_an_unknown_column_is_told_with_the_nearest_known(tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("email,topcis\na@x.org,vision\n")

    assert read_table(file).notes == (
        "the column “topcis” is unknown and left out; did you mean topics?",
    )


plain = st.text(max_size=12).map(one_line)
texts = st.lists(plain.filter(bool), max_size=3).map(tuple)
fractions = st.floats(0, 1)
people = st.builds(
    Subscriber,
    id=st.just(""),
    email=st.sampled_from(["a@x.org", "B.c@x.org", "=d@x.org", "+e@x.org", "-@x.org"]),
    name=plain,
    status=st.sampled_from([s for s in Status if s is not Status.PAUSED]),
    profile=st.builds(
        Profile,
        topics=texts,
        keywords=texts,
        authors=texts,
        liked=texts,
        muted=texts,
        max_papers=st.integers(1, 50),
        min_score=fractions,
        trend_weight=fractions,
        surprise=st.booleans(),
        abstract_length=st.integers(0, 2000),
    ),
    cadence=st.sampled_from(Cadence),
    send_at=st.times().map(lambda t: time(t.hour, t.minute)),
    weekday=st.integers(0, 6),
    timezone=st.sampled_from(["UTC", "Europe/Berlin"]),
    format=st.sampled_from(Format),
    since=st.dates() | st.just(date(2026, 4, 3)),
)
consents = st.builds(
    Consent,
    at=st.datetimes(timezones=st.just(UTC)),
    origin=plain,
    wording=plain,
)


@given(people, consents, plain)
def test_whoever_is_written_to_csv_or_json_is_read_as_the_same_person(person, consent, reason):
    cells = to_cells(person, consent, reason)
    lines = io.StringIO("".join(write_csv([cells])), newline="")
    (from_csv,) = csv.DictReader(lines)
    (from_json,) = json.loads("".join(write_json([cells])))

    for given_cells in ({k: from_text(v) for k, v in from_csv.items()}, from_json):
        row = read_row("line 2", given_cells, now=NOON, vouched=VOUCHED)
        assert not isinstance(row, Passed), row
        assert row.subscriber == person
        assert row.consent == consent
        assert row.reason == reason


@given(st.lists(plain.filter(bool), max_size=5))
def test_a_list_in_a_cell_is_split_into_what_was_joined(items):
    assert split(join(items)) == items


@given(st.text(max_size=10) | st.sampled_from(["=cmd()", "+1", "-1", "@a", "'=x", "''+x", "\t="]))
def test_no_written_cell_is_a_formula_and_each_is_read_as_it_was(text):
    written = to_text(text)

    assert written[:1] not in ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
    assert from_text(written) == text


@given(
    st.dictionaries(
        st.sampled_from(["email", "status", "topics", "attributes", "since", "at", "consent_at"]),
        st.text(max_size=20) | st.integers() | st.lists(st.integers(), max_size=2) | st.none(),
    )
)
def test_whatever_stands_in_a_row_ends_in_a_reader_or_a_sentence(cells):
    row = read_row("line 2", {"email": "a@x.org"} | cells, now=NOON, vouched=VOUCHED)

    assert not isinstance(row, Passed) or row.why


def test_an_export_moves_everybody_to_another_installation(take, store, desk, now, tmp_path):
    take(
        "email,status,paused_until,topics\na@x.org,,,vision\nb@x.org,paused,2026-05-01,\nc@x.org,complained,,\n"
    )
    desk.unsubscribe(desk.find("a@x.org").id, now=now, reason="=HYPERLINK(1)")
    rows, kept = everything(store)

    for name, lines in (("out.csv", write_csv(rows)), ("out.json", write_json(rows))):
        other = open_store(blank_store(tmp_path / name / "n.db"))
        file = tmp_path / f"moved-{name}"
        file.write_text("".join(lines), encoding="utf-8")
        done = import_rows(other, read_table(file).rows, vouched=VOUCHED, now=now)

        assert (done.added, done.rejected) == (3, [])
        assert everything(other) == (rows, kept)
        other.close()
