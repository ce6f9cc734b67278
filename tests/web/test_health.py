"""What machines nearby are told: readiness in a sentence, figures in Prometheus' format."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event
from web_world import NOON, Site

from newsletter.delivery import Outcome, Result
from newsletter.errors import StoreError
from newsletter.jobs import make_lookout
from newsletter.journal import Journal
from newsletter.model import Tier
from newsletter.watch import Reading
from newsletter.web.health import METRICS_TYPE, Metric, exposition
from newsletter.web.server import make_pages

_LINE = re.compile(
    r"(# (HELP|TYPE) newsletter_[a-z_]+ .+|newsletter_[a-z_]+(\{[a-z]+=\"[^\"]*\"\})? -?[0-9.e+-]+)"
)


class Machines:
    """The answers for machines of one installation, asked from different places."""

    def __init__(self, web: Site, *, whole: bool = True, public: bool = False) -> None:
        self.journal = Journal(NOON - timedelta(hours=9), jobs=["ingest"])
        self.lookout = make_lookout(web.app, self.journal, whole=whole)
        self.served = make_pages(web.site, self.lookout, public_metrics=public)

    def ask(self, path: str, asker: str = "127.0.0.1", **headers: str):
        client = TestClient(self.served, client=(asker, 5), raise_server_exceptions=False)
        return client.get(path, headers=headers)


def test_a_house_whose_lists_and_mails_flow_is_ready(web):
    answer = Machines(web).ask("/readyz")

    assert (answer.status_code, answer.text) == (200, "ready\n")


def test_a_house_that_reads_no_lists_any_more_says_since_when(web):
    web.later(hours=4)

    answer = Machines(web).ask("/readyz")

    assert answer.status_code == 503
    assert answer.text == "No list of papers could be read since 2026-04-03 12:00 UTC.\n"
    assert Machines(web, whole=False).ask("/readyz").status_code == 200


def test_a_house_whose_mails_lie_about_says_so(web):
    web.reader()
    web.later(minutes=61)

    answer = Machines(web).ask("/readyz")

    assert answer.status_code == 503
    assert answer.text == "Mails that should have left since 2026-04-03 12:00 UTC: 1.\n"


@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
def test_a_database_that_does_not_answer_is_said_without_its_address(web, path, monkeypatch):
    machines = Machines(web)

    def broken(*_: object, **__: object) -> None:
        raise StoreError("the database postgresql://user@host/name cannot be used")

    monkeypatch.setattr(web.app.store, "figures", broken)
    answer = machines.ask(path)

    assert (answer.status_code, answer.text) == (503, "The database does not answer.\n")


def test_a_database_that_takes_no_changes_is_not_ready_long_before_a_mail_is_late(web):
    machines = Machines(web)

    @event.listens_for(web.app.store._engine, "begin")
    def closed(connection) -> None:
        connection.exec_driver_sql("PRAGMA query_only = ON")

    answer = machines.ask("/readyz")

    assert (answer.status_code, answer.text) == (503, "The database takes no changes.\n")
    assert machines.ask("/metrics").status_code == 200


def test_being_alive_is_asked_by_everybody(web):
    assert Machines(web).ask("/healthz", "203.0.113.9").text == "ok"


@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
@pytest.mark.parametrize(
    ("asker", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("10.1.2.3", {}, 200),
        ("172.17.0.1", {}, 200),
        ("fd00::7", {}, 200),
        ("::ffff:192.168.1.5", {}, 200),
        ("93.184.216.34", {}, 403),
        ("2606:2800:220:1::1", {}, 403),
        ("::ffff:93.184.216.34", {}, 403),
        ("nowhere", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "93.184.216.34"}, 403),
        ("127.0.0.1", {"Forwarded": "for=10.0.0.1"}, 403),
        ("127.0.0.1", {"Via": "1.1 proxy"}, 403),
    ],
)
def test_figures_are_for_who_asks_directly_from_nearby(shown, path, asker, headers, status):
    shown_now = Machines(shown)
    shown_now.journal.source_read(Reading(name="x", at=shown.at, tier=Tier.API))

    assert shown_now.ask(path, asker, **headers).status_code == status


def test_the_operator_may_open_them_for_everybody(shown):
    assert Machines(shown, public=True).ask("/metrics", "93.184.216.34").status_code == 200


def test_metrics_count_papers_people_mails_and_jobs_and_name_nobody(web):
    web.reader()
    web.later(minutes=2)
    machines = Machines(web)
    machines.journal.job_ended("ingest", NOON, "boom")
    machines.journal.mail_ended(Outcome(result=Result.ACCEPTED, reply=250), NOON)

    answer = machines.ask("/metrics")

    assert answer.headers["content-type"] == METRICS_TYPE
    lines = answer.text.splitlines()
    assert all(_LINE.fullmatch(line) for line in lines), lines
    for line in (
        "newsletter_papers 12",
        'newsletter_subscribers{status="active"} 1',
        'newsletter_subscribers{status="bounced"} 0',
        'newsletter_deliveries{state="queued"} 1',
        "newsletter_last_ingest_age_seconds 120",
        "newsletter_outbox_oldest_age_seconds 120",
        'newsletter_job_runs_total{job="ingest"} 1',
        'newsletter_job_failures_total{job="ingest"} 1',
        'newsletter_mails_total{result="accepted"} 1',
    ):
        assert line in lines
    assert "@" not in answer.text


def test_every_metric_is_explained(web, root):
    text = (root / "docs" / "operations.md").read_text(encoding="utf-8")
    told = re.findall(r"# TYPE (\S+)", Machines(web).ask("/metrics").text)

    assert told
    assert [name for name in told if f"`{name}`" not in text] == []


def test_metrics_and_readiness_are_no_part_of_the_described_interface(shown):
    described = Machines(shown).ask("/api/v1/openapi.json").json()["paths"]

    assert not [path for path in described if "metrics" in path or "ready" in path]


def test_the_described_interface_is_whole_beside_the_answers_for_machines(shown):
    described = Machines(shown).ask("/api/v1/openapi.json")

    assert described.json() == shown.client.get("/api/v1/openapi.json").json()
    pointed_at = set(re.findall(r"#/components/schemas/(\w+)", described.text))
    assert pointed_at <= described.json()["components"]["schemas"].keys()


@given(st.text(max_size=40), st.floats(allow_nan=False, allow_infinity=False))
def test_any_label_and_value_stay_on_their_line(label, value):
    metric = Metric(name="x", kind="gauge", help="A\nb\\", samples=(((("l", label),), value),))

    lines = exposition([metric]).split("\n")

    assert len(lines) == 4
    quoted = lines[2].removeprefix('newsletter_x{l="').rpartition('"}')[0]
    plain = quoted.replace(r"\"", '"').replace(r"\n", "\n")
    assert plain.replace("\\\\", "\\") == label or "\\" in label
