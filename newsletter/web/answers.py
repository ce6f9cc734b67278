"""What is answered when something is wrong: a page for people, problem+json for programs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from newsletter.errors import (
    AddressError,
    ConfigError,
    NewsletterError,
    StoreError,
    SubscriptionError,
    harmless,
)
from newsletter.web.bearers import LinkError
from newsletter.web.doorman import Judgement
from newsletter.web.guard import BodyError
from newsletter.web.pages import Pages
from newsletter.web.posted import Posted

API = "/api/"
_log = logging.getLogger(__name__)
_LOST = "There is no such page here. The address may have been cut in two by a mail program."
_NO_ADDRESS = "There is no such address; /api/v1/openapi.json names them all."
_STATUS: tuple[tuple[type[NewsletterError], int], ...] = (
    (AddressError, 422),
    (SubscriptionError, 409),
    (ConfigError, 422),
    (StoreError, 503),
)


def add_error_answers(app: FastAPI, pages: Pages) -> Callable[[Request, Exception], Response]:
    """Turns every exception into such an answer; returns the one for what nobody foresaw."""
    answers = _Answers(pages)
    app.add_exception_handler(NewsletterError, answers.foreseen)
    app.add_exception_handler(HTTPException, answers.refused)
    app.add_exception_handler(RequestValidationError, answers.misasked)
    app.add_exception_handler(BodyError, answers.unread)
    app.add_exception_handler(LinkError, answers.astray)
    return answers.unforeseen


def too_many(sent: Posted, judgement: Judgement, page: Callable[[], Response]) -> Response:
    """The answer to a preview too many: a sentence for a script, else the page, which stays whole."""
    status = HTTPStatus.TOO_MANY_REQUESTS
    answer = PlainTextResponse(judgement.sentence, status) if sent.fragment else page()
    answer.headers["retry-after"] = str(judgement.retry_after_seconds)
    return answer


class _Answers:
    """One method for each kind of exception."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def foreseen(self, request: Request, error: Exception) -> Response:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("%s: %s", type(error).__name__, harmless(str(error)))
            return self._answer(request, status, "This did not work; please try again in a moment.")
        problems = error.problems if isinstance(error, ConfigError) else ()
        return self._answer(request, status, str(error), problems)

    def refused(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            return self.unforeseen(request, error)
        if way := _way_on(request, error.status_code):
            return RedirectResponse(way, HTTPStatus.SEE_OTHER, {"cache-control": "no-store"})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            error.detail = f"{request.method} is not possible here."
            error.headers = {"allow": _allowed(request)}
        lost = _NO_ADDRESS if request.url.path.startswith(API) else _LOST
        detail = lost if error.detail == HTTPStatus(error.status_code).phrase else error.detail
        answered = self._answer(request, error.status_code, str(detail))
        answered.headers.update(error.headers or {})
        return answered

    def misasked(self, request: Request, error: Exception) -> Response:
        mistakes = error.errors() if isinstance(error, RequestValidationError) else ()
        said = [f"{mistake['loc'][-1]}: {mistake['msg']}" for mistake in mistakes]
        return self._answer(request, 422, "This cannot be used: " + "; ".join(said), said)

    def unforeseen(self, request: Request, error: Exception) -> Response:
        # The address of the page is not logged: it may hold a token.
        _log.error("not foreseen: %s", type(error).__name__, exc_info=error)
        return self._answer(request, 500, "This did not work, and it is our fault.")

    def unread(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, BodyError):
            return self.unforeseen(request, error)
        answered = self._answer(request, error.status, error.sentence)
        answered.headers["connection"] = "close"  # the rest of the body is in the way
        return answered

    def astray(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, LinkError):
            return self.unforeseen(request, error)
        return self._pages.problem(error.status, error.title, error.sentence)

    def _answer(
        self, request: Request, status: int, sentence: str, problems: Sequence[str] = ()
    ) -> Response:
        if request.url.path.startswith(API):
            return problem_json(status, sentence, problems)
        return self._pages.problem(status, HTTPStatus(status).phrase, sentence)


def _way_on(request: Request, status: int) -> str:
    """The page that is meant by an address without one; empty where none is.

    Who comes back by the address bar or a restored tab asks with GET for what only a button does:
    the page with that button. And some write a slash behind an address.
    """
    path = request.url.path
    if request.method not in ("GET", "HEAD") or path.startswith(API):
        return ""
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return path.rpartition("/")[0] or "/"
    is_lost = status == HTTPStatus.NOT_FOUND and path.endswith("/")
    return "/" + quote(path.strip("/")) if is_lost else ""  # one slash in front: never another host


def _allowed(request: Request) -> str:
    """Every method of this address (RFC 9110 10.2.1); Starlette names those of one route only."""
    asked = {method: {**request.scope, "method": method} for method in ("GET", "POST")}
    routes = request.app.routes
    methods = [
        method
        for method, scope in asked.items()
        if any(route.matches(scope)[0] is Match.FULL for route in routes)
    ]
    return ", ".join(methods).replace("GET", "GET, HEAD")  # see `Guard`


def problem_json(status: int, sentence: str, problems: Sequence[str] = ()) -> JSONResponse:
    """An answer as RFC 9457 describes it; `problems` are the single mistakes."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": sentence,
    }
    if problems:
        content["problems"] = list(problems)
    return JSONResponse(content, status, media_type="application/problem+json")
