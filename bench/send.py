"""End to end: from profiles to recorded deliveries, beside the naive chain, in one run.

    python bench/send.py [READERS] [FILE]     # 4,000; the figures as JSON, too

Readers with three interests each, 200 papers, mails of up to ten cards; SQLite; the relay is
Debian's smtp-sink where it is installed, else our own sink. `naive` is what a project without a plan
does with the very digests: Jinja2, EmailMessage, smtplib. CPU is that of this process; mails a second
stand beside those of Debian's smtp-source at the same size.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from smtplib import SMTP

import assemble
import wire

from newsletter.app import App
from newsletter.carrying import Carrier
from newsletter.config import load_settings
from newsletter.mail.mjml_compile import compile_template
from newsletter.mail.render import HTML_TEMPLATE, TEXT_TEMPLATE
from newsletter.mail.template_files import TemplateFiles
from newsletter.mail.templating import Templates
from newsletter.membership import Consent, Wishes
from newsletter.model import Cadence, Digest, Entry, Listing, Profile, Subscriber, Tier
from newsletter.pipeline import compose_due, look_back, record
from newsletter.store.subscribers import Newcomer

NAIVE_MAILS = 200
AT_ONCE = 1000


class House:
    """An installation with readers whose digest is due."""

    def __init__(self, folder: Path, port: int) -> None:
        self.app = App(load_settings(_settings(folder, port)), now=lambda: assemble.NOW)

    def found(self, readers: int) -> None:
        """A list of the day, and so many readers."""
        chance = random.Random(1)
        papers = [assemble.paper(chance, number) for number in range(assemble.PAPERS)]
        entries = tuple(Entry(paper=one, rank=rank) for rank, one in enumerate(papers, start=1))
        day = papers[0].listed_on
        listing = Listing(source="daily", tier=Tier.API, entries=entries, listed_on=day)
        record(self.app.store, listing, now=assemble.NOW - timedelta(hours=2))
        self._enrol(chance, readers)

    def compose(self) -> None:
        """Every digest."""
        pool = look_back(self.app.store, days=3)
        while compose_due(self.app.store, pool, now=assemble.NOW, days=3).due:
            """There is a next round."""

    def deliver(self) -> None:
        """Every mail, over one connection."""
        with ExitStack() as stack:
            office = self.app.office(stopping=self.app.stopping, heard=lambda *_: None)
            stack.callback(office.notebook.close)
            transport = self.app.transport()
            stack.callback(transport.close)
            carrier = Carrier(office, transport)
            while carrier.round(500).claimed:
                """There is a next batch."""

    def sent(self) -> int:
        """How many mails the relay took."""
        with self.app.store.register() as register:
            return register.outbox.sent_since(assemble.NOW - timedelta(days=1))

    def some(self, count: int) -> list[tuple[Digest, Subscriber]]:
        """The first digests, with their readers."""
        with self.app.store.register() as register:
            first = [kept.subscriber for kept in islice(register.all(), count)]
            return [(register.digests.of(reader.id)[0], reader) for reader in first]

    def _enrol(self, chance: random.Random, readers: int) -> None:
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
            new = [Newcomer(subscriber=one, key=one.email, consent=yes) for one in made]
            with self.app.store.changing_register() as register:
                register.insert(new, yes.at)


def _like(model: Subscriber, reader: Subscriber) -> Subscriber:
    facts = {name: getattr(model, name) for name in Subscriber.__slots__}
    own = {name: getattr(reader, name) for name in ("id", "email", "name", "profile")}
    return Subscriber(**facts | own)


def _settings(folder: Path, port: int) -> Path:
    file = folder / "settings.toml"
    file.write_text(
        f"""
[publication]
base_url = "https://papers.example"
from_address = "digest@papers.example"
reply_to = "hello@papers.example"
postal_address = "1 Example Street, Example City"
[paths]
state = "{folder / "state"}"
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
mails_per_connection = 10000
""",
        encoding="utf-8",
    )
    return file


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
    """Mails a second of Debian's generator at the same size, its best number of sessions; 0 without
    it. It sends one canned text to one address.
    """
    program = shutil.which("smtp-source", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        return 0.0
    best = 0.0
    for sessions in (1, 4, 16):
        how = ["-d", "-s", str(sessions), "-l", str(octets), "-m", str(mails)]
        ends = ["-f", "digest@papers.example", "-t", "reader@reader.example", f"127.0.0.1:{port}"]
        begun = time.perf_counter()
        subprocess.run([program, *how, *ends], check=True, timeout=120)
        best = max(best, mails / (time.perf_counter() - begun))
    return best


def measured(step: Callable[[], object]) -> tuple[float, float]:
    """Seconds of CPU, and of the clock."""
    spent, begun = time.process_time(), time.perf_counter()
    step()
    return time.process_time() - spent, time.perf_counter() - begun


def main(readers: int = 4000, file: str = "") -> None:
    """Measures, prints, and writes the figures down."""
    with ExitStack() as stack:
        is_theirs = bool(shutil.which("smtp-sink"))
        sink = wire.smtp_sink() if is_theirs else wire.our_sink("pipelining")
        port = stack.enter_context(sink)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        house = House(folder, port)
        house.found(readers)
        composing, _ = measured(house.compose)
        delivering, seconds = measured(house.deliver)
        assert house.sent() == readers, f"{house.sent()} of {readers} mails were recorded as sent"
        some = house.some(NAIVE_MAILS)
        naively, _ = measured(lambda: naive(port, some))
        size = len(assemble.pressed(house.app.live_post.renderer, some[0]))
        source = of_smtp_source(port, size, min(readers, 4000))
        house.app.store.close()
    ours = (composing + delivering) / readers * 1e6
    theirs = naively / len(some) * 1e6
    figures = {
        "readers": readers,
        "octets": size,
        "relay": "smtp-sink" if is_theirs else "our sink",
        "compose_us": round(composing / readers * 1e6),
        "deliver_us": round(delivering / readers * 1e6),
        "naive_us": round(theirs),
        "ratio": round(theirs / ours, 1),
        "mails_per_second": round(readers / seconds),
        "smtp_source_per_second": round(source),
    }
    for name, figure in figures.items():
        print(f"{name:18} {figure}")
    if file:
        Path(file).write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else 4000, *given[1:2])
