"""Serves the site until Ctrl-C or SIGTERM, with the postman beside it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from newsletter.app import App
from newsletter.config import load_topics
from newsletter.journal import Journal
from newsletter.mail.transport import Transport
from newsletter.pipeline import deliver_due
from newsletter.watchman import Lookout, rules_of
from newsletter.web.build import build_site
from newsletter.web.doorman import Doorman, Rules
from newsletter.web.health import Health
from newsletter.web.pages import Pages
from newsletter.web.postman import NotedTransport, Postman
from newsletter.web.site import Chooser, Site

_LAST_ANSWERS_SECONDS = 5  # for those who are in the middle of a request when we stop
_LAST_MAIL_SECONDS = 8
_MAILS_A_ROUND = 10  # few, so that little stays claimed when the process is killed


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
        each_round: called in every round of the postman.
    """

    def __init__(
        self,
        app: App,
        *,
        on_ready: Callable[[], None],
        alarm: Callable[[str, str], None],
        lookout: Lookout | None = None,
        on_stopping: Callable[[], None] = lambda: None,
        each_round: Callable[[], None] = lambda: None,
    ) -> None:
        lookout = lookout or make_lookout(app, Journal(app.now()), whole=False)
        self._transport = app.transport()
        self._postman = Postman(self._round)
        self._each_round = each_round
        noted = NotedTransport(
            self._transport,
            lookout.journal,
            now=app.now,
            may_go_on=lambda: not self._postman.is_stopping,
        )
        self.site = make_site(app, mail_waits=self._postman.wake, alarm=alarm)
        self._rounds = Rounds(app, noted, self.site.chooser)
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
                self._transport.close()

    def wake_postman(self) -> None:
        """There is mail."""
        self._postman.wake()

    def stop(self) -> None:
        """Ends `run` from another thread."""
        self._server.should_exit = True

    def _round(self) -> bool:
        self._each_round()
        return self._rounds.go()

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


class Rounds:
    """What the postman does: mail that is due, then a look for new keys and new papers to show."""

    def __init__(self, app: App, transport: Transport, chooser: Chooser) -> None:
        self._app = app
        self._transport = transport
        self._chooser = chooser
        self._last_look = app.store.last_look()

    def go(self) -> bool:
        """One round; true when there was mail, for more may wait."""
        app = self._app
        done = deliver_due(
            app.store, app.live_post, self._transport, now=app.now, most=_MAILS_A_ROUND
        )
        app.returns.refused(done.refused, now=app.now())
        app.links.renew(app.store.link_keys(app.now()))
        self._look_for_papers()
        return done.sent + done.deferred + done.failed + done.cancelled > 0

    def _look_for_papers(self) -> None:
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
