"""What lies outside: the relay up to the login, the lists, our own pages as others see them, the clock."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from newsletter.app import App
from newsletter.asking import fetch_rules
from newsletter.config import RelaySettings
from newsletter.doctor.findings import Finding, fail, ok, warn
from newsletter.errors import ConfigError, MailError, SourceError
from newsletter.mail.servers.login import log_in, spellings
from newsletter.mail.servers.oauth import TokenSource
from newsletter.mail.servers.replies import Step, discreet, failure
from newsletter.sources.fetch import Fetched, Fetcher
from newsletter.sources.ladder import NotOpenError
from newsletter.sources.spec import SourceSpec, parse_source

SECONDS = 10.0
_SKEWED, _WRONG = 30.0, 300.0  # seconds between our clock and another one


def relays(app: App) -> Iterator[Finding]:
    """Greets each relay, encrypts and logs in as a delivery does, and says goodbye."""
    given = app.settings.smtp_relays
    if not given:
        yield warn(
            "relay",
            f"No relay is configured: mails become files in {app.settings.mail_folder}.",
            "Set smtp.host, smtp.username and the password.",
        )
        return
    try:
        app.transport().close()  # refuses what cannot be meant, before anything is dialled
    except MailError as error:
        yield fail("relay", f"{error}.", "Mend [smtp] in the settings.")
        return
    seconds = min(app.settings.smtp.timeout_seconds, SECONDS)
    yield from (_relay(app, one, seconds) for one in given)


def _relay(app: App, given: RelaySettings, seconds: float) -> Finding:
    place = f"{given.host}:{given.port}"
    call = _Call(given, app.tokens(given), seconds)
    try:
        said = call.make()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        detail = failure(error, call.step)
        words = discreet(detail.detail, recipient="", secrets=call.secrets)
        why = " ".join(filter(None, (str(detail.reply or ""), detail.status, words))).rstrip(".")
        return fail("relay", f"{place} did not let us in: {why}.", _fix(error, call.step))
    if given.security == "none" and given.host not in ("localhost", "127.0.0.1", "::1"):
        return warn(
            "relay",
            f"{place} takes mails, which cross the network in the clear.",
            "Set smtp.security to starttls or tls.",
        )
    return ok("relay", f"{place} {said}.")


_FIXES = {
    Step.CONNECT: "Look at smtp.host and smtp.port, and whether a firewall closes the port.",
    Step.EHLO: "Look at smtp.port and smtp.security: 587 is starttls, 465 is tls.",
    Step.STARTTLS: "Look at smtp.security, at smtp.host (its certificate must bear that name), and for an "
    "own certificate at smtp.ca_file.",
    Step.AUTH: "Look at smtp.username and the password (many providers want one made for programs); "
    "with smtp.auth = xoauth2, at the refresh token and what it was granted for.",
}
_REFUSED = (
    "The port is right. Look at its words, or ask whoever runs it why it refuses this machine."
)
_NO_LOGIN = (
    "It offers no such login here. Look at smtp.port and smtp.security (many offer one after starttls "
    "only) and at smtp.auth; where none is needed, leave smtp.username empty."
)


def _fix(error: Exception, step: Step) -> str:
    """What to look at; how a connection fails tells more than that it does."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _FIXES[Step.STARTTLS]
    if step is Step.CONNECT and isinstance(error, ssl.SSLError | smtplib.SMTPServerDisconnected):
        return _FIXES[Step.EHLO]
    if step is Step.CONNECT and isinstance(error, smtplib.SMTPResponseException):
        return _REFUSED
    if step is Step.AUTH and isinstance(error, smtplib.SMTPNotSupportedError):
        return _NO_LOGIN
    return _FIXES[step]


class _Call:
    """One call to the relay; `step` tells how far it came."""

    def __init__(self, given: RelaySettings, tokens: TokenSource | None, seconds: float) -> None:
        self._given = given
        self._login = (given.username, given.password.get_secret_value(), tokens)
        self._seconds = seconds
        self.step = Step.CONNECT

    def make(self) -> str:
        """What was done there."""
        given = self._given
        with closing(self._dialled()) as client:
            self.step = Step.EHLO
            client.ehlo_or_helo_if_needed()
            if given.security == "starttls":
                self.step = Step.STARTTLS
                client.starttls(context=self._context)
                client.ehlo_or_helo_if_needed()
            said = ["answers", *self._encryption(client)]
            if given.username:
                self.step = Step.AUTH
                log_in(client, *self._login)
                said.append("takes our login")
            client.quit()
        return ", ".join(said)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the relay's words must not show."""
        return spellings(*self._login)

    @property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._given.ca_file or None)

    def _dialled(self) -> smtplib.SMTP:
        host, port = self._given.host, self._given.port
        if self._given.security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=self._seconds, context=self._context)
        return smtplib.SMTP(host, port, timeout=self._seconds)

    def _encryption(self, client: smtplib.SMTP) -> list[str]:
        version = client.sock.version() if isinstance(client.sock, ssl.SSLSocket) else None
        return [f"speaks {version}"] if version else []


