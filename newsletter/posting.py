"""From a digest or an errand to a finished mail, and whether it may still leave."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from newsletter.delivery import Delivery, Errand, Outcome, Result
from newsletter.errors import NewsletterError, UnreadableError
from newsletter.links import LinkMaker, Way
from newsletter.mail import lint, message, outbox
from newsletter.mail.fingerprint import fingerprint
from newsletter.mail.letters import Letterhead
from newsletter.mail.lint import Check
from newsletter.mail.lint.preflight import Preflight
from newsletter.mail.render import Rendered, Renderer
from newsletter.mail.verp import ReturnPaths
from newsletter.mail.wire import ending
from newsletter.membership import Token
from newsletter.model import Digest, Format, Paper, Publication, Status, Subscriber
from newsletter.store import Kept, Register, Shelf, Store, Suppressed

if TYPE_CHECKING:  # who does not sign needs no cryptography in memory
    from newsletter.mail.dkim import Signer

_log = logging.getLogger(__name__)


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

    def sender(self, mail_id: str) -> str:
        """Of its envelope."""
        paths = self.return_paths
        return paths.make(mail_id) if paths else self.publication.from_address

    def signed(self, made: Made, at: datetime) -> bytes:
        """The mail as it leaves."""
        if self.signer is None:
            return made.raw
        return self.signer.sign(made.raw, at=at, even=made.even, is_indented=made.is_indented)


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


class Made(NamedTuple):
    """A mail as it goes over the wire, unsigned.

    Attributes:
        mark: its fingerprint, taken while its octets are still at hand for the processor.
        is_dotless: see `Envelope.dotless`.
        even, is_indented: what needs no look when it is signed, see `Signer.sign`.
    """

    raw: bytes
    mark: str
    is_dotless: bool = False
    even: int = 0
    is_indented: bool = False


def not_made(error: Exception) -> Outcome:
    """What becomes of a mail that cannot be made: a broken template, say, is mended sooner or later."""
    said = str(error)
    if not isinstance(error, NewsletterError):
        _log.error("a mail cannot be made", exc_info=error)
        said = f"it cannot be made: {type(error).__name__}"
    return Outcome(result=Result.DEFERRED, detail=said)


class Letter(NamedTuple):
    """A mail that may leave, not made yet; it is tried until `patience` ends."""

    recipient: str
    make: Callable[[], Made]
    patience: datetime

    @property
    def domain(self) -> str:
        return self.recipient.rpartition("@")[2].lower()


def letters(
    store: Store, post: Post, deliveries: Sequence[Delivery], now: datetime, shelf: Shelf
) -> dict[str, Letter | str]:
    """What of these (500 at most) may leave at this very moment, by id; or why it may not."""
    with store.register() as register:
        known = _look_up(register, deliveries, shelf.at(now))
    return {delivery.id: _letter(known, post, delivery, now) for delivery in deliveries}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the store says at one moment about a few deliveries, asked for all at once."""

    readers: Mapping[str, Kept | UnreadableError]
    suppressed: Mapping[str, Suppressed]
    digests: Mapping[str, Digest]
    tokens: Mapping[str, Token]


def _look_up(register: Register, deliveries: Sequence[Delivery], shelf: dict[str, Paper]) -> _Known:
    ids: dict[Errand, list[str]] = {errand: [] for errand in Errand}
    for delivery in deliveries:
        ids[delivery.errand].append(delivery.id)
    readers = register.among({delivery.subscriber_id for delivery in deliveries})
    keys = [kept.key for kept in readers.values() if isinstance(kept, Kept)]
    tokens = ids[Errand.CONFIRM]
    return _Known(
        readers=readers,
        suppressed=register.addresses.suppressed_among(keys),
        digests=register.digests.among(ids[Errand.DIGEST], shelf),
        tokens=register.addresses.tokens_among(tokens) if tokens else {},
    )


def _letter(known: _Known, post: Post, delivery: Delivery, now: datetime) -> Letter | str:
    kept = known.readers.get(delivery.subscriber_id)
    if kept is None:
        return "the subscriber is gone"
    if isinstance(kept, UnreadableError):
        return _not_now(kept, post, delivery)
    if reason := known.suppressed.get(kept.key):
        return f"the address is suppressed ({reason})"
    if delivery.errand is Errand.DIGEST:
        return _digest_letter(known.digests.get(delivery.id), post, delivery, kept.subscriber)
    if delivery.errand is Errand.CONFIRM:
        return _confirmation(known.tokens.get(delivery.id), post, delivery, kept.subscriber, now)
    return _settings_letter(post, delivery, kept.subscriber)


def _not_now(trouble: UnreadableError, post: Post, delivery: Delivery) -> Letter:
    """The mail of somebody who cannot be read waits until they can be."""

    def make() -> Made:
        raise trouble

    return Letter(recipient="", make=make, patience=outbox.patience(delivery, None, post.retries))


def _digest_letter(
    digest: Digest | None, post: Post, delivery: Delivery, subscriber: Subscriber
) -> Letter | str:
    if digest is None:
        return "no such digest"
    if subscriber.status is not Status.ACTIVE:
        return f"the subscriber is {subscriber.status}"
    return Letter(
        recipient=subscriber.email,
        make=lambda: _made(digest, subscriber, post),
        patience=outbox.patience(delivery, subscriber.next_due_at, post.retries),
    )


def _made(digest: Digest, subscriber: Subscriber, post: Post) -> Made:
    rendered, raw = make_mail(digest, subscriber, post)
    is_even = rendered.html_body.is_even and subscriber.format is Format.HTML
    even = rendered.html_octets + len(ending(digest.id)) if is_even else 0
    return Made(raw, fingerprint(raw), rendered.is_dotless, even, rendered.text_body.is_even)


def _confirmation(
    token: Token | None, post: Post, delivery: Delivery, subscriber: Subscriber, now: datetime
) -> Letter | str:
    if token is None or token.used_at or token.expires_at <= now:
        return "the link in it would not work any more"
    link = post.links.url(Way.CONFIRM, token.id)
    return _service_letter(post, post.letters.confirmation, link, delivery, subscriber)


def _settings_letter(post: Post, delivery: Delivery, subscriber: Subscriber) -> Letter:
    link = post.links.url(Way.PREFERENCES, subscriber.id)
    return _service_letter(post, post.letters.settings, link, delivery, subscriber)


def _service_letter(
    post: Post, write: Callable[..., bytes], link: str, delivery: Delivery, subscriber: Subscriber
) -> Letter:

    def make() -> Made:
        to, at = subscriber.email, delivery.created_at
        raw = write(to=to, link=link, letter_id=delivery.id, at=at)
        return Made(raw, fingerprint(raw))

    return Letter(
        recipient=subscriber.email,
        make=make,
        patience=outbox.patience(delivery, None, post.retries),
    )
