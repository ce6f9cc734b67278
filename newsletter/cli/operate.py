"""What the operator asks and does: status, deliver, explain, replay, test-send, doctor, backup."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from newsletter.app import App
from newsletter.cli import status as status_words
from newsletter.cli.common import ConfigOption, note, tell_where_mails_go, write_private
from newsletter.config import load_settings
from newsletter.delivery import Result
from newsletter.errors import ConfigError, MailError, SubscriptionError, harmless
from newsletter.explain import Answer, Explanation, Rules, explain
from newsletter.mail.transport import send
from newsletter.model import Digest, Paper, Subscriber
from newsletter.pipeline import choose, deliver_due
from newsletter.posting import Made, finish
from newsletter.replay import recall, rehearsal, replay
from newsletter.schedule import edition_at
from newsletter.selection.learn import with_votes
from newsletter.selection.usual.background import paper_id_in
from newsletter.store import Kept, Store
from newsletter.subscriptions.mailbox import mailbox

cli = typer.Typer(rich_markup_mode=None)

JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]
_MOST_NAMED = 5


@cli.command()
def status(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Shows papers, readers, digests due, outbox, alarms, keys."""
    app = App(load_settings(config))
    situation = status_words.look(app.store_to_look_at, app.now())
    if as_json:
        typer.echo(status_words.as_json(situation))
        return
    status_words.show(situation, Console(highlight=False, soft_wrap=True))


@cli.command()
def deliver(
    once: Annotated[bool, typer.Option("--once", help="One round; `run` does it all day.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most mails in the round.")] = 50,
    config: ConfigOption = None,
) -> None:
    """Hands over the mails that are due, one round. Says what became of them."""
    # Imported late: the lock lies in the room that knows the scheduler and the web.
    from newsletter.postman import mind_the_clock
    from newsletter.runner import only_instance

    if not once:
        raise ConfigError("deliver", ["add --once; `newsletter run` delivers all day"])
    app = App(load_settings(config))
    tell_where_mails_go(app)
    mind_the_clock(app)
    with only_instance(app), closing(app.transport()) as transport:
        app.take_over()
        done = deliver_due(
            app.store, app.live_post, transport, now=app.now, most=limit, pace=app.pace
        )
        app.returns.refused(done.refused, now=app.now())
    typer.echo(
        f"{done.sent} sent, {done.deferred} put off, {done.failed} failed, "
        f"{done.cancelled} cancelled; {_rest(app)}"
    )


@cli.command("explain")
def explain_(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Of the subscriber.")],
    paper: Annotated[
        str, typer.Argument(metavar="PAPER", help="arXiv id, link, or part of the title.")
    ],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Says why a person did or did not get a paper."""
    app = App(load_settings(config))
    store = app.store_to_look_at
    kept = _kept(store, email)
    found = _paper(store, paper) if kept else None
    told = _nobody(store, email)
    if kept and found:
        days, least = app.settings.sources.days_back, app.settings.digest.min_papers
        rules = Rules(days=days, min_papers=least, encoder=app.encoder)
        told = explain(store, kept, found, rules, now=app.now())
    if as_json:
        typer.echo(json.dumps(_explained(found, told), indent=2))
        return
    for line in _lines(found, told):
        typer.echo(harmless(line))


@cli.command("replay")
def replay_(
    digest: Annotated[
        str, typer.Argument(metavar="DIGEST", help="Its id, or the Message-ID of its mail.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.eml", help="Else to standard output.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Makes a mail again. Says whether it is what was sent."""
    app = App(load_settings(config))
    made = replay(recall(app.store_to_look_at, digest), app.live_post)
    if out:
        write_private(out, [made.raw])
    else:
        typer.echo(made.raw, nl=False)
    if made.identical is None:
        sent = made.delivery and made.delivery.sent_at
        why = "no fingerprint of it was kept" if sent else "it was not sent"
        note(f"Whether these are the octets sent cannot be proven: {why}.")
    elif made.identical:
        note("Identical to what was sent, signatures aside.")
    else:
        for sentence in ("This differs from what was sent.", *made.suspects):
            note(sentence)
        raise typer.Exit(1)


@cli.command("test-send")
def send_test(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Who gets the test.")],
    reader: Annotated[
        str, typer.Option("--as", metavar="SUBSCRIBER", help="Whose digest it is: their address.")
    ],
    edition: Annotated[
        str,
        typer.Option(
            "--edition", metavar="latest|fresh|YYYY-MM-DD", help="Which; fresh is made now."
        ),
    ] = "latest",
    config: ConfigOption = None,
) -> None:
    """Sends somebody's digest as a test. It is marked, and its links change nothing."""
    app = App(load_settings(config))
    to = mailbox(email)
    with app.store.register() as register:
        if why := register.addresses.suppressed(to.key):
            raise SubscriptionError(f"{to.written} must not be mailed ({why})")
    subscriber = app.subscriptions.find(reader)
    chosen = _edition(app, subscriber, edition)
    digest, nobody = rehearsal(chosen, subscriber, to.written, now=app.now())
    # Signed and with a return path like every mail: who judges it shall see what readers get.
    post = app.post(app.settings.publication.base_url)
    post = replace(post, signer=app.signer, return_paths=app.return_paths)
    mail = finish(digest, nobody, post)
    for check in mail.checks:
        if not check.holds:
            note(f"Pre-flight: {check.rule}: {check.seen}")
    tell_where_mails_go(app)
    signed = post.signed(Made(mail.raw, mark=""), app.now())
    with closing(app.transport()) as transport:
        outcome = send(transport, signed, sender=post.sender(digest.id), recipient=to.written)
    if outcome.result is not Result.ACCEPTED:
        said = f"{outcome.reply or ''} {outcome.detail}".strip().rstrip(".")
        further = "; `newsletter doctor` looks at the relay" if outcome.unserved else ""
        raise MailError(f"the test was not taken: {said}{further}")
    typer.echo(harmless(f"sent “{digest.subject}” to {to.written} ({outcome.detail})"))


@cli.command()
def doctor(
    as_json: JsonOption = False,
    nameserver: Annotated[
        str | None,
        typer.Option("--nameserver", metavar="ADDRESS[:PORT]", help="Ask this one about names."),
    ] = None,
    selector: Annotated[
        str, typer.Option("--dkim-selector", help="Of the key that your relay signs with.")
    ] = "",
    config: ConfigOption = None,
) -> None:
    """Looks at settings, store, relay, DNS, lists, pages, clock. Exit code 1 if one fails."""
    # Imported late: only this command asks the DNS.
    from newsletter.cli.doctor import examined, resolver_for, tell

    findings = tell(examined(config, resolver_for(nameserver), selector), as_json=as_json)
    if any(finding.level == "FAIL" for finding in findings):
        raise typer.Exit(1)


@cli.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    config: ConfigOption = None,
) -> None:
    """Copies the SQLite database while everything runs. Looks the copy over."""
    app = App(load_settings(config))
    copied = app.store_to_look_at.back_up(file, force=force)
    named = ("papers", "subscribers", "digests")
    told = ", ".join(f"{name} {copied.rows[name]:,}" for name in named)
    typer.echo(f"{file}: {copied.octets:,} octets, looked over ({told})")
    note("It holds addresses and the keys of all links: keep it as safe as the database.")