def reports(app: App) -> Iterator[Finding]:
    """Opens the mailbox of reports, where one is configured; everything in it stays as it is."""
    given = app.settings.bounces
    try:
        box = app.report_box()
        if box is None:
            return
        with closing(box):
            next(box.read(), None)
    except MailError as error:
        yield fail(
            "reports",
            f"{str(error).rstrip('.')}.",
            "Mend [bounces] in the settings, or its mailbox.",
        )
        return
    yield ok("reports", f"The mailbox of reports opens ({given.maildir or given.host}).")


def lists(app: App) -> Iterator[Finding]:
    """Reads each configured list once, as `newsletter fetch` does, and keeps nothing."""
    once = {"attempts": 1, "timeout_seconds": min(app.settings.sources.timeout_seconds, SECONDS)}
    sources = app.settings.sources.model_copy(update=once)
    hasty = App(app.settings.model_copy(update={"sources": sources}), now=app.now)
    for text in sources.default:
        try:
            spec = parse_source(text)
        except ConfigError as error:
            yield fail(f"list {text}", f"{error}.", "Mend sources.default in the settings.")
        else:
            yield _list(hasty, spec)


def _list(app: App, spec: SourceSpec) -> Finding:
    about = f"list {spec.name}"
    fix = "Look at sources.base_url and the network; `newsletter fetch` says more."
    try:
        with app.reading([spec]) as sources:
            listing = sources.read(spec, now=app.now())
    except NotOpenError as error:
        return ok(about, f"It can be reached: {error.problem}.")
    except SourceError as error:
        return fail(about, f"{error}.", fix)
    count = len(listing.entries)
    read = f"{count} {'paper' if count == 1 else 'papers'} by {listing.tier}"
    detours = [note for note in listing.notes if "failed" in note]
    if detours or not listing.entries:
        why = (*detours, *listing.notes, "The list is empty.")[0]
        return warn(about, f"{read}. {why[:300]}", fix)
    return ok(about, f"{read}.")


def pages(app: App) -> Finding:
    """Whether our own pages answer at the address that mails lead to."""
    url = app.settings.publication.base_url
    try:
        _asked(app, url, "/healthz")
    except SourceError as error:
        return warn(
            "pages",
            f"{url} did not answer us: {error.problem}.",
            "Start `newsletter run`, and look at the proxy in front of it and at its name in the DNS.",
        )
    return ok("pages", f"The pages answer at {url}.")


def clock(app: App) -> Finding:
    """Our clock beside that of the site that is read."""
    base = app.settings.sources.base_url
    try:
        answer = _asked(app, base, "/robots.txt", also=(401, 403, 404, 405))
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
    except (SourceError, ValueError):
        return warn("clock", "Nobody was there to compare the clock with.", "Try again later.")
    off = abs((app.now() - _aware(theirs)).total_seconds())
    said = f"Our clock and that of {base} differ by {off:.0f} s."
    if off > _WRONG:
        return fail("clock", said, "Set the clock by NTP: digests leave at wrong hours.")
    if off > _SKEWED:
        return warn("clock", said, "Set the clock by NTP.")
    return ok("clock", said)


def _aware(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _asked(app: App, base: str, path: str, also: tuple[int, ...] = ()) -> Fetched:
    """One question to a site, once.

    Raises:
        SourceError: no usable answer came.
    """
    rules = replace(
        fetch_rules(app.settings.sources, (base,)),
        timeout_seconds=SECONDS,
        attempts=1,
        obey_robots=False,  # a look at one's own pages, and at robots.txt itself
        allow_private=True,
    )
    with closing(Fetcher(rules, sleep=lambda _: None, now=app.now)) as fetcher:
        return fetcher.get(f"{base}{path}", also=also)
