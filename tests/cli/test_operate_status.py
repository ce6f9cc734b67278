"""`newsletter status` and `newsletter deliver`: what there is, what waits, what left."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from operate_world import INES, composed, enrol, stock

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.delivery import DeliveryState
from newsletter.model import Status
from newsletter.runner import only_instance


@pytest.fixture
def app(relay, app) -> App:
    """It mails to the relay."""
    return app


def status(newsletter) -> dict:
    ran = newsletter("status", "--json")
    assert (ran.code, ran.err) == (0, "")
    return json.loads(ran.out)


def test_a_fresh_installation_has_a_status_and_stays_fresh(newsletter, installation):
    told = status(newsletter)

    assert told["papers"] == {"count": 0, "newest_list": None, "last_look_at": None}
    assert told["digests"] == {"due": 0, "next_due_at": None}
    assert told["keys"] == {"count": 0, "newest_made_at": None}
    assert not (installation / "state").exists()


def test_the_status_counts_papers_readers_mails_and_keys(newsletter, app):
    composed(app, enrol(app))
    enrol(app, "two@reader.example")
    app.subscriptions.enrol("new@reader.example", None, None, now=app.now())
    app.store.link_keys(app.now())

    told = status(newsletter)

    today = app.now().date().isoformat()
    assert (told["papers"]["count"], told["papers"]["newest_list"]) == (12, today)
    assert told["subscribers"] == {"active": 2, "pending": 1}
    assert told["outbox"]["by_state"] == {"queued": 1}
    assert datetime.fromisoformat(told["outbox"]["oldest_waiting_since"]) <= app.now()
    assert datetime.fromisoformat(told["digests"]["next_due_at"]) > app.now()
    assert told["keys"]["count"] == 1


def test_people_read_the_same_as_a_table(newsletter, app):
    composed(app, enrol(app))

    ran = newsletter("status")

    assert ran.code == 0
    rows = {line[:11].strip(): line[11:].strip() for line in ran.out.splitlines()}
    assert rows["papers"].startswith("12, newest list of ")
    assert rows["papers"].endswith("read 0 min ago")
    assert rows["subscribers"] == "1 active"
    assert rows["digests"].startswith("0 due now, next in ")
    assert rows["outbox"] == "1 queued; the oldest waits since 0 min ago"


def test_last_errors_are_shown_without_addresses(newsletter, app):
    digest = composed(app, enrol(app))
    with app.store.changing_register() as register:
        (mine,) = register.outbox.claim(app.now(), most=1, lease=timedelta(minutes=1))
        said = f"451 RCPT TO: {INES} comes too often"
        register.outbox.record([replace(mine, state=DeliveryState.DEFERRED, last_error=said)])

    (error,) = status(newsletter)["last_errors"]
    assert (error["id"], error["state"]) == (digest.id, "deferred")
    assert error["said"] == "451 RCPT TO: (hidden) comes too often"
    assert INES not in newsletter("status").out
    assert "comes too often" in newsletter("status").out


def test_a_round_of_deliveries_hands_over_what_is_due(newsletter, app, relay):
    composed(app, enrol(app))

    ran = newsletter("deliver", "--once")

    assert ran.code == 0
    assert ran.out == "1 sent, 0 put off, 0 failed, 0 cancelled; nothing waits\n"
    assert [envelope.rcpt_tos for envelope in relay.mails] == [[INES]]
    assert newsletter("deliver", "--once").out.startswith("0 sent")


def test_a_round_takes_no_more_than_its_limit(newsletter, app, relay):
    for n in range(3):
        composed(app, enrol(app, f"r{n}@reader.example"))

    ran = newsletter("deliver", "--once", "--limit", "2")

    assert ran.out.startswith("2 sent, 0 put off, 0 failed, 0 cancelled; 1 still wait, the next")
    assert len(relay.mails) == 2


def test_a_refused_mail_is_told_and_is_no_failure_of_the_command(newsletter, app, relay):
    digest = composed(app, enrol(app))
    relay.refusal = "550 5.1.1 nobody here"

    ran = newsletter("deliver", "--once")

    assert (ran.code, ran.out[:33]) == (0, "0 sent, 0 put off, 1 failed, 0 ca")
    with app.store.register() as register:
        assert register.outbox.get(digest.id).state is DeliveryState.FAILED
    assert "last try" in newsletter("status").out
    assert app.subscriptions.find(INES).status is Status.BOUNCED


def test_without_a_relay_mails_become_files(newsletter, installation):
    app = App(load_settings())
    stock(app)
    composed(app, enrol(app))
    app.store.close()

    ran = newsletter("deliver", "--once")

    assert ran.out.startswith("1 sent")
    assert "mails become files in" in ran.err
    assert len(list((installation / "state" / "outbox").glob("*.eml"))) == 1


def test_no_round_while_another_process_holds_the_file(newsletter, app, relay):
    composed(app, enrol(app))
    with only_instance(app):
        ran = newsletter("deliver", "--once")

    assert ran.code == 1
    assert "another newsletter runs on" in ran.err
    assert relay.mails == []


def test_a_round_must_be_asked_for(newsletter):
    ran = newsletter("deliver")

    assert ran.code == 2
    assert "add --once; `newsletter run` delivers all day" in ran.err


def test_a_limit_of_nothing_is_refused(newsletter):
    assert newsletter("deliver", "--once", "--limit", "0").code == 2
