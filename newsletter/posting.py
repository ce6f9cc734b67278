"""From a digest or an errand to a finished mail, and one attempt to hand it over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from newsletter.delivery import Delivery, DeliveryState, Errand, Outcome, Result
from newsletter.errors import NewsletterError
from newsletter.links import LinkMaker, Way
from newsletter.mail import lint, message, outbox
from newsletter.mail.dkim import Signer
from newsletter.mail.fingerprint import fingerprint
from newsletter.mail.letters import Letterhead
from newsletter.mail.lint import Check
from newsletter.mail.preflight import Preflight
from newsletter.mail.render import Rendered, Renderer
from newsletter.mail.transport import Transport
from newsletter.mail.verp import ReturnPaths
from newsletter.model import Digest, Publication, Status, Subscriber
from newsletter.store import Register, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A finished mail: its parts, the bytes on the wire, and what pre-flight says of them."""

    rendered: Rendered
    raw: bytes
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What is needed to turn a digest into a mail.

    Attributes:
        signer: adds DKIM signatures; `None` leaves them to the relay.
        return_paths: makes an envelope sender for each mail, so that its bounce names it; `None`
            uses the From address.
        retries: when a mail that was put off is tried again.
        preflight: holds back what would arrive broken; `None` lets everything pass.
    """

    publication: Publication
    renderer: Renderer
    letters: Letterhead
    links: LinkMaker
    html_limit: int
    signer: Signer | None = None
    return_paths: ReturnPaths | None = None
    retries: outbox.Retries = outbox.USUAL
    preflight: Preflight | None = None


def make_mail(digest: Digest, subscriber: Subscriber, post: Post) -> tuple[Rendered, bytes]:
    """Renders the digest and puts the mail together."""
    links = post.links.for_digest(digest)
    rendered = post.renderer.render(digest, subscriber, links)
    raw = message.build(
        rendered, digest=digest, subscriber=subscriber, publication=post.publication, links=links
    )
    return rendered, raw


def finish(digest: Digest, subscriber: Subscriber, post: Post, *, dev: bool = False) -> Mail:
    """Renders the digest, puts the mail together and checks it; `dev` allows local http links."""
    rendered, raw = make_mail(digest, subscriber, post)
    checks = lint.check_mail(raw, dev=dev, html_limit=post.html_limit)
    return Mail(rendered=rendered, raw=raw, checks=checks)


def attempt(
    store: Store,
    post: Post,
    transport: Transport,
    delivery: Delivery,
    now: Callable[[], datetime],
) -> Delivery:
    """One attempt. Whether the mail may still leave is asked at this very moment."""
    with store.register() as register:
        letter, why_not = _letter(register, post, delivery, now())
    if letter is None:
        end = outbox.cancelled(delivery, why_not)
    else:
        outcome, mark = _attempt(letter, post, transport, delivery)
        end = outbox.after(delivery, outcome, now(), until=letter.patience, retries=post.retries)
        end = replace(end, fingerprint=mark)
    with store.changing_register() as register:
        register.outbox.record(end)
        if end.state is DeliveryState.FAILED and end.errand is Errand.DIGEST:
            # Nobody saw these papers: they may stand in the next digest.
            register.digests.give_back(end.id)
    return end


@dataclass(frozen=True, slots=True, kw_only=True)
class _Letter:
    """A mail that may leave, not made yet; it is tried until `patience` ends."""

    recipient: str
    make: Callable[[], bytes]
    patience: datetime


def _attempt(
    letter: _Letter, post: Post, transport: Transport, delivery: Delivery
) -> tuple[Outcome, str]:
    """What the relay said, and the fingerprint of what it was given."""
    paths = post.return_paths
    sender = paths.make(delivery.id) if paths else post.publication.from_address
    try:
        raw = letter.make()
        if post.preflight:
            post.preflight.check(raw, delivery)
        signed = post.signer.sign(raw, at=delivery.created_at) if post.signer else raw
        return transport.send(signed, sender=sender, recipient=letter.recipient), fingerprint(raw)
    except NewsletterError as error:  # a broken template, say: mended sooner or later
        return Outcome(result=Result.DEFERRED, detail=str(error)), ""


def _letter(
    register: Register, post: Post, delivery: Delivery, now: datetime
) -> tuple[_Letter | None, str]:
    """What is to leave, or why nothing may."""
    kept = register.by_id(delivery.subscriber_id)
    if kept is None:
        return None, "the subscriber is gone"
    if reason := register.addresses.suppressed(kept.key):
        return None, f"the address is suppressed ({reason})"
    subscriber = kept.subscriber
    if delivery.errand is Errand.DIGEST:
        return _digest_letter(register, post, delivery, subscriber)
    return _service_letter(register, post, delivery, subscriber, now)


def _digest_letter(
    register: Register, post: Post, delivery: Delivery, subscriber: Subscriber
) -> tuple[_Letter | None, str]:
    digest = register.digests.get(delivery.id)
    if digest is None or subscriber.status is not Status.ACTIVE:
        return None, f"the subscriber is {subscriber.status}" if digest else "no such digest"
    return _Letter(
        recipient=subscriber.email,
        make=lambda: make_mail(digest, subscriber, post)[1],
        patience=outbox.patience(delivery, subscriber.next_due_at, post.retries),
    ), ""


def _service_letter(
    register: Register, post: Post, delivery: Delivery, subscriber: Subscriber, now: datetime
) -> tuple[_Letter | None, str]:
    confirming = delivery.errand is Errand.CONFIRM
    if confirming:
        token = register.addresses.token(delivery.id)
        if token is None or token.used_at or token.expires_at <= now:
            return None, "the link in it would not work any more"
        link = post.links.url(Way.CONFIRM, token.id)
    else:
        link = post.links.url(Way.PREFERENCES, subscriber.id)
    write = post.letters.confirmation if confirming else post.letters.settings
    return _Letter(
        recipient=subscriber.email,
        make=lambda: write(
            to=subscriber.email, link=link, letter_id=delivery.id, at=delivery.created_at
        ),
        patience=outbox.patience(delivery, None, post.retries),
    ), ""
