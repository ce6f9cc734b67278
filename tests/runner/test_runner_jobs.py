"""Each job of the runner, called at a simulated time: what it does, and what its trouble leads to."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from typing import NoReturn

import pytest
from apscheduler.triggers.interval import IntervalTrigger
from runner_world import START, TODAY, YES, House

from newsletter import watchman
from newsletter.errors import MailError, NewsletterError, SourceError, StoreError
from newsletter.jobs import _BEST
from newsletter.mail.verp import ReturnPaths
from newsletter.model import Listing, Status, Tier
from newsletter.runner import _is_far_off
from newsletter.sources.spec import SourceKind, SourceSpec
from newsletter.watch import Reading


def test_lists_are_read_and_one_that_fails_does_not_stop_the_others(house):
    house.runner.ingest()

    good, bad = house.runner.journal.readings
    assert house.app.store.count() == 8
    assert (good.tier, good.in_a_row) == (Tier.API, 0)
    assert bad.name.endswith("second.jsonl")
    assert (bad.failed, bad.in_a_row) == (True, 1)


def test_a_reading_that_the_end_of_the_service_cuts_short_is_no_trouble(house, monkeypatch, caplog):
    class Stopped:
        def read(self, spec: SourceSpec, *, now: datetime) -> Listing:
            del spec, now
            house.runner.stop_soon()
            raise SourceError("given up, because the newsletter is being stopped")

    monkeypatch.setattr(house.app, "reading", lambda _: nullcontext(Stopped()))
    caplog.set_level("INFO")

    house.runner.ingest()

    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "is being stopped" in caplog.text
    assert house.runner.journal.readings == ()


def test_a_list_that_fails_twice_is_told_to_the_operator_once(house):
    for _ in range(4):
        house.runner.ingest()
        house.runner.watch()
        house.later(minutes=30)

    (mail,) = house.mails()
    assert "alarm: source" in mail["Subject"]
    assert mail["To"] == "op@papers.example"


def test_digests_are_made_at_their_hour_once(house):
    reader = house.reader()
    house.runner.ingest()
    house.runner.compose()
    assert house.digests(reader) == 0

    house.later(minutes=31)
    house.runner.compose()
    house.runner.compose()
    assert house.digests(reader) == 1


def test_after_a_standstill_the_lists_are_read_before_digests_are_made(house):
    house.runner.ingest()
    reader = house.reader()
    house.later(hours=20)
    house.lists(TODAY + timedelta(days=1))
    restarted = type(house.runner)(house.app, on_ready=lambda: None)

    restarted.compose()
    assert house.digests(reader) == 0
    restarted.ingest()
    restarted.compose()

    with house.app.store.register() as register:
        (digest,) = register.digests.of(reader.id)
    assert TODAY + timedelta(days=1) in {pick.paper.listed_on for pick in digest.picks}


def test_lists_that_take_for_ever_hold_up_digests_for_minutes_only(house):
    house.runner.ingest()
    reader = house.reader()
    house.later(hours=20)
    restarted = type(house.runner)(house.app, on_ready=lambda: None)
    house.later(minutes=6)

    restarted.compose()

    assert house.digests(reader) == 1


def test_who_does_not_confirm_is_forgotten_by_the_house(house):
    house.app.subscriptions.subscribe("ines@reader.example", None, YES, now=house.at)
    house.later(hours=47)
    house.runner.house()
    assert house.app.subscriptions.knows("ines@reader.example")

    house.later(hours=2)
    house.runner.house()
    assert not house.app.subscriptions.knows("ines@reader.example")


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("Pacific/Kiritimati", datetime(2026, 4, 9, 10, 0, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 4, 9, 18, 15, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 4, 10, 4, 0, tzinfo=UTC)),
    ],
)
def test_a_pause_ends_at_midnight_where_the_reader_lives(house, zone, midnight):
    reader = house.reader(timezone=zone)
    house.app.subscriptions.pause(reader.id, date(2026, 4, 10), now=START)

    house.at = midnight - timedelta(seconds=1)
    house.runner.resume()
    assert house.app.subscriptions.get(reader.id).status is Status.PAUSED
    house.at = midnight + timedelta(seconds=1)
    house.runner.resume()
    assert house.app.subscriptions.get(reader.id).status is Status.ACTIVE


def test_pauses_are_looked_at_just_after_every_quarter_of_an_hour(house):
    (trigger,) = [trigger for job, trigger in house.runner._jobs() if job == house.runner.resume]
    fired, at = [], START - timedelta(seconds=2)
    for _ in range(4):
        at = trigger.get_next_fire_time(None, at + timedelta(seconds=2))
        fired.append((at.minute, at.second))

    assert fired == [(30, 1), (45, 1), (0, 1), (15, 1)]


@pytest.mark.parametrize("trouble", [NewsletterError("ines@reader.example"), KeyError("boom")])
def test_a_job_that_fails_ends_quietly_and_is_told_after_three_times(house, trouble):
    def compose() -> None:
        raise trouble

    house.runner.ingest()
    job = house.runner.guarded(compose)
    for _ in range(2):
        job()
    house.runner.watch()
    assert house.mails() == []

    job()
    house.runner.watch()

    (mail,) = house.mails()
    assert mail["Subject"] == "Trending papers: alarm: job compose"
    assert "failed 3 times in a row" in mail.get_content()
    assert "ines@" not in mail.get_content()


@pytest.mark.parametrize(("tier", "is_detour"), [(Tier.API, False), (Tier.RSS, True)])
def test_a_day_that_is_read_by_the_feed_instead_of_the_api_is_a_detour(tier, is_detour):
    reading = Reading(name="daily", at=START, best=_BEST[SourceKind.DAILY], tier=tier)

    assert reading.is_detour is is_detour


def test_serving_alone_has_neither_lists_nor_digests_to_make(house):
    serving = type(house.runner)(house.app, on_ready=lambda: None, whole=False)

    assert {job.name for job in serving.journal.jobs} == {"house", "resume", "watch"}
    assert not serving.lookout.facts().whole


class Scheduled:
    """A job as the scheduler keeps it."""

    def __init__(self, next_run_time: datetime, period: timedelta) -> None:
        self.next_run_time = next_run_time
        self.trigger = IntervalTrigger(seconds=period.total_seconds(), timezone=UTC)


def test_a_clock_that_was_put_back_is_noticed_and_a_long_period_is_not_taken_for_it():
    minute, hour = timedelta(minutes=1), timedelta(hours=1)

    assert _is_far_off(Scheduled(START + hour, minute), START)
    assert not _is_far_off(Scheduled(START + hour, hour), START)
    assert not _is_far_off(Scheduled(START - hour, minute), START)


def test_what_is_running_signs_links_and_return_paths_with_a_new_key_and_reads_both(tmp_path):
    house = House(tmp_path, '[bounces]\naddress = "b@papers.example"\n')
    post, old = house.app.live_post, "old-mail"
    earlier = post.return_paths.make(old)
    house.app.store.add_link_key(house.at)

    house.runner._server._renew()

    restarted = ReturnPaths("b@papers.example", house.app.store.link_keys(house.at))
    assert post.return_paths.make("new-mail") == restarted.make("new-mail")
    assert post.return_paths.read(earlier) == old
    house.close()


def test_new_papers_that_could_not_be_read_just_now_are_shown_by_the_pages_a_little_later(
    house, monkeypatch
):
    server = house.runner._server
    house.runner.ingest()
    assert server.site.chooser.pool.day == TODAY
    house.lists(TODAY + timedelta(days=1))
    house.later(days=1)
    house.runner.ingest()
    with monkeypatch.context() as away:
        away.setattr(house.app.store, "candidates", _gone)
        with pytest.raises(StoreError):
            server._renew()

    server._renew()

    assert server.site.chooser.pool.day == TODAY + timedelta(days=1)


def _gone(**_: object) -> NoReturn:
    raise StoreError("the database went away")


def test_a_mailbox_of_reports_that_cannot_be_used_ends_the_start(tmp_path):
    login = 'host = "192.0.2.1"\nusername = "b"\npassword = "p"\nsecurity = "none"'

    with pytest.raises(MailError, match="would cross the network unencrypted"):
        House(tmp_path, f"[bounces]\n{login}\n")


def test_the_disk_that_is_watched_is_the_one_of_the_database(tmp_path, monkeypatch):
    looked_at = []
    monkeypatch.setattr(watchman, "_disk", looked_at.append)
    house = House(tmp_path, f'[store]\nurl = "sqlite:///{tmp_path / "kept" / "news.db"}"\n')

    house.runner.lookout.facts()

    assert looked_at == [tmp_path / "kept"]
    house.close()
