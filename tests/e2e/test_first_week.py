"""The first week: every mail that should exist exists once, at the right local hour.

Twelve zones, all cadences, a clock change, a weekend, a pause, a day without page, a day without
relay, addresses that do not exist.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from week import FIELDS, Week, week

from newsletter.membership import Consent, Wishes
from newsletter.model import Cadence, Profile, Status, Subscriber

ZONES = (
    "Pacific/Kiritimati",
    "Pacific/Auckland",
    "Australia/Adelaide",
    "Asia/Tokyo",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Europe/Berlin",
    "UTC",
    "America/Sao_Paulo",
    "America/New_York",
    "America/Los_Angeles",
    "Pacific/Honolulu",
)
READERS = 200
# Wednesday to Wednesday, over the Sunday on which Europe changes its clocks.
START = datetime(2026, 3, 25, 0, 0, tzinfo=UTC)
END = START + timedelta(days=7)
PAGE_IS_DOWN = (datetime(2026, 3, 26, 0, 5, tzinfo=UTC), datetime(2026, 3, 26, 20, tzinfo=UTC))
RELAY_IS_DOWN = (datetime(2026, 3, 30, 6, tzinfo=UTC), datetime(2026, 3, 31, 4, tzinfo=UTC))
WEEKEND = frozenset({date(2026, 3, 28), date(2026, 3, 29)})
PAUSED_UNTIL = date(2026, 3, 30)
YES = Consent(at=START, origin="form", wording="yes")


@pytest.fixture(scope="module")
def lived(tmp_path_factory) -> Iterator[tuple[Week, dict[str, Subscriber]]]:
    """The week as it went, and who was there at its beginning."""
    with week(tmp_path_factory.mktemp("week"), START - timedelta(days=1)) as made:
        made.page.resting = WEEKEND
        made.relay.unknown = frozenset({"r5@reader.example", "r17@reader.example"})
        made.passes(START)
        readers = {reader.email: reader for reader in _arrive(made)}
        for until, change in _events(made):
            made.passes(until)
            change()
        made.passes(END)
        yield made, readers


def _arrive(made: Week) -> list[Subscriber]:
    cadences = list(Cadence)
    desk = made.app.subscriptions
    readers = [
        desk.enrol(
            f"r{n}@reader.example",
            Wishes(
                profile=Profile(topics=(FIELDS[n % 4],), max_papers=8, surprise=False),
                cadence=cadences[n % 3],
                weekday=n % 7,
                timezone=ZONES[n % 12],
                send_at=time(2, 30) if n % 5 == 0 else time(6 + n % 15, 15 * (n % 4)),
            ),
            YES,
            now=made.now,
        )
        for n in range(READERS)
    ]
    for reader in readers[20:24]:
        desk.pause(reader.id, PAUSED_UNTIL, now=made.now)
    return readers


def _events(made: Week) -> Iterator[tuple[datetime, Callable[[], None]]]:
    """What happens in this week, in order."""
    yield PAGE_IS_DOWN[0], lambda: setattr(made.page, "broken", True)
    yield PAGE_IS_DOWN[1], lambda: setattr(made.page, "broken", False)
    yield RELAY_IS_DOWN[0], lambda: setattr(made.relay, "closed", True)
    yield RELAY_IS_DOWN[1], lambda: setattr(made.relay, "closed", False)


def _due_days(reader: Subscriber) -> list[date]:
    """The local days of the week on which this reader's hour comes, told in plain arithmetic."""
    zone = ZoneInfo(reader.timezone)
    days = (START.date() + timedelta(days=n) for n in range(-1, 9))
    return [
        day
        for day in days
        if START < datetime.combine(day, reader.send_at, tzinfo=zone).astimezone(UTC) <= END
        and (
            reader.cadence is Cadence.DAILY
            or (reader.cadence is Cadence.WEEKDAYS and day.weekday() < 5)
            or (reader.cadence is Cadence.WEEKLY and day.weekday() == reader.weekday)
        )
    ]


