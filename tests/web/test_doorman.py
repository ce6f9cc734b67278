"""The doorman: readers get in, robots get nothing, floods change neither memory nor manners."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from altcha import Challenge, Payload, solve_challenge
from hypothesis import given
from hypothesis import strategies as st

from newsletter.web.doorman import Answer, Doorman, Judgement, Knock, Rules

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
QUICK = {"proof_iterations": 1, "proof_tries": 1}
HERE = "192.0.2.7"


@dataclass
class Street:
    """A doorman, the clock and the alarms of one afternoon."""

    rules: Rules = field(default_factory=lambda: Rules(**QUICK))
    now: datetime = NOON
    alarms: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.doorman = Doorman(
            self.rules, "a key", now=lambda: self.now, alarm=lambda *said: self.alarms.append(said)
        )
        self.old_stamp = self.doorman.stamp()
        self.wait(seconds=30)

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)

    def proof(self) -> str:
        challenge = Challenge.from_dict(self.doorman.challenge())
        solution = solve_challenge(challenge)
        solution.time = None
        text = json.dumps(Payload(challenge, solution).to_dict(), separators=(",", ":"))
        return b64encode(text.encode()).decode()

    def stamp(self) -> str:
        """One that was handed out half a minute ago."""
        self.now -= timedelta(seconds=30)
        made = self.doorman.stamp()
        self.now += timedelta(seconds=30)
        return made

    def knock(self, client: str = HERE, *, proof: str | None = None, **changes: str) -> Judgement:
        """A reader's form, with proof unless it says otherwise."""
        text = self.proof() if proof is None else proof
        return self.doorman.knock(
            Knock(**{"client": client, "proof": text, "stamp": self.stamp()} | changes)
        )

    def knocks(self, clients: Iterable[str], **changes: str) -> list[Judgement]:
        return [self.knock(client, **changes) for client in clients]

    def sizes(self) -> tuple[int, ...]:
        """Of every table that knows networks or proofs."""
        doorman = self.doorman
        return tuple(
            map(len, (doorman._mails, doorman._unproven, doorman._previews, doorman._proofs))
        )


def let_in(judgements: Iterable[Judgement]) -> int:
    return sum(judgement.answer is Answer.LET_IN for judgement in judgements)


