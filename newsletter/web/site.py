"""What every page of one installation works with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from newsletter.config import Topic
from newsletter.config.settings import WebSettings
from newsletter.links import LinkMaker
from newsletter.model import Profile, Publication
from newsletter.pipeline import Pool
from newsletter.posting import Post
from newsletter.selection import Ranking, rank
from newsletter.store import Store
from newsletter.subscriptions import Subscriptions
from newsletter.web.doorman import Doorman
from newsletter.web.pages import Pages

_KEPT = 128
_LARGE = 100  # liked papers; with more, a ranking is not kept


class Chooser:
    """Picks for profiles out of the present pool; the same question is answered from memory.

    Choosing takes a good part of a second of one core, so one is made at a time.
    """

    def __init__(self, make_pool: Callable[[], Pool], *, now: Callable[[], datetime]) -> None:
        self._make_pool = make_pool
        self._now = now
        self._lock = Lock()
        self._pool: Pool | None = None
        self._kept: OrderedDict[Profile, Ranking] = OrderedDict()

    @property
    def pool(self) -> Pool:
        """The papers of the last days; read when first asked for."""
        with self._lock:
            return self._present()

    def refresh(self) -> None:
        """Reads the pool again; pages are answered from the former one meanwhile."""
        pool = self._make_pool()
        with self._lock:
            self._pool = pool
            self._kept.clear()

    def ranking(self, profile: Profile) -> Ranking:
        """Every paper of the pool as this profile judges it; nothing counts as sent before."""
        with self._lock:
            known = self._kept.get(profile)
            if known is None:
                pool = self._present()
                known = rank(profile, pool.candidates, background=pool.background, now=self._now())
                if len(profile.liked) > _LARGE:
                    return known
                self._kept[profile] = known
            self._kept.move_to_end(profile)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return known

    def _present(self) -> Pool:
        if self._pool is None:
            self._pool = self._make_pool()
        return self._pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One installation as its pages see it.

    Attributes:
        post: makes mails; its `renderer` also makes the page of a digest.
        mail_waits: called when a mail was queued, so that it leaves at once.
        now: the clock.
    """

    publication: Publication
    settings: WebSettings
    topics: tuple[Topic, ...]
    store: Store
    subscriptions: Subscriptions
    links: LinkMaker
    post: Post
    doorman: Doorman
    chooser: Chooser
    pages: Pages
    mail_waits: Callable[[], None]
    now: Callable[[], datetime]

    @property
    def is_https(self) -> bool:
        """Whether readers reach us by TLS."""
        return self.publication.base_url.startswith("https://")
