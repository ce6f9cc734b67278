"""The notebook: what is known of a mail outlives the process, and is handed over exactly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from carrying_world import NOON, SECOND
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery import Delivery, DeliveryState, Errand, Outcome, Result
from newsletter.errors import StoreError
from newsletter.mail import outbox
from newsletter.notebook import Notebook, _facts, _line, read_after_death

LEASE = timedelta(minutes=10)


def claim(world):
    with world.store.changing_register() as register:
        return register.outbox.claim(world.clock.at, most=200, lease=LEASE)


def sent(delivery):
    return replace(delivery, state=DeliveryState.SENT, sent_at=NOON, fingerprint="f" * 64)


def pages(world) -> list[Path]:
    return sorted(world.notes.glob("*.page"))


def dies(world) -> None:
    """The locks of a process go with it; in these tests its files are copied to where none is."""
    for page in pages(world):
        copy = page.with_name(f"dead-{page.name}")
        copy.write_bytes(page.read_bytes())
        page.unlink()


def test_ends_reach_the_store_many_at_a_time(world, monkeypatch):
    monkeypatch.setattr("newsletter.notebook._AT_ONCE", 50)
    ids = world.readers(60)
    notebook = world.notebook()
    for delivery in claim(world):
        notebook.note(sent(delivery))

    states = [world.get(one).state for one in ids]
    assert states == [DeliveryState.SENT] * 50 + [DeliveryState.SENDING] * 10
    notebook.close()
    assert world.states(ids) == {DeliveryState.SENT}


def test_an_end_waits_for_no_more_than_a_second_while_others_come(world):
    world.readers(3)
    notebook = world.notebook()
    first, second, third = claim(world)
    notebook.note(sent(first))
    world.clock.at += SECOND
    notebook.note(sent(second))
    notebook.note(sent(third))

    states = [world.get(one.id).state for one in (first, second, third)]
    assert states == [DeliveryState.SENT, DeliveryState.SENT, DeliveryState.SENDING]


def test_a_page_that_was_handed_over_begins_anew_however_many_mails_there_were(world):
    world.readers(4)
    notebook = world.notebook()
    for delivery in claim(world):
        notebook.note(sent(delivery))
        notebook.hand_over()
        notebook.note(sent(delivery))

    for page in pages(world):
        assert b"\0" not in page.read_bytes()
    notebook.close()


def test_what_cannot_be_read_of_the_dead_is_a_sentence_and_not_a_second_copy(world):
    world.readers(1)
    world.notes.mkdir()
    (world.notes / "locked.page").mkdir()  # who runs the tests may read every file

    with pytest.raises(StoreError, match=r"cannot be read: .*locked\.page: Is a directory"):
        read_after_death(world.store, world.notes)


def test_without_a_folder_every_end_is_in_the_store_at_once(world):
    world.readers(1)
    (delivery,) = claim(world)
    Notebook(world.store, now=world.clock, folder=None).note(sent(delivery))

    assert world.get(delivery.id).state is DeliveryState.SENT


def test_a_process_without_mail_leaves_no_file_and_neither_does_one_that_ends_well(world):
    notebook = world.notebook()
    notebook.hand_over()
    assert not world.notes.exists()

    world.readers(1)
    notebook.note(sent(*claim(world)))
    assert len(pages(world)) == 2
    assert {page.stat().st_mode & 0o077 for page in pages(world)} == {0}
    notebook.close()
    assert pages(world) == []


def test_what_a_dead_process_had_noted_is_taken_over_whole(world):
    ids = world.readers(3)
    notebook = world.notebook()
    first, second, third = claim(world)
    refusal = Outcome(result=Result.REJECTED, reply=550, status="5.1.1", detail="RCPT TO: no")
    failed = outbox.after(second, refusal, NOON, until=NOON + LEASE)
    for end in (sent(first), failed):
        notebook.note(end)
    dies(world)

    news = read_after_death(world.store, world.notes)

    assert {end.id for end in news} == {first.id, second.id}
    assert world.get(first.id) == replace(sent(first), leased_until=None)
    assert world.get(second.id) == replace(failed, leased_until=None)
    assert world.get(third.id).state is DeliveryState.SENDING
    assert outbox.no_such_mailbox(next(end for end in news if end.id == second.id))
    with world.store.register() as register:
        assert register.ledger.sent_to(second.subscriber_id) == frozenset()
    assert pages(world) == []
    assert len(ids) == 3


def test_what_was_handed_over_before_is_no_news_and_changes_nothing(world):
    world.readers(2)
    notebook = world.notebook()
    first, second = claim(world)
    notebook.note(sent(first))
    notebook.note(outbox.given_back(second))
    stale = [page.read_bytes() for page in pages(world)]
    notebook.close()
    before = [world.get(one.id) for one in (first, second)]
    (world.notes / "old.page").write_bytes(b"".join(stale))

    assert read_after_death(world.store, world.notes) == ()
    assert [world.get(one.id) for one in (first, second)] == before


def test_the_notebook_of_a_process_that_lives_is_left_alone(world):
    world.readers(1)
    notebook = world.notebook()
    (delivery,) = claim(world)
    notebook.note(sent(delivery))

    assert read_after_death(world.store, world.notes) == ()
    assert world.get(delivery.id).state is DeliveryState.SENDING
    notebook.close()


@given(cut=st.integers(0, 400), noise=st.binary(max_size=40))
def test_a_torn_line_is_left_out_and_spoils_no_other(cut, noise):
    one = Delivery(
        id="d1", errand=Errand.DIGEST, subscriber_id="s1", created_at=NOON, next_attempt_at=NOON
    )
    first, torn, last = (_line(sent(replace(one, id=name))) for name in ("d1", "d2", "d3"))
    lines = first + torn[:cut] + last + b"\n" + noise.replace(b"\n", b"")
    read = [facts for line in lines.split(b"\n") if (facts := _facts(line))]
    ids = [name for name, _ in read]

    assert ids[0] == "d1"
    assert ids[-1] == "d3"
    assert set(ids) <= {"d1", "d2", "d3"}


def test_when_the_store_fails_everything_stays_noted_and_is_handed_over_later(world, monkeypatch):
    monkeypatch.setattr("newsletter.notebook._AT_ONCE", 50)
    ids = world.readers(80)
    notebook = world.notebook()
    claimed = claim(world)
    with world.without_store():
        for delivery in claimed:
            notebook.note(sent(delivery))
        assert notebook.is_stuck
        with pytest.raises(StoreError):
            notebook.hand_over()
        lines = b"".join(page.read_bytes() for page in pages(world))
        assert lines.count(b'"sent"') == 80

    notebook.hand_over()
    assert not notebook.is_stuck
    assert world.states(ids) == {DeliveryState.SENT}


def test_claims_given_back_while_the_store_is_away_are_free_as_soon_as_it_is_there(world):
    ids = world.readers(3)
    notebook = world.notebook()
    claimed = claim(world)
    with world.without_store():
        notebook.note(sent(claimed[0]))
        with pytest.raises(StoreError):
            notebook.hand_over([outbox.given_back(one) for one in claimed[1:]])
    notebook.hand_over()

    assert world.states(ids[:1]) == {DeliveryState.SENT}
    assert world.states(ids[1:]) == {DeliveryState.QUEUED}


def test_what_was_given_back_too_late_stays_with_whom_it_belongs_to_now(world):
    ids = world.readers(1)
    notebook = world.notebook()
    first = claim(world)
    with world.without_store(), pytest.raises(StoreError):
        notebook.hand_over([outbox.given_back(one) for one in first])
    world.clock.at += LEASE + SECOND
    (second,) = claim(world)
    notebook.hand_over()

    assert world.get(ids[0]).leased_until == second.leased_until
    assert world.states(ids) == {DeliveryState.SENDING}


def test_where_no_note_can_be_written_the_store_takes_each_end_at_once_and_the_log_tells(
    world, caplog
):
    ids = world.readers(2)
    world.notes.write_text("no folder can be made here")
    notebook = world.notebook()
    for delivery in claim(world):
        notebook.note(sent(delivery))

    assert world.states(ids) == {DeliveryState.SENT}
    (told,) = [record.getMessage() for record in caplog.records]
    assert f"{world.notes} cannot be written (File exists)" in told
    assert "set paths.state" in told


_WRITES_AND_DIES = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from newsletter.delivery import DeliveryState
from dataclasses import replace
from newsletter.notebook import Notebook
from newsletter.store import open_store
from datetime import timedelta

now = datetime(2026, 4, 3, 12, tzinfo=UTC)
store = open_store(sys.argv[1])
with store.changing_register() as register:
    claimed = register.outbox.claim(now, most=9, lease=timedelta(minutes=10))
notebook = Notebook(store, now=lambda: now, folder=Path(sys.argv[2]))
for delivery in claimed[:7]:
    notebook.note(replace(delivery, state=DeliveryState.SENT, sent_at=now))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_process_noted_before_sigkill_is_there_after_it(world):
    ids = world.readers(9)
    url = f"sqlite:///{world.notes.parent / 'n.db'}"
    command = [sys.executable, "-c", _WRITES_AND_DIES, url, str(world.notes)]
    died = subprocess.run(command, check=False, env=os.environ, timeout=120)
    assert died.returncode == -signal.SIGKILL

    news = read_after_death(world.store, world.notes)

    assert [end.id for end in news] == ids[:7]
    assert world.states(ids[:7]) == {DeliveryState.SENT}
    assert world.states(ids[7:]) == {DeliveryState.SENDING}
