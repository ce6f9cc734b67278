"""Whatever happens to three readers in whatever order, the store says what a simple model says."""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from blank_store import blank_store
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from newsletter.errors import SubscriptionError, TokenError
from newsletter.membership import Consent, Purpose, Wishes
from newsletter.model import Profile, Status
from newsletter.store import open_store
from newsletter.subscriptions import TRANSITIONS, Event, Subscriptions

EMAILS = ("a@x.org", "b@x.org", "c@x.org")
emails = st.sampled_from(EMAILS)
profiles = st.sampled_from(["", "vision", "robots", "speech"]).map(
    lambda topic: Profile(topics=(topic,) if topic else ())
)
YES = Consent(at=datetime(2026, 4, 3, tzinfo=UTC), origin="form", wording="yes")
BY_EVENT = {
    Event.UNSUBSCRIBE: "unsubscribe",
    Event.BOUNCE: "bounce",
    Event.COMPLAIN: "complain",
    Event.RESUME: "resume",
}


@dataclass
class Person:
    """What the model knows of an address."""

    status: Status | None = None
    profile: Profile = field(default_factory=Profile)
    forgotten: bool = False
    mails: list[datetime] = field(default_factory=list)
    unanswered: int = 0
    link: tuple[str, datetime, Profile] | None = None
    spoilt: list[str] = field(default_factory=list)
    versions: int = 0

    def takes(self, profile: Profile) -> None:
        self.versions += profile != self.profile
        self.profile = profile

    def ends_link(self) -> None:
        if self.link:
            self.spoilt.append(self.link[0])
        self.link = None


class Readers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = open_store(blank_store(Path(self.folder.name) / "n.db"))
        numbers = itertools.count()
        self.desk = Subscriptions(self.store, make_token=lambda: f"secret{next(numbers)}")
        self.people = {email: Person() for email in EMAILS}
        self.now = datetime(2026, 4, 3, 12, tzinfo=UTC)

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(email=emails, profile=profiles)
    def form(self, email: str, profile: Profile) -> None:
        person = self.people[email]
        asked = self.desk.subscribe(email.upper(), Wishes(profile=profile), YES, now=self.now)
        quiet = person.forgotten or person.status in (Status.BOUNCED, Status.COMPLAINED)
        known = person.status in (Status.ACTIVE, Status.PAUSED)
        rested = all(at <= self.now - timedelta(hours=24) for at in person.mails)
        if quiet or not rested or (not known and person.unanswered >= 3):
            assert asked.mail is None
            return
        person.mails.append(self.now)
        if known:
            assert asked.mail is Purpose.SETTINGS
            return
        assert asked.mail is Purpose.CONFIRM
        person.unanswered += 1
        if person.status is None:
            person.status, person.profile, person.versions = Status.PENDING, profile, 1
        if person.link:  # the older link still works, but the newer one is the one we try
            person.spoilt.clear()
        person.link = (asked.token_id, self.now + timedelta(hours=48), profile)

    @rule(email=emails)
    def confirms(self, email: str) -> None:
        person = self.people[email]
        if person.link is None:
            return
        secret, expires, profile = person.link
        if self.now >= expires:
            with pytest.raises(TokenError):
                self.desk.confirm(secret, YES, now=self.now)
            return
        self.desk.confirm(secret, YES, now=self.now)
        person.status, person.unanswered = Status.ACTIVE, 0
        if profile != Profile():
            person.takes(profile)
        person.ends_link()

    @rule(email=emails)
    def tries_an_ended_link(self, email: str) -> None:
        for secret in self.people[email].spoilt:
            with pytest.raises(TokenError):
                self.desk.confirm(secret, YES, now=self.now)

    @rule(email=emails, event=st.sampled_from(list(BY_EVENT)))
    def something_happens(self, email: str, event: Event) -> None:
        self._act(email, event, lambda i: getattr(self.desk, BY_EVENT[event])(i, now=self.now))

    @rule(email=emails)
    def pauses(self, email: str) -> None:
        until = self.now.date() + timedelta(days=3)
        self._act(email, Event.PAUSE, lambda i: self.desk.pause(i, until, now=self.now))

    @rule(email=emails)
    def comes_back(self, email: str) -> None:
        self._act(email, Event.COME_BACK, lambda i: self.desk.come_back(i, YES, now=self.now))

    @rule(email=emails, profile=profiles)
    def changes(self, email: str, profile: Profile) -> None:
        person = self.people[email]
        if person.status is not None:
            self.desk.change(self._id(email), Wishes(profile=profile), now=self.now)
            person.takes(profile)

    @rule(email=emails)
    def is_forgotten(self, email: str) -> None:
        if self.people[email].status is not None:
            self.desk.forget(self._id(email), now=self.now)
            self.people[email] = Person(forgotten=True)

    @rule()
    def purge(self) -> None:
        self.desk.purge_unconfirmed(now=self.now)
        for person in self.people.values():
            newest = max(person.mails, default=self.now)
            if person.status is Status.PENDING and newest <= self.now - timedelta(hours=48):
                person.status, person.link = None, None

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        kept = {s.email.lower(): s for s in self.desk.all()}
        for email, person in self.people.items():
            found = kept.get(email)
            assert (found.status if found else None) is person.status
            if found:
                assert found.profile == person.profile
                assert (found.paused_until is not None) == (found.status is Status.PAUSED)
                assert len(self.desk.export(found.id)["profiles"]) == person.versions

    @invariant()
    def exactly_those_who_must_not_be_mailed_are_suppressed(self) -> None:
        with self.store.register() as register:
            for email, person in self.people.items():
                quiet = person.forgotten or person.status in (Status.BOUNCED, Status.COMPLAINED)
                assert (register.addresses.suppressed(email) is not None) is quiet

    def _act(self, email: str, event: Event, act) -> None:
        person = self.people[email]
        if person.status is None:
            return
        to = TRANSITIONS.get((person.status, event))
        if to is None:
            with pytest.raises(SubscriptionError):
                act(self._id(email))
            return
        act(self._id(email))
        person.status = to
        person.ends_link()

    def _id(self, email: str) -> str:
        return self.desk.find(email).id


def test_any_story_of_three_readers_keeps_to_the_table():
    run_state_machine_as_test(
        Readers, settings=settings(max_examples=30, stateful_step_count=30, deadline=None)
    )
