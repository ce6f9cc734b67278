"""Serves the site until Ctrl-C or SIGTERM, with the postman beside it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from threading import Event

import uvicorn
from fastapi import FastAPI

from newsletter.app import App
from newsletter.carrying import Carrier
from newsletter.config import load_topics
from newsletter.errors import StoreError
from newsletter.journal import Journal
from newsletter.watchman import Lookout, rules_of
from newsletter.web.build import build_site
from newsletter.web.doorman import Doorman, Rules
from newsletter.web.health import Health
from newsletter.web.pages import Pages
from newsletter.web.postman import Postman, listener
from newsletter.web.site import Chooser, Site

_LAST_ANSWERS_SECONDS = 5  # for those who are in the middle of a request when we stop
_LAST_MAIL_SECONDS = 8
_SHORTEST_PAUSE = 0.05  # seconds; mails that become due within it are claimed together
_LONGEST_PAUSE = 5.0


def make_site(
    app: App, *, mail_waits: Callable[[], None], alarm: Callable[[str, str], None]
) -> Site:
    """The site of an installation."""
    given = app.settings.web
    publication = app.settings.publication.value()
    rules = Rules(
        mails_per_hour=given.mails_per_hour,
        signups_per_hour=given.signups_per_hour,
        signups_per_day=given.signups_per_day,
        unproven_together_per_hour=given.unproven_per_hour,
        previews_per_minute=given.previews_per_minute,
    )
    return Site(
        publication=publication,
        settings=given,
        topics=load_topics(),
        store=app.store,
        subscriptions=app.subscriptions,
        links=app.links,
        post=app.live_post,
        doorman=Doorman(rules, app.links.token("doorman"), now=app.now, alarm=alarm),
        chooser=Chooser(app.pool, now=app.now),
        pages=Pages(app.page_dirs, publication),
        mail_waits=mail_waits,
        now=app.now,
    )


def make_lookout(app: App, journal: Journal, *, whole: bool) -> Lookout:
    """What gathers the facts of an installation; `whole` as in `newsletter.watch.Facts`."""
    return Lookout(
        app.store,
        journal,
        rules_of(app.settings),
        now=app.now,
        place=app.settings.state_dir,
        relays=lambda: app.relays.standings,
        whole=whole,
    )


def make_pages(site: Site, lookout: Lookout, *, public_metrics: bool) -> FastAPI:
    """The site with its answers for machines beside the pages."""
    served = build_site(site)
    served.include_router(Health(lookout, public=public_metrics).router)
    return served


class SiteServer:
    """The pages on a socket, and the postman beside them.

    Args:
        on_ready: called once the pages answer.
        alarm: hears a name and a sentence when the operator should know something.
        lookout: whose facts and journal are used; without one, its own.
        on_stopping: called when the end begins, before the last requests are answered.
        chore: done every few seconds beside the mail.

    Raises:
        MailError: a relay cannot be used as it is configured.
    """

    def __init__(
        self,
        app: App,
        *,
        on_ready: Callable[[], None],
        alarm: Callable[[str, str], None],
        lookout: Lookout | None = None,
        on_stopping: Callable[[], None] = lambda: None,
        chore: Callable[[], None] = lambda: None,
    ) -> None:
        lookout = lookout or make_lookout(app, Journal(app.now()), whole=False)
        stopping = Event()
        self._office = app.office(stopping=stopping, heard=listener(lookout.journal, app.now))
        count = app.settings.smtp.connections if app.settings.smtp.host else 1
        self._transports = [app.transport(app.relays) for _ in range(count)]
        self._rounds = [
            Round(app, Carrier(self._office, transport), alarm) for transport in self._transports
        ]
        self._postman = Postman(
            [self._chores, *(one.go for one in self._rounds)],
            stopping=stopping,
            pause_seconds=_LONGEST_PAUSE,
        )
        self._chore = chore
        self.site = make_site(app, mail_waits=self._postman.wake, alarm=alarm)
        self._renewal = Renewal(app, self.site.chooser)
        served = make_pages(self.site, lookout, public_metrics=app.settings.operator.metrics_public)
        self._on_stopping = on_stopping
        self._server = _Server(_uvicorn(self.site, served), on_ready, self._end_begins)

    def run(self, listening: socket.socket) -> None:
        """Serves until Ctrl-C, SIGTERM or `stop`; the mail in hand is finished."""
        self._postman.start()
        try:
            with contextlib.suppress(KeyboardInterrupt):  # it ended as it should
                self._server.run(sockets=[listening])
        finally:
            # A mail that hangs keeps its connection; both end with the process.
            if self._postman.stop(seconds=_LAST_MAIL_SECONDS):
                for transport in self._transports:
                    transport.close()
                with contextlib.suppress(StoreError):  # its files wait for the next start
                    self._office.notebook.close()

    def wake_postman(self) -> None:
        """There is mail."""
        self._postman.wake()

    def stop(self) -> None:
        """Ends `run` from another thread."""
        self._server.should_exit = True

    def _chores(self) -> float:
        self._chore()
        self._renewal.go()
        return _LONGEST_PAUSE

    def _end_begins(self) -> None:
        self._postman.stop_soon()
        self._on_stopping()


def _uvicorn(site: Site, served: FastAPI) -> uvicorn.Config:
    proxies = list(site.settings.trusted_proxies)
    return uvicorn.Config(
        served,
        log_config=None,  # its records go where all others go (newsletter.logs)
        log_level=None,
        access_log=False,  # the paths hold signed tokens
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
    )


class Round:
    """What one connection does again and again: mail that is due, and what follows from it."""

    def __init__(self, app: App, carrier: Carrier, alarm: Callable[[str, str], None]) -> None:
        self._app = app
        self._carrier = carrier
        self._alarm = alarm

    def go(self) -> float:
        """One round; answers in how many seconds there is something to do again."""
        app = self._app
        done = self._carrier.round()
        app.returns.refused(done.refused, now=app.now())
        if done.crowded_out:
            self._alarm(
                "pace",
                "Mails were given up, because the pace of [smtp] left no room for them in time.",
            )
        return 0.0 if done.claimed else self._pause()

    def _pause(self) -> float:
        at = self._carrier.free_at()
        seconds = (at - self._app.now()).total_seconds() if at else _LONGEST_PAUSE
        return max(seconds, _SHORTEST_PAUSE)


class Renewal:
    """Looks for new keys, and for new papers to show."""

    def __init__(self, app: App, chooser: Chooser) -> None:
        self._app = app
        self._chooser = chooser
        self._last_look = app.store.last_look()

    def go(self) -> None:
        """Takes over what is new."""
        self._app.links.renew(self._app.store.link_keys(self._app.now()))
        look = self._app.store.last_look()
        if look != self._last_look:
            self._last_look = look
            self._chooser.refresh()


class _Server(uvicorn.Server):
    """uvicorn, which says when it answers and when it begins to end."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[], None],
        on_stopping: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stopping = on_stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to answer."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers those who are in the middle of a request, and no others."""
        self._on_stopping()
        await super().shutdown(sockets)
