"""Whatever happens between composing and recording: nothing is lost, nothing sent to who left."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from newsletter.app import App
from newsletter.config import load_settings
from newsletter.delivery import DeliveryState, Outcome, Result
from newsletter.membership import Consent, Wishes
from newsletter.model import Cadence, Entry, Listing, Paper, Profile, Status, Tier
from newsletter.pipeline import compose_due, deliver_due, look_back
from newsletter.posting import Post
from newsletter.store import open_store
from newsletter.subscriptions import Subscriptions

START = datetime(2026, 4, 3, 7, 59, tzinfo=UTC)
YES = Consent(at=START, origin="form", wording="yes")
ENDS = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.CANCELLED)
MOODS = ("accepts", "accepts", "defers", "rejects", "dies before", "dies after")


class KilledError(BaseException):
    """The process is gone: nothing after this moment happens."""


@cache
def post() -> Post:
    """Templates compiled once for all runs."""
    return App(load_settings(), now=lambda: START).post("https://papers.example")


class Deliveries(RuleBasedStateMachine):
    """A relay of many moods, readers who come and go, processes that die."""

    url = "sqlite://"

    @initialize()
    def opens(self) -> None:
        self.store = open_store(self.url)
        self.desk = Subscriptions(self.store)
        self.now = START
        self.accepted: Counter[str] = Counter()
        self.deaths_after: Counter[str] = Counter()
        self.moods: list[str] = []
        self.number = 0
        for _ in range(3):
            self.somebody_comes()
        self.the_hour_comes_and_digests_are_made()

    @rule()
    def somebody_comes(self) -> None:
        self.number += 1
        profile = Profile(topics=("sparse attention",), max_papers=1, surprise=False)
        wishes = Wishes(profile=profile, cadence=Cadence.DAILY)
        self.desk.enrol(f"r{self.number}@x.org", wishes, YES, now=self.now)

    @rule(minutes=st.sampled_from([1, 11, 31, 130]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def the_hour_comes_and_digests_are_made(self) -> None:
        tomorrow = self.now.replace(hour=8, minute=0) + timedelta(days=1)
        self.now = tomorrow
        self._list()
        compose_due(self.store, look_back(self.store, days=5), now=self.now, days=3)

    @rule(moods=st.lists(st.sampled_from(MOODS), min_size=1, max_size=6))
    def mails_are_carried(self, moods: list[str]) -> None:
        self.moods = list(moods)
        try:
            deliver_due(self.store, post(), self, now=lambda: self.now, most=4)
        except KilledError:
            """The next round is another process."""

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def somebody_leaves(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, self.number))
        self.desk.unsubscribe(self.desk.find(f"r{number}@x.org").id, now=self.now)

    @rule()
    def a_new_process_frees_what_the_old_one_had(self) -> None:
        with self.store.changing_register() as register:
            register.outbox.free_all(self.now)

    # -- the relay

    def carry(self, mails):
        for mail in mails:
            yield self.take(mail.raw, sender=mail.sender, recipient=mail.recipient)

    def take(self, raw: bytes, *, sender: str, recipient: str) -> Outcome:
        assert self.desk.find(recipient).status is Status.ACTIVE, "a mail to somebody who left"
        name = raw.partition(b"Message-ID: <")[2].partition(b"@")[0].decode()
        mood = self.moods.pop(0) if self.moods else "accepts"
        if mood == "dies before":
            raise KilledError
        if mood == "defers":
            return Outcome(result=Result.DEFERRED, reply=451)
        if mood == "rejects":
            return Outcome(result=Result.REJECTED, reply=554, status="5.7.1")
        self.accepted[name] += 1
        if mood == "dies after":
            self.deaths_after[name] += 1
            raise KilledError
        return Outcome(result=Result.ACCEPTED, reply=250)

    def close(self) -> None:
        """Nothing to give back."""

    # -- what always holds

    @invariant()
    def no_mail_is_doubled_but_by_a_death_at_the_worst_moment(self) -> None:
        if hasattr(self, "accepted"):
            for name, times in self.accepted.items():
                assert times <= 1 + self.deaths_after[name]

    @invariant()
    def what_counts_as_sent_was_accepted(self) -> None:
        if hasattr(self, "store"):
            for delivery in self._all():
                if delivery.state is DeliveryState.SENT:
                    assert self.accepted[delivery.id] >= 1

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        self.moods = []
        for _ in range(200):
            if all(delivery.state in ENDS for delivery in self._all()):
                break
            self.now += timedelta(minutes=30)
            deliver_due(self.store, post(), self, now=lambda: self.now)
        for delivery in self._all():
            assert delivery.state in ENDS, "a mail was lost on its way"
            left = self.desk.get(delivery.subscriber_id).status is not Status.ACTIVE
            assert delivery.state is not DeliveryState.CANCELLED or left
        self.store.close()

    def _all(self):
        with self.store.register() as register:
            digests = [
                d for kept in register.all() for d in register.digests.of(kept.subscriber.id)
            ]
            return [register.outbox.get(digest.id) for digest in digests]

    def _list(self) -> None:
        day = date(self.now.year, self.now.month, self.now.day)
        paper = Paper(
            id=f"26{day:%m}.{day.day:05d}",
            title=f"Sparse attention {day}",
            abstract="All about sparse attention.",
            listed_on=day,
        )
        entry = Entry(paper=paper, rank=1)
        listing = Listing(source=f"daily:{day}", tier=Tier.API, entries=(entry,), listed_on=day)
        self.store.record(listing, self.now)


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=12, stateful_step_count=30, deadline=None)


def test_the_same_holds_on_postgresql(postgres):
    class Elsewhere(Deliveries):
        @initialize()
        def opens(self) -> None:
            self.url = postgres.fresh()
            super().opens()

        def teardown(self) -> None:
            super().teardown()
            postgres.drop(self.url)

    short = settings(max_examples=4, stateful_step_count=15, deadline=None)
    run_state_machine_as_test(Elsewhere, settings=short)
