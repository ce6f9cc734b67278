"""Serves the site until Ctrl-C or SIGTERM, with the postman beside it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import uvicorn
from fastapi import FastAPI

from newsletter.app import App
from newsletter.config import load_topics
from newsletter.jobs import make_lookout
from newsletter.journal import Journal
from newsletter.postman import PostOffice
from newsletter.watchman import Lookout
from newsletter.web.build import build_site
from newsletter.web.doorman import Doorman, Rules
from newsletter.web.health import Health
from newsletter.web.pages import Pages
from newsletter.web.site import Chooser, Site

_LAST_ANSWERS_SECONDS = 5  # for those who are in the middle of a request when we stop


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
        doorman=Doorman(rules, app.links.secret("doorman"), now=app.now, alarm=alarm),
        chooser=Chooser(app.pool, now=app.now),
        pages=Pages(app.page_dirs, publication),
        mail_waits=mail_waits,
        now=app.now,
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
        self.post_office = PostOffice(
            app, lookout.journal, alarm=alarm, chores=[chore, self._renew]
        )
        self.site = make_site(app, mail_waits=self.post_office.wake, alarm=alarm)
        self._renewal = Renewal(app, self.site.chooser)
        served = make_pages(self.site, lookout, public_metrics=app.settings.operator.metrics_public)
        self._on_stopping = on_stopping
        self._server = _Server(_uvicorn(self.site, served), on_ready, self._end_begins)

    def run(self, listening: socket.socket) -> None:
        """Serves until Ctrl-C, SIGTERM or `stop`; the mail in hand is finished."""
        self.post_office.start()
        try:
            with contextlib.suppress(KeyboardInterrupt):  # it ended as it should
                self._server.run(sockets=[listening])
        finally:
            self.post_office.stop()

    def stop(self) -> None:
        """Ends `run` from another thread."""
        self._server.should_exit = True

    def _renew(self) -> None:
        self._renewal.go()

    def _end_begins(self) -> None:
        self.post_office.stop_soon()
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


class Renewal:
    """Looks for new keys, and for new papers to show."""

    def __init__(self, app: App, chooser: Chooser) -> None:
        self._app = app
        self._chooser = chooser
        self._last_look = app.store.last_look()

    def go(self) -> None:
        """Takes over what is new."""
        self._app.renew_keys()
        look = self._app.store.last_look()
        if look != self._last_look:
            self._chooser.refresh()
            self._last_look = look


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
        self._work: Coroutine[Any, Any, None] | None = None

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves to the end; where a signal comes before the first step, nothing is left behind."""
        try:
            super().run(sockets)
        finally:
            if self._work:
                self._work.close()  # else Python complains on standard error that it never began

    def serve(self, sockets: list[socket.socket] | None = None) -> Coroutine[Any, Any, None]:
        """What `run` runs."""
        self._work = super().serve(sockets)
        return self._work

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to answer."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers those who are in the middle of a request, and no others."""
        self._on_stopping()
        await super().shutdown(sockets)
