"""Decides at the public forms: who is let in, who is a robot, who comes too early or too often.

Strangers use sign-up forms to bury somebody in confirmation mails (M3AAWG on list bombing); what
one address may get is limited in `subscriptions.rules`, what the forms may cause is limited here.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from threading import Lock

from newsletter.web.limits import Gate, Limit, network_of
from newsletter.web.proof import Proofs, Stamps

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The figures of the doorman. A network is an IPv4 address or the /64 of an IPv6 address.

    Attributes:
        signups_per_hour, signups_per_day: for one network, with proof of work.
        unproven_per_hour, unproven_together_per_hour: without proof, for one network and for all.
        mails_per_hour: what all forms together may cause.
        previews_per_minute, previews_together_per_minute: for one network and for all.
        quickest_seconds: nobody fills in the form faster.
        refusals_per_hour: from so many on the operator is told, whatever the reason.
        oldest_seconds: how long a form and its proof of work stay good.
        proof_iterations, proof_tries: PBKDF2 rounds of one try, and how many tries are needed on
            average: 200 times 2,000 keep a phone busy for about half a second.
    """

    signups_per_hour: int = 5
    signups_per_day: int = 20
    unproven_per_hour: int = 2
    unproven_together_per_hour: int = 20
    mails_per_hour: int = 200
    previews_per_minute: int = 60
    previews_together_per_minute: int = 600
    refusals_per_hour: int = 100
    quickest_seconds: int = 2
    oldest_seconds: int = _DAY
    proof_iterations: int = 2_000
    proof_tries: int = 200


