"""The composition root: the only place that builds adapters and reads the clock."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from threading import Event

from newsletter import __version__
from newsletter.config import Settings, data_dir
from newsletter.errors import SourceError
from newsletter.links import Key, LinkMaker
from newsletter.mail.dkim import Signer, read_key
from newsletter.mail.folder import FolderTransport
from newsletter.mail.letters import Letterhead
from newsletter.mail.mailboxes import ImapAccount, ImapBox, MaildirBox, ReportBox
from newsletter.mail.render import Renderer
from newsletter.mail.smtp import Relay, Security, SmtpTransport
from newsletter.mail.transport import Transport
from newsletter.mail.verp import ReturnPaths
from newsletter.pipeline import Pool, look_back, record
from newsletter.selection import Background
from newsletter.posting import Post
from newsletter.returns import Returns
from newsletter.sources.fetch import Fetcher, FetchRules
from newsletter.sources.ladder import Sources
from newsletter.sources.recognise import read_content
from newsletter.sources.spec import SourceKind, SourceSpec
from newsletter.sources.urls import host_of
from newsletter.store import Store, open_store
from newsletter.subscriptions import Subscriptions


def utc_now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


class App:
    """One installation, with everything built from its settings when first asked for.

    Args:
        now: the clock; tests give their own.
        sleep: how to wait between two tries of a server; by default until `stopping` is set.
        templates: a directory whose files replace single templates; overrides `paths.templates`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] | None = None,
        templates: Path | None = None,
    ) -> None:
        self.settings = settings
        self.now = now
        self.stopping = Event()
        self._usual: Background | None = None
        self._sleep = sleep or self._wait
        self._templates = templates or (
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
        given = self.settings.sources
        named = tuple(spec.place for spec in specs if spec.kind is SourceKind.URL)
        fetcher = Fetcher(
            self._fetch_rules(named),
            sleep=self._sleep,
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
    def template_dirs(self) -> tuple[Path, ...]:
        """Where mail templates are looked up, the operator's own first."""
        own = (self._templates,) if self._templates else ()
        return (*own, data_dir("templates") / "mail")

    @property
    def page_dirs(self) -> tuple[Path, ...]:
        """Where templates of pages are looked up, the operator's own first."""
        own = (self._templates / "web",) if self._templates else ()
        return (*own, data_dir("templates") / "web")

    def post(self, base_url: str) -> Post:
        """Templates compiled afresh; links lead to `base_url` and are good for nothing but a look."""
        return self._post(LinkMaker(base_url, [Key(1, secrets.token_hex(32))]))

    @cached_property
    def live_post(self) -> Post:
        """Templates compiled once; links that this installation honours."""
        post = self._post(self.links)
        return replace(post, signer=self.signer, return_paths=self.return_paths)

    @cached_property
    def links(self) -> LinkMaker:
        """Signs and reads the links of this installation."""
        keys = self.store.link_keys(self.now())
        return LinkMaker(self.settings.publication.base_url, keys)

    def transport(self) -> Transport:
        """A new way out for mails: the relay, or files where none is configured."""
        given = self.settings.smtp
        if not given.host:
            return FolderTransport(self.settings.state_dir / "outbox")
        return SmtpTransport(
            Relay(
                host=given.host,
                port=given.port,
                security=Security(given.security),
                username=given.username,
                password=given.password.get_secret_value(),
                timeout_seconds=given.timeout_seconds,
                ca_file=given.ca_file,
            )
        )

    @cached_property
    def signer(self) -> Signer | None:
        """Signs mails, where a key is configured.

        Raises:
            MailError: the key cannot be used.
        """
        given = self.settings.dkim
        if not given.domain:
            return None
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

    def pool(self) -> Pool:
        """What picks are chosen from now; the bundled page while nothing is stored."""
        if not self.has_papers:
            return self._sample_pool()
        return self.look_back(self.settings.sources.days_back)

    def look_back(self, days: int) -> Pool:
        """The stored papers of so many days; what is usual is measured anew only now and then."""
        pool = look_back(self.store, days=days, former=self._usual)
        self._usual = pool.background
        return pool

    def _sample_pool(self) -> Pool:
        scratch = self.scratch_store()
        page = data_dir("config") / "demo" / "trending_page.txt"
        listing = read_content(page.read_bytes(), source="bundled page")
        record(scratch, listing, now=self.now())
        return replace(look_back(scratch, days=1), sample=True)

    def _post(self, links: LinkMaker) -> Post:
        publication = self.settings.publication.value()
        limit = self.settings.mail.html_limit
        return Post(
            publication=publication,
            renderer=Renderer(self.template_dirs, publication, html_limit=limit),
            letters=Letterhead(self.template_dirs, publication),
            links=links,
            html_limit=limit,
        )

    def _fetch_rules(self, named: tuple[str, ...]) -> FetchRules:
        given = self.settings.sources
        return FetchRules(
            base_url=given.base_url,
            user_agent=self._user_agent(),
            timeout_seconds=given.timeout_seconds,
            max_bytes=given.max_bytes,
            attempts=given.attempts,
            longest_wait_seconds=given.longest_wait_seconds,
            obey_robots=given.obey_robots,
            allow_private=given.allow_private,
            hosts=(*given.extra_hosts, host_of(given.arxiv_url)),
            named=(given.base_url, given.arxiv_url, *named),
            proxy=given.proxy,
            ca_file=given.ca_file,
        )

    def _user_agent(self) -> str:
        given = self.settings.sources
        name = given.user_agent.replace("{version}", __version__)
        return f"{name} {given.contact}".strip()
