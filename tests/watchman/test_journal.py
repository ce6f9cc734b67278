"""The journal counts jobs, readings and mails, and stays small."""

from __future__ import annotations

from operator_world import MINUTE, NOON

from newsletter.delivery import Outcome, Result
from newsletter.journal import Journal
from newsletter.model import Tier
from newsletter.watch import Reading, RelayRecord

BY_API = Reading(name="daily", at=NOON, tier=Tier.API, best=Tier.API)
BY_PAGE = Reading(name="daily", at=NOON, tier=Tier.PAGE_JSON, best=Tier.API)
FAILED = Reading(name="daily", at=NOON, best=Tier.API, problem="HTTP 500")


def test_jobs_are_seen_before_they_ran_and_failures_in_a_row_end_with_a_success():
    journal = Journal(NOON, jobs=["ingest"])
    assert [(job.name, job.runs) for job in journal.jobs] == [("ingest", 0)]

    for error in ("a", "b", "", "c"):
        journal.job_ended("ingest", NOON, error)

    (job,) = journal.jobs
    assert (job.runs, job.failures, job.in_a_row, job.last_error) == (4, 3, 1, "c")


def test_readings_that_go_wrong_alike_are_counted_in_a_row():
    journal = Journal(NOON)
    seen = []
    for reading in (BY_API, BY_PAGE, BY_PAGE, FAILED, FAILED, BY_PAGE, BY_API):
        journal.source_read(reading)
        seen.append(journal.readings[0].in_a_row)

    assert seen == [0, 1, 2, 1, 2, 1, 0]


def test_a_relay_that_judges_a_mail_is_there():
    journal = Journal(NOON)
    busy = Outcome(result=Result.DEFERRED, reply=450, detail="RCPT TO: busy")
    for minute in range(3):
        journal.mail_ended(busy, NOON + minute * MINUTE)
    assert journal.relay == RelayRecord(
        put_off=3, since=NOON, at=NOON + 2 * MINUTE, words="450 RCPT TO: busy"
    )

    journal.mail_ended(Outcome(result=Result.REJECTED, reply=550), NOON)
    assert journal.relay == RelayRecord()
    assert dict(journal.mails) == {
        Result.ACCEPTED: 0,
        Result.DEFERRED: 3,
        Result.REJECTED: 1,
    }


def test_mails_that_are_refused_for_good_but_not_for_their_readers_are_counted_in_a_row():
    """“Relay access denied” is about us, whatever mail it is said of."""
    journal = Journal(NOON)
    denied = Outcome(
        result=Result.REJECTED, reply=554, status="5.7.1", detail="RCPT TO: Relay access denied"
    )
    plain = Outcome(result=Result.REJECTED, reply=550, detail="RCPT TO: relay not permitted")
    for minute, outcome in enumerate((denied, plain, denied)):
        journal.mail_ended(outcome, NOON + minute * MINUTE)
    words = "554 RCPT TO: Relay access denied"
    assert journal.relay == RelayRecord(refused=3, since=NOON, at=NOON + 2 * MINUTE, words=words)

    nobody = Outcome(result=Result.REJECTED, reply=550, status="5.1.1", detail="RCPT TO: who?")
    journal.mail_ended(nobody, NOON)
    assert journal.relay == RelayRecord()
