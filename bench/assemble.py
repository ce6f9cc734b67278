"""CPU of one mail: joined from ready octets, beside Jinja2 and EmailMessage for each reader.

    python bench/assemble.py [MAILS] [--json FILE]     # 2,000 a round

Both ways make mails of 10 papers out of 200, in turns in one run; figures are microseconds of this
process's CPU a mail, medians of five rounds, papers rendered before. `first_mails_us` is what
the first round of mails costs with that. Signing comes on top where we sign.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from statistics import median
from time import process_time
from typing import TYPE_CHECKING

import kit
from rich.progress import track

from newsletter.config import data_dir
from newsletter.links import Key, LinkMaker
from newsletter.mail import message
from newsletter.mail.digest import make_digest
from newsletter.mail.mjml.compile import compile_template
from newsletter.mail.render import HTML_TEMPLATE, TEXT_TEMPLATE, Renderer
from newsletter.mail.template_files import TemplateFiles
from newsletter.mail.templating import Templates
from newsletter.mail.view import mail_view
from newsletter.mail.wire import ending
from newsletter.memory import settle_in
from newsletter.model import Digest, Paper, Pick, Profile, Publication, Reason, Subscriber, Why

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from newsletter.mail.dkim import Signer

TEMPLATES = data_dir("templates") / "mail"
NOW = datetime(2026, 4, 3, 6, 30, tzinfo=UTC)
ROUNDS, MAILS, BATCH = 5, 2_000, 25
PAPERS, PICKS = 200, 10
WORDS = [
    "attention",
    "models",
    "learn",
    "sparse",
    "routing",
    "long",
    "context",
    "retrieval",
    "agents",
    "reward",
    "tokens",
    "diffusion",
    "evaluation",
    "policy",
    "memory",
    "graph",
    "vision",
    "language",
    "speech",
    "planning",
    "robust",
    "scaling",
    "small",
    "données",
]
TOPICS = [f"{one} of {other}" for one in WORDS[:8] for other in WORDS[8:14]]
PUBLICATION = Publication(
    name="Trending papers",
    base_url="https://papers.example",
    from_name="Trending papers",
    from_address="digest@papers.example",
    reply_to="hello@papers.example",
    list_id="digest.papers.example",
    sender_id="newsletter",
    postal_address="Example Press, 1 Example Street, Example City",
    tagline="The few that matter to you",
)
LINKS = LinkMaker(PUBLICATION.base_url, [Key(1, "a secret of the bench")])


def paper(chance: random.Random, number: int) -> Paper:
    """One with everything that a card can show."""

    def words(count: int) -> str:
        return " ".join(chance.choices(WORDS, k=count)).capitalize()

    site = "https://papers.example"
    return Paper(
        id=f"2604.{number:05}",
        title=words(9),
        abstract=". ".join(words(16) for _ in range(9)) + ".",
        authors=tuple(f"{words(1)} {words(1)}" for _ in range(6)),
        organization=f"Institute of {words(2)}",
        keywords=tuple(words(2) for _ in range(4)),
        url=f"{site}/papers/2604.{number:05}",
        pdf_url=f"{site}/pdf/2604.{number:05}",
        code_url=f"https://code.example/{number}" if number % 2 else "",
        thumbnail_url=f"https://cdn.papers.example/2604.{number:05}.png" if number % 3 == 0 else "",
        listed_on=date(2026, 4, 2),
    )


def reader(chance: random.Random, number: int) -> Subscriber:
    """Somebody with a name and three interests."""
    return Subscriber(
        id=f"{chance.getrandbits(128):032x}",
        email=f"reader{number}@mail{number % 50}.example",
        name=f"Reader {number}",
        since=date(2026, 1, 1 + number % 28),
        profile=Profile(topics=tuple(chance.sample(TOPICS, 3))),
    )


def digest(chance: random.Random, to: Subscriber, papers: list[Paper]) -> Digest:
    """Ten of the papers, each with one or two reasons."""
    picks = [
        Pick(
            paper=one,
            score=1.0,
            reasons=tuple(
                Reason(why=Why.TOPIC, detail=topic)
                for topic in to.profile.topics[: chance.randint(1, 2)]
            ),
            upvotes=int(one.id[-3:]) + 1,
            comments=4,
            stars=1_234,
        )
        for one in chance.sample(papers, PICKS)
    ]
    return make_digest(subscriber=to, picks=picks, considered=PAPERS, edition="2026-04-03", now=NOW)


Mail = tuple[Digest, Subscriber]


def pressed(renderer: Renderer, made: Mail) -> bytes:
    """As every mail of ours is made."""
    about, to = made
    links = LINKS.for_digest(about)
    rendered = renderer.render(about, to, links)
    return message.build(
        rendered, digest=about, subscriber=to, publication=PUBLICATION, links=links
    )


def naive(html: Callable[..., str], text: Callable[..., str], made: Mail) -> bytes:
    """As a project without a plan makes them: the same templates, the standard library."""
    about, to = made
    view = mail_view(about, to, PUBLICATION, LINKS.for_digest(about))
    view = view.fitted(PICKS, to.profile.abstract_length)
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = PUBLICATION.from_address, to.email, about.subject
    mail["List-Unsubscribe"] = f"<{view.links.unsubscribe}>"
    mail.set_content(text(mail=view))
    mail.add_alternative(html(mail=view), subtype="html")
    return mail.as_bytes()


def cpu(make: Callable[[Mail], object], world: World, mails: int) -> float:
    """Microseconds of CPU a mail, in batches as they come from the store."""
    taken = 0.0
    for _ in range(0, mails, BATCH):
        batch = world.batch()
        begun = process_time()
        for one in batch:
            make(one)
        taken += process_time() - begun
    return taken / mails * 1e6


class World:
    """An endless row of readers with their digests, the same in each run."""

    def __init__(self) -> None:
        self._chance = random.Random(1)
        self._papers = [paper(self._chance, number) for number in range(PAPERS)]
        self._count = 0

    def batch(self) -> list[Mail]:
        """The next few."""
        first = self._count
        self._count += BATCH
        readers = [reader(self._chance, number) for number in range(first, self._count)]
        return [(digest(self._chance, one, self._papers), one) for one in readers]


def signers() -> dict[str, Signer]:
    """One with a key of each kind."""
    # Other benchmarks ask for the memory of a process that does not sign.
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    from newsletter.mail.dkim import Signer

    secrets = {
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
        "rsa2048": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    }
    return {name: Signer("papers.example", name, _pem(secret)) for name, secret in secrets.items()}


def _pem(secret: Ed25519PrivateKey | RSAPrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return secret.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def measured(world: World, renderer: Renderer, mails: int) -> dict[str, float]:
    """Medians of all ways, each in turn."""
    files = TemplateFiles((TEMPLATES,))
    parsed = Templates(files, {HTML_TEMPLATE: compile_template(files, HTML_TEMPLATE)})
    html, text = parsed.html(HTML_TEMPLATE), parsed.text(TEXT_TEMPLATE)
    made = world.batch()[0]
    raw, rendered = pressed(renderer, made), renderer.render(*made, LINKS.for_digest(made[0]))
    page = rendered.html_body
    even = page.size + len(ending(made[0].id)) if page.is_even else 0
    known = {"even": even, "is_indented": rendered.text_body.is_even}  # as a delivery says it
    ways: dict[str, tuple[Callable[[Mail], object], int]] = {
        "assemble_us": (partial(pressed, renderer), mails),
        "naive_us": (partial(naive, html, text), 2 * BATCH),
        **{
            f"dkim_{name}_us": (lambda _mail, by=signer: by.sign(raw, at=NOW, **known), 4 * BATCH)
            for name, signer in signers().items()
        },
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in track(range(ROUNDS), description="mails", transient=True):
        for name, (make, some) in ways.items():
            taken[name].append(cpu(make, world, some))
    return {name: round(median(each), 1) for name, each in taken.items()}


def main(asked: argparse.Namespace) -> None:
    """Measures, prints, and writes the figures down."""
    world, renderer = World(), Renderer((TEMPLATES,), PUBLICATION)
    settle_in()  # as every process does that delivers; the other way gains by it, too
    first = cpu(partial(pressed, renderer), world, asked.mails)
    figures = measured(world, renderer, asked.mails)
    sizes = [len(pressed(renderer, one)) for one in world.batch()]
    figures |= {
        "first_mails_us": round(first, 1),
        "ratio": round(figures["naive_us"] / figures["assemble_us"], 1),
    }
    octets = round(sum(sizes) / len(sizes))
    found = kit.Figures(figures=figures, facts={"mails": asked.mails, "octets": octets})
    for name, figure in {**found.facts, **found.figures}.items():
        print(f"{name:24} {figure}")
    found.write(asked.json)


if __name__ == "__main__":
    parser = kit.parser(__doc__)
    parser.add_argument("mails", type=int, nargs="?", default=MAILS, help="a round, 25 at least")
    main(parser.parse_args())