def _made_at(reader: Subscriber, mail) -> datetime:
    """When a digest was made, where its reader lives."""
    return mail["Date"].datetime.astimezone(ZoneInfo(reader.timezone))


def test_every_digest_that_was_due_and_had_papers_came_once(lived):
    made, readers = lived
    got = made.relay.by_reader()
    paused = {f"r{n}@reader.example" for n in range(20, 24)}

    for address, reader in readers.items():
        if address in made.relay.unknown:
            continue
        days = [_made_at(reader, mail).date() for mail in got[address]]
        due = _due_days(reader)
        if address in paused:
            due = [day for day in due if day >= PAUSED_UNTIL]
        assert len(days) == len(set(days)), address
        assert set(days) <= set(due), address
        missed = set(due) - set(days)
        # Without a list nothing new can come: the weekend and its echo, and the day without page.
        assert all(_was_quiet(made, reader, day) for day in missed), (address, missed)


def _was_quiet(made: Week, reader: Subscriber, day: date) -> bool:
    """Whether no list came between the digest before that day and its hour."""
    due = datetime.combine(day, reader.send_at, tzinfo=ZoneInfo(reader.timezone)).astimezone(UTC)
    step = timedelta(days=7 if reader.cadence is Cadence.WEEKLY else 1)
    return not any(due - step < seen <= due for seen in _lists_came(made))


def _lists_came(made: Week) -> set[datetime]:
    """When papers were seen for the first time."""
    return {candidate.sightings[0].seen_at for candidate in made.app.store.candidates()}


def test_every_digest_was_made_at_the_hour_of_its_reader(lived):
    made, readers = lived
    for address, mails in made.relay.by_reader().items():
        reader = readers[address]
        for mail in mails:
            at = _made_at(reader, mail)
            wanted = datetime.combine(at.date(), reader.send_at, tzinfo=at.tzinfo).astimezone(UTC)
            late = at.astimezone(UTC) - wanted
            assert timedelta() <= late <= timedelta(minutes=15), (address, at)


def test_nobody_got_a_paper_twice(lived):
    made, readers = lived
    with made.app.store.register() as register:
        for reader in readers.values():
            ids = [p.paper.id for d in register.digests.of(reader.id) for p in d.picks]
            if reader.email not in made.relay.unknown:
                assert len(ids) == len(set(ids)), reader.email


def test_no_mail_left_twice(lived):
    made, _ = lived
    names = Counter(mail["Message-ID"] for _, mail in made.relay.mails)

    assert max(names.values()) == 1
    assert len(made.relay.mails) > READERS


def test_everybody_was_served_papers_of_their_own_field_only(lived):
    made, readers = lived
    for address, mails in made.relay.by_reader().items():
        field = readers[address].profile.topics[0].capitalize()
        for mail in mails:
            assert field in mail.get_body(("plain",)).get_content()
            assert all(
                other.capitalize() not in mail["Subject"]
                for other in FIELDS
                if other != field.lower()
            )


def test_the_day_without_relay_put_mails_off_and_lost_none(lived):
    made, _ = lived
    assert made.relay.refused > 0
    late = [
        mail
        for _, mail in made.relay.mails
        if RELAY_IS_DOWN[0] <= mail["Date"].datetime <= RELAY_IS_DOWN[1]
    ]
    assert late


def test_addresses_that_do_not_exist_got_nothing_and_stopped_nobody(lived):
    made, _ = lived

    assert made.relay.unknown.isdisjoint(made.relay.by_reader())


def test_a_pause_ended_on_its_day(lived):
    made, readers = lived
    for n in range(20, 24):
        reader = readers[f"r{n}@reader.example"]
        assert made.app.subscriptions.get(reader.id).status is Status.ACTIVE
        for mail in made.relay.by_reader()[reader.email]:
            assert _made_at(reader, mail).date() >= PAUSED_UNTIL