class Answer(StrEnum):
    """What to do with a request.

    `LET_IN`: do it. `IGNORE`: do nothing and answer as if it had been done. `RETRY`: show the form
    again, filled in, with a fresh stamp. `TOO_MANY`: refuse (HTTP 429).
    """

    LET_IN = "let in"
    IGNORE = "ignore"
    RETRY = "retry"
    TOO_MANY = "too many"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """A sent form: `client` is the address it came from, the rest are hidden fields of the form."""

    client: str
    proof: str = ""
    stamp: str = ""
    honeypot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The answer, a sentence for the reader, and for `TOO_MANY` when to come back.

    Attributes:
        hint: what else may help on a page of ours; another site's form has its own ways.
    """

    answer: Answer
    sentence: str = ""
    hint: str = ""
    retry_after_seconds: int = 0

    @property
    def told(self) -> str:
        """All there is to say on a page of ours."""
        return f"{self.sentence} {self.hint}".rstrip()


_WELCOME = Judgement(answer=Answer.LET_IN)
_ROBOT = Judgement(answer=Answer.IGNORE)
_TOO_QUICK = "That was very quick; please send the form once more."
_TOO_OLD = "This form was open for very long; please send it again."
_NOT_OURS = "This form could not be checked; please send it again."
_CROWDED = "Very many requests are coming in; please try again in {}."
_BUSY_NETWORK = "Too many requests came from your network; please try again in {}."
_UNPROVEN = "Too many requests came in this way; please try again in {}."
_SCRIPT_HELPS = "If JavaScript is switched off, switch it on and reload this page."
_PREVIEWS = "That was a lot of previews; please try again in {}."


class Doorman:
    """Stands at all public forms of one installation; may be asked from several threads.

    Nothing is written down about those who are not let in, so a flood leaves the memory as it is:
    at most `mails_per_hour` times 24 networks and redeemed proofs, 20 unproven networks and
    `previews_together_per_minute` networks of previews.

    Args:
        key: signs challenges and stamps; shared by all processes behind one name.
        now: the clock, aware.
        alarm: told a name and a sentence (never an address) when all mails of an hour are used up;
            once, until the forms were open for a whole hour. It must not raise.
    """

    def __init__(
        self,
        rules: Rules,
        key: bytes | str,
        *,
        now: Callable[[], datetime],
        alarm: Callable[[str, str], None],
    ) -> None:
        self._rules = rules
        self._now = now
        self._alarm = alarm
        self._lock = Lock()
        self._stamps = Stamps(key)
        self._proofs = _proofs(rules, key)
        self._mails = _mails(rules)
        self._unproven = _unproven(rules)
        self._previews = _previews(rules)
        self._closed_until = -math.inf
        self._refused: deque[float] = deque(maxlen=rules.refusals_per_hour)

    def stamp(self) -> str:
        """For a hidden field of each form that is handed out: when that was."""
        return self._stamps.stamp(self._seconds())

    def challenge(self) -> dict[str, object]:
        """The JSON for the script of the form (templates/web/proof.js)."""
        return self._proofs.challenge(self._seconds())

    def knock(self, knock: Knock) -> Judgement:
        """Judges a form that causes a mail; ask last, when its other fields are in order.

        `LET_IN` counts at once, whatever becomes of it.
        """
        if knock.honeypot:
            return _ROBOT
        now = self._seconds()
        if sentence := self._about_age(knock.stamp, now):
            return Judgement(answer=Answer.RETRY, sentence=sentence)
        with self._lock:
            judgement = self._judge(network_of(knock.client), knock.proof, now)
            news = self._news(judgement, now)
        if news:
            self._alarm("sign-up flood", news)
        return judgement

    def may_preview(self, client: str, looks: int = 1) -> Judgement:
        """Judges a preview, which costs computing time and nothing else.

        Args:
            looks: as how many previews it counts.
        """
        network, now = network_of(client), self._seconds()
        with self._lock:
            gate = self._previews
            if wait := max(gate.wait_of_all(now), gate.wait(network, now)):
                return _too_many(_PREVIEWS, wait)
            for _ in range(looks):
                gate.count(network, now)
        return _WELCOME

    def _seconds(self) -> float:
        return self._now().timestamp()

    def _about_age(self, stamp: str, now: float) -> str:
        """What is wrong with the time between showing and sending the form; empty if nothing."""
        made = self._stamps.read(stamp)
        if made is None:
            return _NOT_OURS
        if now - made < self._rules.quickest_seconds:
            return _TOO_QUICK
        return _TOO_OLD if now - made > self._rules.oldest_seconds else ""

    def _judge(self, network: str, proof: str, now: float) -> Judgement:
        """The dear question comes last: a proof is only looked at (and used up) if it decides."""
        if wait := self._mails.wait_of_all(now):
            return _too_many(_CROWDED, wait)
        if wait := self._mails.wait(network, now):
            return _too_many(_BUSY_NETWORK, wait)
        if not self._proofs.redeem(proof, now):
            if wait := max(self._unproven.wait_of_all(now), self._unproven.wait(network, now)):
                return _too_many(_UNPROVEN, wait, hint=_SCRIPT_HELPS)
            self._unproven.count(network, now)
        self._mails.count(network, now)
        return _WELCOME

    def _news(self, judgement: Judgement, now: float) -> str:
        """What to tell the operator: something only if the door closes after an hour of standing
        open, so that a flood which comes in waves is told once.
        """
        if judgement.answer is Answer.TOO_MANY:
            self._refused.append(now)
        wait = self._mails.wait_of_all(now) if self._rules.mails_per_hour else 0
        pressed = len(self._refused) == self._refused.maxlen and now - self._refused[0] <= _HOUR
        if not wait and not pressed:
            return ""
        calm, self._closed_until = now - self._closed_until, max(self._closed_until, now + wait)
        if calm < _HOUR:
            return ""
        mails, networks = self._mails.since(now - _HOUR), self._mails.networks_since(now - _HOUR)
        return _flood(mails, networks, full=bool(wait))


def _proofs(rules: Rules, key: bytes | str) -> Proofs:
    """Whoever redeems a proof is let in, so no more can be redeemed than mails be caused."""
    return Proofs(
        key,
        iterations=rules.proof_iterations,
        tries=rules.proof_tries,
        life_seconds=rules.oldest_seconds,
        remembered=rules.mails_per_hour * (1 + rules.oldest_seconds // _HOUR),
    )


def _mails(rules: Rules) -> Gate:
    return Gate(
        each=(
            Limit(most=rules.signups_per_hour, seconds=_HOUR),
            Limit(most=rules.signups_per_day, seconds=_DAY),
        ),
        together=Limit(most=rules.mails_per_hour, seconds=_HOUR),
    )


def _unproven(rules: Rules) -> Gate:
    return Gate(
        each=(Limit(most=rules.unproven_per_hour, seconds=_HOUR),),
        together=Limit(most=rules.unproven_together_per_hour, seconds=_HOUR),
    )


def _previews(rules: Rules) -> Gate:
    return Gate(
        each=(Limit(most=rules.previews_per_minute, seconds=_MINUTE),),
        together=Limit(most=rules.previews_together_per_minute, seconds=_MINUTE),
    )


def _too_many(sentence: str, wait: float, *, hint: str = "") -> Judgement:
    seconds = math.ceil(wait)
    return Judgement(
        answer=Answer.TOO_MANY,
        sentence=sentence.format(_in_words(seconds)),
        hint=hint,
        retry_after_seconds=seconds,
    )


def _in_words(seconds: int) -> str:
    """A span as people say it, rounded up."""
    if seconds <= _MINUTE:
        return "a minute"
    if seconds <= _HOUR:
        return f"{math.ceil(seconds / _MINUTE)} minutes"
    return f"{math.ceil(seconds / _HOUR)} hours"


def _flood(mails: int, networks: int, *, full: bool) -> str:
    most = "the most allowed, " if full else "and very many requests were refused, "
    return (
        f"the public forms caused {mails} mails within an hour, {most}for {networks} "
        "networks; further requests are refused until it calms down. If the newsletter was "
        "announced somewhere, raise web.mails_per_hour; if not, somebody may be burying strangers in "
        "confirmation mails: leave the limit and look at the newest pending subscribers"
    )
