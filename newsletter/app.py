"""The composition root: the only place that builds adapters and reads the clock."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from newsletter.carrying import Office
from newsletter.config import RelaySettings, Settings, data_dir
from newsletter.config.settings import LoginSettings
from newsletter.delivery import Delivery, Outcome
from newsletter.encoder import encoder_for
from newsletter.errors import SourceError
from newsletter.links import Key, LinkMaker
from newsletter.mail.folder import FolderTransport
from newsletter.mail.letters import Letterhead
from newsletter.mail.lint.preflight import Preflight
from newsletter.mail.maildir import MaildirTransport
from newsletter.mail.outbox import Retries, no_such_mailbox
from newsletter.mail.pace import Limits, Pace, WarmUp
from newsletter.mail.relays import Failover, Relays
from newsletter.mail.render import Renderer
from newsletter.mail.servers.dial import Relay, Security
from newsletter.mail.servers.mailboxes import ImapAccount, ImapBox, MaildirBox, ReportBox
from newsletter.mail.servers.oauth import Grant, TokenSource
from newsletter.mail.servers.smtp import SmtpTransport
from newsletter.mail.transport import Transport
from newsletter.mail.verp import ReturnPaths
from newsletter.memory import settle_in
from newsletter.notebook import Notebook, read_after_death
from newsletter.pipeline import Ingested, Pool, look_back, record
from newsletter.posting import Post
from newsletter.returns import Returns
from newsletter.selection import Background, Encoder
from newsletter.sources.spec import SourceKind, SourceSpec
from newsletter.store import Store, file_of, open_store
from newsletter.subscriptions import Subscriptions

if TYPE_CHECKING:  # who does not sign needs no cryptography in memory, who reads no lists no web
    from newsletter.mail.dkim import Signer
    from newsletter.sources.ladder import Sources


def utc_now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


class App:
    """One installation, with everything built from its settings when first asked for.

    Args:
        now: the clock; tests give their own.
        templates: a directory whose files replace single templates; overrides `paths.templates`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], datetime] = utc_now,
        templates: Path | None = None,
    ) -> None:
        self.settings = settings
        self.now = now
        self.stopping = Event()
        self._usual: Background | None = None
        self._token_sources: dict[Grant, TokenSource] = {}
        self.own_templates = templates or (
            Path(settings.paths.templates) if settings.paths.templates else None
        )

    def _wait(self, seconds: float) -> None:
        if self.stopping.wait(seconds):
            raise SourceError("given up, because the newsletter is being stopped")

    @contextmanager
    def reading(
        self, specs: Sequence[SourceSpec], tell: Callable[[str], None] | None = None
    ) -> Iterator[Sources]:
        """The ways to the lists of papers, open for one run that reads `specs`.

        Args:
            tell: hears in a sentence when a server makes us wait.
        """
        from newsletter.asking import fetch_rules
        from newsletter.sources.fetch import Fetcher
        from newsletter.sources.ladder import Sources

        given = self.settings.sources
        named = tuple(spec.place for spec in specs if spec.kind is SourceKind.URL)
        fetcher = Fetcher(
            fetch_rules(given, named),
            sleep=self._wait,
            now=self.now,
            cache_dir=self.settings.cache_dir / "http",
            progress=tell,
        )
        with closing(fetcher):
            yield Sources(
                fetcher,
                base_url=given.base_url,
                arxiv_url=given.arxiv_url,
                arxiv_fallback=given.arxiv_fallback,
                mirrors=given.mirrors,
            )

    @cached_property
    def store(self) -> Store:
        """The installation's own database, made on first use."""
        return open_store(self.settings.store_url)

    @cached_property
    def subscriptions(self) -> Subscriptions:
        """What readers and the operator can do with subscriptions."""
        return Subscriptions(self.store)

    def scratch_store(self) -> Store:
        """A store in memory that is gone with the process."""
        return open_store("sqlite://")

    @property
    def has_papers(self) -> bool:
        """Whether the installation's database exists and holds papers; it is not made by asking."""
        return self._has_store and self.store.count() > 0

    @property
    def store_to_look_at(self) -> Store:
        """The installation's database, or an empty one in memory where it is not made yet."""
        return self.store if self._has_store else self.scratch_store()

    @property
    def _has_store(self) -> bool:
        settings = self.settings
        return bool(settings.store.url) or (settings.state_dir / "newsletter.db").is_file()

    @property
    def database_dir(self) -> Path:
        """Where the database lies; with one on a server, where the notes about mails lie."""
        file = file_of(self.settings.store_url)
        return file.parent if file else self.settings.state_dir

    @property
    def template_dirs(self) -> tuple[Path, ...]:
        """Where mail templates are looked up, the operator's own first."""
        own = (self.own_templates,) if self.own_templates else ()
        return (*own, data_dir("templates") / "mail")

    @property
    def page_dirs(self) -> tuple[Path, ...]:
        """Where templates of pages are looked up, the operator's own first."""
        own = (self.own_templates / "web",) if self.own_templates else ()
        return (*own, data_dir("templates") / "web")

    def post(self, base_url: str) -> Post:
        """Templates compiled afresh; links lead to `base_url` and are good for nothing but a look."""
        return self._post(LinkMaker(base_url, [Key(1, secrets.token_hex(32))]))

    @cached_property
    def live_post(self) -> Post:
        """Templates compiled once; links that this installation honours."""
        post = self._post(self.links)
        return replace(
            post,
            signer=self.signer,
            return_paths=self.return_paths,
            preflight=Preflight(post.publication.base_url, post.html_limit),
        )

    @cached_property
    def links(self) -> LinkMaker:
        """Signs and reads the links of this installation."""
        return LinkMaker(self.settings.publication.base_url, self.store.link_keys(self.now()))

    def renew_keys(self) -> None:
        """Signs and reads with the keys as they are now: the operator may have made or dropped one."""
        keys = self.store.link_keys(self.now())
        self.links.renew(keys)
        if self.return_paths:
            self.return_paths.renew(keys)

    def transport(self, relays: Relays | None = None) -> Transport:
        """A new way out for mails: over the relays, or files where none is configured.

        Args:
            relays: how they stand; without it all of them are asked.

        Raises:
            MailError: a relay cannot be used as it is configured.
        """
        smtp, given = self.settings.smtp, self.settings.smtp_relays
        if not given:
            kind = MaildirTransport if smtp.folder_format == "maildir" else FolderTransport
            return kind(self.settings.mail_folder)
        return Failover(
            [SmtpTransport(self._relay(one)) for one in given],
            relays or self._new_relays(connections=1),
            now=self.now,
        )

    @cached_property
    def relays(self) -> Relays:
        """How the relays stand, for all connections of this process."""
        return self._new_relays(self.settings.smtp.connections)

    @cached_property
    def pace(self) -> Pace:
        """When mails may leave, for all connections of this process."""
        given = self.settings.smtp
        usual = Limits(rate=given.domain_rate_per_second, connections=given.domain_connections)
        named = {
            name.lower(): Limits(rate=one.rate_per_second, connections=one.connections)
            for name, one in given.domains.items()
        }
        return Pace(rate=given.rate_per_second, usual=usual, domains=named, warm_up=self.warm_up())

    def office(self, *, stopping: Event, heard: Callable[[Delivery, Outcome], None]) -> Office:
        """What the connections of this process share; its notebook is closed in the end."""
        post = self.live_post
        settle_in()
        return Office(
            store=self.store,
            post=post,
            notebook=Notebook(self.store, now=self.now, folder=self._notes),
            pace=self.pace,
            now=self.now,
            stopping=stopping,
            heard=heard,
        )

    def take_over(self) -> None:
        """What a killed process knew of its mails is written down, before any is claimed."""
        if self._notes:
            ends = read_after_death(self.store, self._notes)
            self.returns.refused(list(filter(no_such_mailbox, ends)), now=self.now())

    def tokens(self, given: LoginSettings) -> TokenSource | None:
        """What opens a server in the place of a password; all connections to it share it.

        Raises:
            MailError: the settings of xoauth2 cannot be used.
        """
        if given.auth != "xoauth2":
            return None
        grant = Grant(
            token_url=given.token_url,
            client_id=given.client_id,
            client_secret=given.client_secret.get_secret_value(),
            refresh_token=given.refresh_token.get_secret_value(),
            scope=given.scope,
        )
        return self._token_sources.setdefault(grant, TokenSource(grant, now=self.now))

    @cached_property
    def signer(self) -> Signer | None:
        """Signs mails, where a key is configured.

        Raises:
            MailError: the key cannot be used.
        """
        given = self.settings.dkim
        if not given.domain:
            return None
        from newsletter.mail.dkim import Signer, read_key

        second = given.second_key_file
        return Signer(
            given.domain,
            given.selector,
            read_key(Path(given.key_file)),
            second_selector=given.second_selector if second else "",
            second_key=read_key(Path(second)) if second else b"",
        )

    @cached_property
    def return_paths(self) -> ReturnPaths | None:
        """Envelope senders that name their mail, where a mailbox for reports is configured."""
        address = self.settings.bounces.address
        return ReturnPaths(address, self.store.link_keys(self.now())) if address else None

    def report_box(self) -> ReportBox | None:
        """The mailbox of reports, or `None` where none is configured."""
        given = self.settings.bounces
        if given.maildir:
            return MaildirBox(Path(given.maildir))
        if not given.host:
            return None
        return ImapBox(
            ImapAccount(
                host=given.host,
                port=given.port,
                security=Security(given.security),
                username=given.username,
                password=given.password.get_secret_value(),
                tokens=self.tokens(given),
                folder=given.folder,
                processed=given.processed,
                ca_file=given.ca_file,
            )
        )

    @cached_property
    def returns(self) -> Returns:
        """What follows from what comes back."""
        publication = self.settings.publication
        # Reports without a return path of ours still name the mail by its Message-ID.
        fallback = ReturnPaths(f"b@{publication.from_address.rpartition('@')[2]}", [Key(1, "none")])
        return Returns(self.store, self.subscriptions, self.return_paths or fallback)

    @cached_property
    def encoder(self) -> Encoder | None:
        """What tells papers' meaning to the selection, where a model is configured.

        Raises:
            ConfigError: it cannot be used.
        """
        return encoder_for(self.settings.selection.model)

    def pool(self) -> Pool:
        """What picks are chosen from now; the bundled page while nothing is stored."""
        if self.has_papers:
            return self.look_back(self.settings.sources.days_back)
        scratch = self.scratch_store()
        self.record_bundled(scratch)
        return replace(look_back(scratch, days=1, encoder=self.encoder), sample=True)

    def look_back(self, days: int) -> Pool:
        """The stored papers of so many days; what is usual is measured anew only now and then."""
        pool = look_back(self.store, days=days, former=self._usual, encoder=self.encoder)
        self._usual = pool.background
        return pool

    def record_bundled(self, store: Store) -> Ingested:
        """Keeps the text page that ships with us: 111 papers, without votes, dates or authors."""
        from newsletter.sources.recognise import read_content

        page = (data_dir("config") / "demo" / "trending_page.txt").read_bytes()
        return record(store, read_content(page, source="bundled page"), now=self.now())

    @property
    def _notes(self) -> Path | None:
        """Where notebooks lie; a store that is gone with the process needs none."""
        is_lasting = self.settings.store_url != "sqlite://"
        return self.settings.state_dir / "notes" if is_lasting else None

    def _new_relays(self, connections: int) -> Relays:
        names = [f"{one.host}:{one.port}" for one in self.settings.smtp_relays]
        return Relays(names, now=self.now, connections=connections)

    def _relay(self, given: RelaySettings) -> Relay:
        return Relay(
            host=given.host,
            port=given.port,
            security=Security(given.security),
            username=given.username,
            password=given.password.get_secret_value(),
            tokens=self.tokens(given),
            timeout_seconds=self.settings.smtp.timeout_seconds,
            ca_file=given.ca_file,
            mails_per_connection=self.settings.smtp.mails_per_connection,
            window=self.settings.smtp.window,
        )

    def warm_up(self) -> WarmUp:
        """The warm-up as it stands now: what left today is counted."""
        given = self.settings.smtp
        if not given.warm_up or not given.warm_up_from:
            return WarmUp()
        today = self.now().astimezone(UTC).date()
        with self.store.register() as register:
            sent = register.outbox.sent_since(datetime.combine(today, time(), UTC))
        return WarmUp(given.warm_up, given.warm_up_from, sent_today=(today, sent))

    def _post(self, links: LinkMaker) -> Post:
        publication = self.settings.publication.value()
        limit = self.settings.mail.html_limit
        return Post(
            publication=publication,
            renderer=Renderer(self.template_dirs, publication, html_limit=limit),
            letters=Letterhead(self.template_dirs, publication),
            links=links,
            html_limit=limit,
            retries=self._retries(),
        )

    def _retries(self) -> Retries:
        given = self.settings.schedule
        return Retries(
            digest_waits=tuple(timedelta(minutes=m) for m in given.digest_retry_minutes),
            letter_waits=tuple(timedelta(minutes=m) for m in given.letter_retry_minutes),
            give_up_after=timedelta(hours=given.give_up_hours),
        )
