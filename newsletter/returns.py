"""What comes back: reports of the world about our mails, and what follows from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from newsletter.delivery import Delivery
from newsletter.errors import SubscriptionError, UnreadableError
from newsletter.mail.bounces import Kind, Report, read_report
from newsletter.mail.servers.mailboxes import ReportBox
from newsletter.mail.verp import ReturnPaths
from newsletter.store import Store
from newsletter.subscriptions import Subscriptions
from newsletter.subscriptions.bouncing import Consequence, verdict


class Returns:
    """Turns reports into changes of subscribers; reading a report twice changes nothing more."""

    def __init__(self, store: Store, subscriptions: Subscriptions, paths: ReturnPaths) -> None:
        self._store = store
        self._subscriptions = subscriptions
        self._paths = paths

    def take_back(self, box: ReportBox, *, now: datetime) -> Counter[Consequence]:
        """Deals with every mail in the mailbox; answers how many led to what.

        What is no report is put away flagged: answers to our mails come into this mailbox, too.

        Raises:
            MailError: the mailbox cannot be read; what was dealt with stays dealt with.
            UnreadableError: one was about a subscriber who cannot be read; it comes again, and this
                is told when all others were dealt with.
        """
        done: Counter[Consequence] = Counter()
        trouble: UnreadableError | None = None
        for key, raw in box.read():
            report = read_report(raw, return_paths=self._paths)
            try:
                done[self.take(report, now=now)] += 1
            except UnreadableError as error:
                trouble = trouble or error
                continue
            box.done(key, flagged=report.kind is Kind.UNKNOWN)  # a person may have written it
        if trouble:
            raise trouble
        return done

    def take(self, report: Report, *, now: datetime) -> Consequence:
        """Deals with one report; one about a mail that is none of ours is left alone."""
        with self._store.register() as register:
            delivery = register.outbox.get(report.delivery_id) if report.delivery_id else None
            earlier = register.soft_bounces(delivery.subscriber_id) if delivery else ()
        if delivery is None:
            return Consequence.IGNORE
        consequence = verdict(report, earlier, now)
        self._act(consequence, delivery, report, now)
        return consequence

    def refused(self, deliveries: Sequence[Delivery], *, now: datetime) -> None:
        """Mailboxes that a relay said do not exist, while we were talking to it."""
        for delivery in deliveries:
            reader, said = delivery.subscriber_id, delivery.last_error
            with suppress(SubscriptionError):  # forgotten while we were talking
                self._subscriptions.bounce(reader, now=now, detail=said)

    def _act(
        self, consequence: Consequence, delivery: Delivery, report: Report, now: datetime
    ) -> None:
        reader, said = delivery.subscriber_id, f"{report.status} {report.detail}".strip()
        if consequence is Consequence.BOUNCE:
            self._subscriptions.bounce(reader, now=now, detail=said)
        elif consequence is Consequence.COMPLAIN:
            self._subscriptions.complain(reader, now=now, detail=said)
        elif consequence is Consequence.UNSUBSCRIBE:
            self._subscriptions.unsubscribe(reader, now=now, reason="by mail")
        elif consequence is Consequence.COUNT:
            with self._store.changing_register() as register:
                register.keep_soft_bounce(reader, now.astimezone(UTC).date())
