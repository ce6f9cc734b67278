"""Whether this process can be relied on, and its figures for Prometheus; for machines nearby."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from newsletter import __version__
from newsletter.delivery import DeliveryState, Result
from newsletter.errors import StoreError
from newsletter.journal import Journal
from newsletter.model import Status
from newsletter.watch import Facts, why_not_ready
from newsletter.watchman import Lookout

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")
_REFUSAL = (
    "This is answered only when asked directly from a private address; "
    "operator.metrics_public opens it.\n"
)

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric with its values, each under its labels."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[Labels, float], ...]


class Health:
    """`/readyz` and `/metrics`; without addresses, yet nobody's business outside.

    Args:
        public: everybody may ask. Otherwise only who asks directly from a private address: behind
            a reverse proxy everybody seems to be near, so what passed a proxy is refused.
    """

    def __init__(self, lookout: Lookout, *, public: bool) -> None:
        self._lookout = lookout
        self._public = public
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/readyz", self.ready, methods=["GET"])
        self.router.add_api_route("/metrics", self.metrics, methods=["GET"])

    def ready(self, request: Request) -> Response:
        """200 if mails and lists flow, else 503 with why they do not."""
        return self._answer(request, self._readiness)

    def metrics(self, request: Request) -> Response:
        """Everything that is counted, in Prometheus' text format 0.0.4."""
        return self._answer(request, self._figures)

    def _answer(self, request: Request, make: Callable[[], Response]) -> Response:
        if not self._public and not is_near(request):
            return PlainTextResponse(_REFUSAL, 403)
        try:
            return make()
        except StoreError:  # its words name the database; they stand in the log
            return PlainTextResponse("The database does not answer.\n", 503)

    def _readiness(self) -> Response:
        why = why_not_ready(self._lookout.facts(), self._lookout.rules)
        try:
            self._lookout.try_to_write()
        except StoreError:
            why = why or "The database takes no changes."
        return PlainTextResponse(f"{why or 'ready'}\n", 503 if why else 200)

    def _figures(self) -> Response:
        text = exposition(metrics_of(self._lookout.facts(), self._lookout.journal))
        return Response(text, media_type=METRICS_TYPE)


def is_near(request: Request) -> bool:
    """Whether the question came straight from this machine or a private network."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        asker = ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    # Python 3.11 calls every ::ffff:a.b.c.d private, whatever a.b.c.d is.
    return (getattr(asker, "ipv4_mapped", None) or asker).is_private


def metrics_of(facts: Facts, journal: Journal) -> Iterator[Metric]:
    """Every metric of this moment; docs/operations.md lists them."""
    figures = facts.figures
    yield _one("info", "The running version.", 1, labels=(("version", __version__),))
    yield _one("start_time_seconds", "When the process started.", facts.started_at.timestamp())
    yield _one("papers", "Papers stored.", figures.papers)
    yield _by_label(
        "subscribers", "Subscribers by standing.", "status", Status, figures.subscribers
    )
    yield _by_label(
        "deliveries",
        "Mails by state: all on their way, and those that ended within 30 days.",
        "state",
        DeliveryState,
        figures.deliveries,
    )
    yield _one("deliveries_paced", "Mails that wait for their pace.", figures.paced)
    yield _one(
        "deliveries_overdue", "Mails that wait although nobody defers them.", figures.overdue
    )
    yield _one("digests_overdue", "Digests that are due and not made.", figures.undone)
    yield from _ages(facts)
    yield from _jobs(facts)
    yield _by_label(
        "mails_total", "Attempts to hand a mail over.", "result", Result, journal.mails, "counter"
    )
    resting = tuple(((("relay", one.name),), float(one.rests > 0)) for one in facts.relays)
    if resting:
        yield Metric(
            name="relay_resting", kind="gauge", help="1 for a relay left alone.", samples=resting
        )
    if facts.disk:
        yield _one("disk_free_bytes", "Free space beside the database.", facts.disk.free)


def exposition(metrics: Iterable[Metric]) -> str:
    """The metrics in Prometheus' text format 0.0.4."""
    return "".join(f"{line}\n" for metric in metrics for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    name = f"newsletter_{metric.name}"
    yield f"# HELP {name} {_escaped(metric.help)}"
    yield f"# TYPE {name} {metric.kind}"
    for labels, value in metric.samples:
        inner = ",".join(f'{label}="{_quoted(text)}"' for label, text in labels)
        yield f"{name}{{{inner}}} {value:.15g}" if inner else f"{name} {value:.15g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', r"\"")


def _one(name: str, text: str, value: float, *, labels: Labels = ()) -> Metric:
    return Metric(name=name, kind="gauge", help=text, samples=((labels, value),))


def _by_label(
    name: str,
    text: str,
    label: str,
    all_: Iterable[str],
    counts: Sequence[tuple[str, int]],
    kind: str = "gauge",
) -> Metric:
    """One value for each of all labels, 0 where nothing was counted."""
    known = dict(counts)
    samples = tuple((((label, str(one)),), float(known.get(one, 0))) for one in all_)
    return Metric(name=name, kind=kind, help=text, samples=samples)


def _ages(facts: Facts) -> Iterator[Metric]:
    """How long ago things were; nothing where they never were."""
    figures = facts.figures
    for name, text, since in (
        ("last_ingest_age_seconds", "Since a list was last read.", figures.last_look_at),
        ("last_new_paper_age_seconds", "Since a paper was new.", figures.last_new_paper_at),
        ("outbox_oldest_age_seconds", "Age of the oldest mail waiting.", figures.waiting_since),
    ):
        if name.startswith("outbox") or since:
            yield _one(name, text, _seconds(since, facts.now))


def _jobs(facts: Facts) -> Iterator[Metric]:
    runs = tuple(((("job", job.name),), float(job.runs)) for job in facts.jobs)
    failures = tuple(((("job", job.name),), float(job.failures)) for job in facts.jobs)
    for name, text, samples in (
        ("job_runs_total", "Ends of a job.", runs),
        ("job_failures_total", "Ends of a job in failure.", failures),
    ):
        yield Metric(name=name, kind="counter", help=text, samples=samples)


def _seconds(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
