"""End to end: from profiles to recorded deliveries, beside the naive chain, in one run.

    python bench/send.py [READERS] [--json FILE]     # 4,000

Readers with three interests each, 200 papers, mails of up to ten cards; SQLite; the relay is
Debian's smtp-sink where it is installed, else our own sink. `naive` is what a project without a plan
does with the very digests: Jinja2, EmailMessage, smtplib. CPU is that of this process, with one
connection, over which two thirds of the mails leave; the others leave over four, as is usual where nothing else is
set. The better rate stands beside the best of Debian's smtp-source at the same size, with 1, 4 or 16.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from smtplib import SMTP
from typing import NamedTuple

import assemble
import kit

from newsletter.app import App
from newsletter.carrying import Carrier, Office
from newsletter.config import load_settings
from newsletter.mail.mjml.compile import compile_template
from newsletter.mail.render import HTML_TEMPLATE, TEXT_TEMPLATE
from newsletter.mail.template_files import TemplateFiles
from newsletter.mail.templating import Templates
from newsletter.mail.transport import Transport
from newsletter.membership import Consent, Wishes
from newsletter.model import Cadence, Digest, Entry, Listing, Paper, Profile, Subscriber, Tier
from newsletter.pipeline import compose_due, look_back, record
from newsletter.store.subscribers import Newcomer

NAIVE_MAILS = 200
AT_ONCE = 1000
SEVERAL, BATCH = 4, 500


class House:
    """An installation with readers whose digest is due."""

    def __init__(self, folder: Path, port: int) -> None:
        file = kit.settings(folder, port, "mails_per_connection = 10000")
        self.app = App(load_settings(file), now=lambda: assemble.NOW)

    def remember(self, papers: Sequence[Paper]) -> None:
        """Papers of a month ago, stored as fetched then."""
        at = assemble.NOW - timedelta(days=30)
        for start in range(0, len(papers), AT_ONCE):
            some = papers[start : start + AT_ONCE]
            entries = tuple(Entry(paper=one, rank=rank) for rank, one in enumerate(some, start=1))
            listing = Listing(source="daily", tier=Tier.API, entries=entries, listed_on=at.date())
            record(self.app.store, listing, now=at)

    def found(self, readers: int, likeable: Sequence[Paper] = ()) -> None:
        """A list of the day, and so many readers; each likes up to ten of the papers given."""
        chance = random.Random(1)
        papers = [assemble.paper(chance, number) for number in range(assemble.PAPERS)]
        entries = tuple(Entry(paper=one, rank=rank) for rank, one in enumerate(papers, start=1))
        day = papers[0].listed_on
        listing = Listing(source="daily", tier=Tier.API, entries=entries, listed_on=day)
        record(self.app.store, listing, now=assemble.NOW - timedelta(hours=2))
        self._enrol(chance, readers, likeable)

    def compose(self) -> int:
        """Every digest; how many were worth a mail."""
        pool, made = look_back(self.app.store, days=3), 0
        while (composed := compose_due(self.app.store, pool, now=assemble.NOW, days=3)).due:
            made += composed.made
        return made

    def deliver(self, mails: int = sys.maxsize, connections: int = 1) -> None:
        """So many mails, or a few more, over so many connections at once."""
        batches = iter(range(0, mails, BATCH))
        with ExitStack() as stack:
            office = self.app.office(stopping=self.app.stopping, heard=lambda *_: None)
            stack.callback(office.notebook.close)
            transports = [self.app.transport() for _ in range(connections)]
            for transport in transports:
                stack.callback(transport.close)
            with ThreadPoolExecutor(connections) as threads:
                for _ in threads.map(partial(_carry, office, batches), transports):
                    """It found no further batch, or no further mail."""

    def sent(self) -> int:
        """How many mails the relay took."""
        with self.app.store.register() as register:
            return register.outbox.sent_since(assemble.NOW - timedelta(days=1))

    def some(self, count: int) -> list[tuple[Digest, Subscriber]]:
        """The first digests, with their readers."""
        with self.app.store.register() as register:
            first = [kept.subscriber for kept in islice(register.all(), count)]
            return [(register.digests.of(reader.id)[0], reader) for reader in first]

    def _enrol(self, chance: random.Random, readers: int, likeable: Sequence[Paper]) -> None:
        yes = Consent(at=assemble.NOW - timedelta(days=1), origin="form", wording="yes")
        model = self.app.subscriptions.enrol(
            "model@reader.example",
            Wishes(profile=Profile(topics=("attention",)), cadence=Cadence.DAILY),
            yes,
            now=yes.at,
        )
        rest = iter(range(readers - 1))
        while few := list(islice(rest, AT_ONCE)):
            made = [_like(model, assemble.reader(chance, number)) for number in few]
            if likeable:
                made = [
                    _liking(one, chance.sample(likeable, chance.randint(0, 10))) for one in made
                ]
            new = [Newcomer(subscriber=one, key=one.email, consent=yes) for one in made]
            with self.app.store.changing_register() as register:
                register.insert(new, yes.at)


def _carry(office: Office, batches: Iterator[int], transport: Transport) -> None:
    carrier = Carrier(office, transport)
    while next(batches, None) is not None and carrier.round(BATCH).claimed:
        """There is a next batch."""


def _like(model: Subscriber, reader: Subscriber) -> Subscriber:
    return replace(
        model, id=reader.id, email=reader.email, name=reader.name, profile=reader.profile
    )


def _liking(reader: Subscriber, papers: Sequence[Paper]) -> Subscriber:
    profile = replace(reader.profile, liked=tuple(paper.id for paper in papers))
    return replace(reader, profile=profile)


def naive(port: int, mails: list[tuple[Digest, Subscriber]]) -> None:
    """The templates, the standard library, one connection."""
    files = TemplateFiles((assemble.TEMPLATES,))
    parsed = Templates(files, {HTML_TEMPLATE: compile_template(files, HTML_TEMPLATE)})
    make = partial(assemble.naive, parsed.html(HTML_TEMPLATE), parsed.text(TEXT_TEMPLATE))
    with SMTP("127.0.0.1", port, timeout=60) as relay:
        for one in mails:
            raw = make(one)
            relay.sendmail("digest@papers.example", one[1].email, raw)


def of_smtp_source(port: int, octets: int, mails: int) -> float:
    """Mails a second of Debian's generator at the same size, its best number of sessions.

    It sends one canned text to one address.

    Raises:
        kit.Missing: it is not installed.
    """
    program = kit.program("smtp-source")
    if not program:
        raise kit.Missing(kit.POSTFIX.format("smtp-source"))
    best = 0.0
    for sessions in (1, 4, 16):
        how = ["-d", "-s", str(sessions), "-l", str(octets), "-m", str(mails)]
        ends = ["-f", "digest@papers.example", "-t", "reader@reader.example", f"127.0.0.1:{port}"]
        begun = time.perf_counter()
        subprocess.run([program, *how, *ends], check=True, timeout=120)
        best = max(best, mails / (time.perf_counter() - begun))
    return best


class Sent(NamedTuple):
    """So many mails, in seconds of CPU and of the clock."""

    mails: int
    cpu: float
    seconds: float

    @property
    def per_second(self) -> int:
        return round(self.mails / self.seconds)


def sent(house: House, mails: int, connections: int) -> Sent:
    """Some of the mails delivered, over so many connections."""
    before = house.sent()
    cpu, seconds = kit.measured(partial(house.deliver, mails, connections))
    return Sent(house.sent() - before, cpu, seconds)


def measured(readers: int, folder: Path, relay: str, port: int) -> kit.Figures:
    """One run: ours, the naive chain, and the generator."""
    house = House(folder, port)
    house.found(readers)
    composing, _ = kit.measured(house.compose)
    alone = sent(house, readers * 2 // 3, 1)
    together = sent(house, readers - alone.mails, SEVERAL)
    assert house.sent() == readers, f"{house.sent()} of {readers} mails were recorded as sent"
    some = house.some(NAIVE_MAILS)
    naively, _ = kit.measured(lambda: naive(port, some))
    size = len(assemble.pressed(house.app.live_post.renderer, some[0]))
    house.app.store.close()
    ours, theirs = composing / readers + alone.cpu / alone.mails, naively / len(some)
    found = kit.Figures(facts={"readers": readers, "octets": size, "relay": relay})
    found.figures = {
        "mail_us": round(ours * 1e6),
        "compose_us": round(composing / readers * 1e6),
        "deliver_us": round(alone.cpu / alone.mails * 1e6),
        "naive_us": round(theirs * 1e6),
        "ratio": round(theirs / ours, 2),
        "alone_per_second": alone.per_second,
        "mails_per_second": max(alone.per_second, together.per_second),
    }
    try:
        source = of_smtp_source(port, size, min(readers, 4000))
        found.figures["smtp_source_per_second"] = round(source)
    except (kit.Missing, subprocess.SubprocessError) as why:
        found.missing["smtp_source_per_second"] = str(why)
    return found


def main(asked: argparse.Namespace) -> None:
    """Measures, prints, and writes the figures down."""
    with kit.best_sink() as (relay, port), tempfile.TemporaryDirectory() as folder:
        found = measured(asked.readers, Path(folder), relay, port)
    for name, figure in {**found.facts, **found.figures, **found.missing}.items():
        print(f"{name:24} {figure}")
    found.write(asked.json)


if __name__ == "__main__":
    parser = kit.parser(__doc__)
    parser.add_argument("readers", type=int, nargs="?", default=4000)
    main(parser.parse_args())