def networks(count: int) -> list[str]:
    return [f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::1" for number in range(count)]


def one_network(count: int) -> list[str]:
    return [f"2001:db8:0:1::{number:x}" for number in range(1, count + 1)]


@pytest.fixture
def street() -> Street:
    return Street()


def test_reader_is_let_in(street):
    assert street.knock() == Judgement(answer=Answer.LET_IN)


def test_reader_without_javascript_is_let_in(street):
    assert street.knock(proof="") == Judgement(answer=Answer.LET_IN)


def test_filled_honeypot_is_ignored_and_leaves_no_trace(street):
    proof = street.proof()
    for stamp in ("", street.old_stamp):
        robot = street.knock(honeypot="https://example.org", proof=proof, stamp=stamp)
        assert robot == Judgement(answer=Answer.IGNORE)
    assert street.sizes() == (0, 0, 0, 0)
    assert street.knock(proof=proof).answer is Answer.LET_IN


@pytest.mark.parametrize(
    ("age", "answer", "words"),
    [
        (0, Answer.RETRY, "very quick"),
        (1, Answer.RETRY, "very quick"),
        (2, Answer.LET_IN, ""),
        (86_400, Answer.LET_IN, ""),
        (86_401, Answer.RETRY, "open for very long"),
        (-60, Answer.RETRY, "very quick"),
    ],
)
def test_form_must_be_neither_too_young_nor_too_old(street, age, answer, words):
    stamp = street.doorman.stamp()
    street.wait(seconds=age)
    judgement = street.knock(stamp=stamp)
    assert judgement.answer is answer
    assert words in judgement.sentence
    assert bool(words) == bool(judgement.sentence)


@pytest.mark.parametrize("stamp", ["", "1775217600", "1775217600.AAAA", "é" * 40, "\ud800.x"])
def test_form_without_a_stamp_of_ours_is_offered_again(street, stamp):
    judgement = street.knock(stamp=stamp)
    assert judgement.answer is Answer.RETRY
    assert "send it again" in judgement.sentence


def test_form_that_is_offered_again_costs_neither_proof_nor_place(street):
    proof = street.proof()
    for _ in range(10):
        street.knock(proof=proof, stamp="")
    assert street.sizes() == (0, 0, 0, 0)
    assert street.knock(proof=proof).answer is Answer.LET_IN


def test_proof_counts_as_long_as_the_form_and_only_once(street):
    early, replayed = street.proof(), street.proof()
    street.wait(hours=23)
    answers = [street.knock(proof=text).answer for text in (early, replayed)]
    assert answers == [Answer.LET_IN, Answer.LET_IN]
    assert len(street.doorman._unproven) == 0
    street.knock(proof=replayed)
    assert len(street.doorman._unproven) == 1


def test_replayed_proof_gets_no_further_than_none_at_all(street):
    proof = street.proof()
    assert let_in(street.knocks([HERE] * 20, proof=proof)) == 1 + 2


@given(st.data())
def test_changed_proof_counts_as_none(data):
    street = Street()
    proof = street.proof()
    place = data.draw(st.integers(0, len(proof) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != proof[place]))
    street.knock(proof=proof[:place] + other + proof[place + 1 :])
    assert len(street.doorman._unproven) == 1


def test_one_network_is_let_in_five_times_an_hour_and_twenty_times_a_day(street):
    counts = []
    for _ in range(6):
        counts.append(let_in(street.knocks(one_network(8))))
        street.wait(hours=1)
    assert counts == [5, 5, 5, 5, 0, 0]
    street.wait(hours=18)
    assert let_in(street.knocks(one_network(8))) == 5


def test_one_network_is_let_in_twice_an_hour_without_proof(street):
    first = street.knocks([HERE] * 4, proof="")
    assert let_in(first) == 2
    assert "JavaScript" in first[-1].told
    assert let_in(street.knocks([HERE] * 4)) == 3


def test_all_networks_without_proof_are_let_in_twenty_times_an_hour_together(street):
    assert let_in(street.knocks(networks(60), proof="")) == 20
    assert street.knock("198.51.100.1").answer is Answer.LET_IN, "proof opens another way"
    assert street.alarms == []
    street.wait(hours=1)
    assert let_in(street.knocks(networks(60), proof="")) == 20


def test_refused_reader_is_told_when_to_come_back_and_may_then(street):
    street.knocks([HERE] * 5)
    street.wait(minutes=20)
    refused = street.knock()
    assert refused.answer is Answer.TOO_MANY
    assert refused.retry_after_seconds == 2_400
    assert "40 minutes" in refused.sentence
    street.wait(seconds=refused.retry_after_seconds)
    assert street.knock().answer is Answer.LET_IN


@pytest.mark.parametrize(
    ("passed", "words"), [(3_599, "in a minute"), (3_540, "in a minute"), (3_539, "in 2 minutes")]
)
def test_sentence_rounds_the_time_up(street, passed, words):
    street.knocks([HERE] * 5)
    street.wait(seconds=passed)
    assert words in street.knock().sentence


def test_long_wait_is_told_in_hours(street):
    for _ in range(4):
        street.knocks([HERE] * 5)
        street.wait(hours=1)
    assert "20 hours" in street.knock().sentence


def test_ten_thousand_knocks_of_one_network_cause_five_mails(street):
    proof = street.proof()
    assert let_in(street.knocks(one_network(10_000), proof=proof)) == 3
    assert let_in(street.knocks(one_network(10_000)[:20])) == 2
    assert street.sizes() == (1, 1, 0, 3)
    assert len(street.alarms) == 1


def test_ten_thousand_networks_without_proof_cause_twenty_mails(street):
    assert let_in(street.knocks(networks(10_000), proof="")) == 20
    assert street.sizes() == (20, 20, 0, 0)
    ((_, sentence),) = street.alarms
    assert "caused 20 mails within an hour, and very many requests were refused" in sentence


def test_a_few_refusals_are_no_flood(street):
    street.knocks(one_network(100))
    assert street.alarms == []
    street.wait(hours=2)
    street.knocks(one_network(100))
    assert street.alarms == []


def test_ten_thousand_networks_with_proof_cause_two_hundred_mails_and_one_alarm(street):
    proofs = [street.proof() for _ in range(400)]
    judgements = [
        street.knock(client, proof=proofs[number % 400])
        for number, client in enumerate(networks(10_000))
    ]
    assert let_in(judgements) == 200
    assert {judgement.answer for judgement in judgements[200:]} == {Answer.TOO_MANY}
    assert street.sizes() == (200, 0, 0, 200)
    assert len(street.alarms) == 1


def test_days_of_flood_keeps_every_table_within_its_bound():
    rules = Rules(**QUICK, mails_per_hour=20, unproven_together_per_hour=4)
    street = Street(rules)
    clients = iter(networks(10_000))
    for _ in range(60):
        for _ in range(24):
            street.knock(next(clients))
            street.knock(next(clients), proof="")
            street.doorman.may_preview(next(clients))
        street.wait(hours=1)
        mails, unproven, previews, proofs = street.sizes()
        assert mails <= 20 * 24
        assert proofs <= 20 * 24
        assert unproven <= 4
        assert previews <= 600
    assert len(street.alarms) == 1


def test_alarm_says_figures_and_what_to_do_and_no_address(street):
    street.knocks(networks(250))
    ((name, sentence),) = street.alarms
    assert name == "sign-up flood"
    assert "200 mails within an hour" in sentence
    assert "200 networks" in sentence
    assert "raise web.mails_per_hour" in sentence
    assert "2001:db8" not in sentence


def test_flood_that_goes_on_or_comes_in_waves_is_told_once(street):
    clients = iter(networks(3_000))
    for minutes in (30, 30, 59, 60, 61, 119):
        street.knocks(next(clients) for _ in range(250))
        street.wait(minutes=minutes)
    assert len(street.alarms) == 1


def test_next_flood_after_an_hour_of_open_doors_is_told_again(street):
    street.knocks(networks(250))
    street.wait(hours=2)
    street.knocks(networks(500)[250:449])
    assert len(street.alarms) == 1, "one mail below the limit is no flood"
    street.knock(HERE)
    assert len(street.alarms) == 2


def test_crowded_door_is_closed_to_those_with_proof_too_and_opens_again(street):
    street.knocks(networks(200))
    refused = street.knock()
    assert refused.answer is Answer.TOO_MANY
    assert refused.retry_after_seconds == 3_600
    assert "Very many requests" in refused.sentence
    street.wait(hours=1)
    assert street.knock().answer is Answer.LET_IN


def test_rules_may_ask_everybody_for_proof():
    street = Street(Rules(**QUICK, unproven_per_hour=0))
    assert street.knock(proof="").answer is Answer.TOO_MANY
    assert street.knock().answer is Answer.LET_IN


def test_rules_may_close_the_forms():
    street = Street(Rules(**QUICK, mails_per_hour=0))
    assert street.knock().answer is Answer.TOO_MANY
    assert street.alarms == []


def test_previews_have_a_limit_of_their_own(street):
    judgements = [street.doorman.may_preview(client) for client in one_network(70)]
    assert let_in(judgements) == 60
    assert judgements[-1].retry_after_seconds == 60
    assert "previews" in judgements[-1].sentence
    assert street.knock("2001:db8:0:1::1").answer is Answer.LET_IN
    street.wait(minutes=1)
    assert street.doorman.may_preview("2001:db8:0:1::1").answer is Answer.LET_IN


def test_a_look_that_costs_more_counts_as_several(street):
    assert let_in(street.doorman.may_preview("192.0.2.1", looks=20) for _ in range(9)) == 3
    assert street.doorman.may_preview("192.0.2.2").answer is Answer.LET_IN


def test_previews_of_all_networks_together_leave_computing_time_for_the_rest(street):
    assert let_in(map(street.doorman.may_preview, networks(2_000))) == 600
    assert street.sizes() == (0, 0, 600, 0)


def test_clients_without_an_address_share_one_place(street):
    assert let_in(street.knocks([f"unix-{number}" for number in range(50)])) == 5


def test_doorman_counts_right_when_many_threads_knock_at_once(street):
    stamp, proofs = street.stamp(), [street.proof() for _ in range(300)]
    forms = [
        Knock(client=client, proof=proof, stamp=stamp)
        for client, proof in zip(networks(300), proofs, strict=True)
    ]
    with ThreadPoolExecutor(8) as pool:
        judgements = list(pool.map(street.doorman.knock, forms))
    assert let_in(judgements) == 200
    assert len(street.alarms) == 1


def test_one_proof_sent_by_many_threads_at_once_counts_once(street):
    form = Knock(client=HERE, proof=street.proof(), stamp=street.stamp())
    with ThreadPoolExecutor(8) as pool:
        judgements = list(pool.map(street.doorman.knock, [form] * 40))
    assert let_in(judgements) == 1 + 2


def test_default_rules_make_a_challenge_a_phone_solves_in_about_half_a_second():
    parameters = Street(Rules()).doorman.challenge()["parameters"]
    assert parameters["cost"] == 2_000