def _rest(app: App) -> str:
    with app.store.register() as register:
        waiting = register.outbox.waiting()
    if not waiting:
        return "nothing waits"
    with app.store.overview() as overview:
        at = overview.next_attempt_at()
    return f"{waiting} still wait" + (f", the next until {at:%Y-%m-%d %H:%M} UTC" if at else "")


def _kept(store: Store, email: str) -> Kept | None:
    key = mailbox(email).key
    with store.register() as register:
        return register.by_key(key)


def _nobody(store: Store, email: str) -> Explanation:
    box = mailbox(email)
    with store.register() as register:
        why = register.addresses.suppressed(box.key)
    also = (f"Nothing is mailed to this address: it is suppressed ({why}).",) if why else ()
    told = f"{box.written} is not subscribed."
    return Explanation(answer=Answer.NOT_SUBSCRIBED, sentences=(told, *also))


def _paper(store: Store, text: str) -> Paper:
    """The stored paper that an id, a link or a part of a title names.

    Raises:
        SubscriptionError: there is none, or more than one.
    """
    shown = f"“{harmless(text)[:80]}”"
    if paper_id := paper_id_in(text):
        found = tuple(store.find_papers([paper_id]).values())
    else:
        with store.overview() as overview:
            found = overview.titled(text, most=_MOST_NAMED + 1)
    if not found:
        raise SubscriptionError(
            f"no stored paper is {shown}: it stood on none of the lists that were read"
        )
    if len(found) > 1:
        named = "; ".join(f"{paper.id} {paper.title}" for paper in found[:_MOST_NAMED])
        more = " and others" if len(found) > _MOST_NAMED else ""
        raise SubscriptionError(f"{shown} stands in more than one title: {named}{more}")
    return found[0]


def _explained(paper: Paper | None, told: Explanation) -> dict[str, object]:
    return {
        "paper": {"id": paper.id, "title": paper.title} if paper else None,
        "answer": told.answer,
        "sentences": told.sentences,
        "reasons": [str(reason) for reason in told.reasons],
        "figures": asdict(told.figures) if told.figures else None,
    }


def _lines(paper: Paper | None, told: Explanation) -> Iterator[str]:
    if paper:
        yield f"{paper.id} {paper.title}"
    yield from told.sentences
    if told.reasons:
        yield f"What spoke for it: {' · '.join(map(str, told.reasons))}"
    if figures := told.figures:
        yield (
            f"Figures: score {figures.score:.2f} (taste {figures.taste:.2f}, "
            f"trend {figures.trend:.2f}); papers that fitted: {figures.fitting} of "
            f"{figures.candidates}, places: {figures.places}"
        )
        least = figures.least_picked
        if least is not None:
            wanted = f", own least score {figures.least_wanted:.2f}" if figures.least_wanted else ""
            yield f"The last paper with a place had {least:.2f}{wanted}"


def _edition(app: App, reader: Subscriber, edition: str) -> Digest:
    """The digest asked for; one that is made now is not kept.

    Raises:
        ConfigError, SubscriptionError: it is no edition, or not one of theirs.
    """
    if edition == "fresh":
        return _fresh(app, reader)
    with app.store.register() as register:
        if edition == "latest":
            newest = register.digests.last_of(reader.id)
            if newest is None:
                note("They have had no digest yet: one is made now, and not kept.")
            return newest or _fresh(app, reader)
        day = _day(edition)
        theirs = {digest.edition: digest for digest in register.digests.of(reader.id)}
    if day not in theirs:
        raise SubscriptionError(f"{reader.email} has no digest of {day}")
    return theirs[day]


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        shown = harmless(text)[:40]
        raise ConfigError("--edition", [f"“{shown}” is not latest, fresh or a day"]) from None


def _fresh(app: App, reader: Subscriber) -> Digest:
    now, pool = app.now(), app.pool()
    with app.store.register() as register:
        sent = register.ledger.sent_to(reader.id)
        votes = register.votes(reader.id)
    made = choose(
        replace(reader, profile=with_votes(reader.profile, votes, now=now)),
        pool.candidates,
        pool.background,
        edition=edition_at(reader, now),
        now=now,
        already_sent=sent,
    )
    return made.digest
