"""Puts the site together: every page, what is answered when something is wrong, strict headers."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse, Response

from newsletter import __version__
from newsletter.web.answers import add_error_answers
from newsletter.web.api.routes import Api
from newsletter.web.archive import Archive
from newsletter.web.confirming import Confirming
from newsletter.web.guard import Guard
from newsletter.web.leaving import Leaving
from newsletter.web.preferences import Preferences
from newsletter.web.signup import SignUp
from newsletter.web.site import Site
from newsletter.web.views import Views
from newsletter.web.votes import Votes


def build_site(site: Site) -> FastAPI:
    """The whole site as one application."""
    app = FastAPI(
        title=site.publication.name,
        version=__version__,
        description="Trending papers chosen for what you work on.",
        redirect_slashes=False,  # a token is right or not; nothing is made of a nearly right one
        openapi_url="/api/v1/openapi.json",
        # the interactive documentation would load scripts from elsewhere
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(_assets(site))
    for part in (SignUp, Confirming, Leaving, Preferences, Votes, Views, Archive):
        app.include_router(part(site).router, include_in_schema=False)
    Api(site).join(app)
    on_error = add_error_answers(app, site.pages)
    hsts = site.settings.hsts_seconds if site.is_https else 0
    app.add_middleware(Guard, on_error=on_error, hsts_seconds=hsts)
    return app


def _assets(site: Site) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    def asset(digest: str, name: str) -> Response:
        return site.pages.asset(name, digest) or PlainTextResponse("There is no such file.", 404)

    def alive() -> PlainTextResponse:
        return PlainTextResponse("ok")

    router.add_api_route("/assets/{digest}/{name}", asset)
    router.add_api_route("/healthz", alive)
    return router
