"""What the studio answers when something is wrong: one sentence, as JSON, with a fitting status."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from newsletter.errors import ConfigError, NewsletterError

_CHOICES = frozenset(("reader", "source", "edition"))


def problem(status: int, sentence: str, problems: Sequence[str] = ()) -> JSONResponse:
    """An answer that says what is wrong; `problems` are the single mistakes, when there are more."""
    content = {"error": {"sentence": sentence, "problems": list(problems)}}
    return JSONResponse(content, status_code=status)


def add_error_answers(app: FastAPI) -> None:
    """Turns every exception into such an answer."""
    app.add_exception_handler(NewsletterError, _foreseen)
    app.add_exception_handler(RequestValidationError, _misasked)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _unforeseen)


def _foreseen(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ConfigError):
        return problem(422, str(error))
    status = 404 if error.where in _CHOICES else 422
    return problem(status, str(error), error.problems if len(error.problems) > 1 else ())


def _misasked(_: Request, error: Exception) -> JSONResponse:
    mistakes = error.errors() if isinstance(error, RequestValidationError) else ()
    said = [f"{mistake['loc'][-1]}: {mistake['msg']}" for mistake in mistakes]
    return problem(422, "; ".join(said))


def _refused(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        return problem(500, str(error))
    return problem(error.status_code, error.detail)


def _unforeseen(_: Request, error: Exception) -> JSONResponse:
    """Says what happened; the server prints the whole story in the terminal."""
    name = type(error).__name__
    return problem(500, f"This was not foreseen: {name}: {error}. The terminal shows where.")
