"""How the JSON API says no: one shape (RFC 9457), written into the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from email.message import Message
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from newsletter.config import in_words
from newsletter.errors import harmless
from newsletter.web.answers import problem_json
from newsletter.web.guard import BodyError

_SHOWN = 20  # single mistakes told in one answer
_LONGEST_KEY = 80
_NOT_JSON = "Send JSON, with the header Content-Type: application/json."
_UNREADABLE = "The body cannot be read as JSON."
_PLAIN = {
    "extra_forbidden": "unknown key",
    "missing": "is needed",
    "model_attributes_type": "must be an object in braces",
}
# Said instead of the pattern that a text does not match.
_SHAPES = {"name": "must be one line", "send_at": "must be a local time such as 08:00"}
_WHEN = {
    404: "There is no such thing here.",
    408: "The body took more than three minutes to arrive.",
    413: "More than 6 MB were sent.",
    415: "Something else than JSON was sent.",
    422: "What was sent cannot be used; `problems` names every mistake.",
    429: "Too many requests; come back after as many seconds as `Retry-After` says.",
    503: "The database cannot be used at the moment.",
}
_RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds until it may work.",
        "schema": {"type": "integer", "minimum": 1},
    }
}


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: Annotated[str, Field(description="Always `about:blank`: the status says the kind.")]
    title: Annotated[str, Field(description="The name of the status.")]
    status: int
    detail: Annotated[str, Field(description="A sentence for the person who can mend it.")]
    problems: Annotated[
        list[str], Field(description="The single mistakes, each beginning with its key.")
    ] = []


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The declaration of these answers for one route."""
    return {status: _refusal(status) for status in statuses}


def _refusal(status: int) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    said: dict[str, Any] = {
        "description": _WHEN[status],
        "content": {"application/problem+json": {"schema": reference}},
    }
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        said["headers"] = _RETRY_AFTER
    return said


def complete(app: FastAPI, home: str) -> None:
    """Puts the shape of a refusal and our address into the OpenAPI document.

    Each time it is asked for: FastAPI makes a new one when a router joins later.
    """
    make = app.openapi

    def completed() -> dict[str, Any]:
        document = make()
        document["servers"] = [{"url": home}]
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas[Problem.__name__] = Problem.model_json_schema()
        return document

    app.openapi = completed  # type: ignore[method-assign]  # as FastAPI's own documentation does


class JsonRoute(APIRoute):
    """A route that takes nothing but JSON, and tells each mistake with its key."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with our refusals around it."""
        handle = super().get_route_handler()
        takes_body = self.body_field is not None

        async def handled(request: Request) -> Response:
            # A form of another site could send text/plain without asking first (CORS).
            if takes_body and not _is_json(request.headers.get("content-type", "")):
                return problem_json(415, _NOT_JSON)
            try:
                return await handle(request)
            except RequestValidationError as error:
                return _misasked(error.errors())
            except HTTPException as error:
                raise _meant(error) from error

        return handled


def _is_json(content_type: str) -> bool:
    read = Message()
    read["content-type"] = content_type
    kind = read.get_content_type()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


def _meant(error: HTTPException) -> Exception:
    """FastAPI says 400 to whatever happens while it reads a body: too deep, too long, no UTF-8."""
    if error.status_code != HTTPStatus.BAD_REQUEST:
        return error
    if isinstance(error.__cause__, BodyError):
        return error.__cause__
    return HTTPException(422, _UNREADABLE)


def _misasked(mistakes: Sequence[Any]) -> Response:
    said = [_sentence(mistake) for mistake in mistakes[:_SHOWN]]
    if len(mistakes) > _SHOWN:
        said.append(f"and {len(mistakes) - _SHOWN} more")
    return problem_json(422, "This cannot be used: " + "; ".join(said), said)


def _sentence(mistake: Any) -> str:
    if mistake["type"] == "json_invalid":
        return _UNREADABLE
    key = ".".join(map(_part, mistake["loc"][1:])) or "body"
    told = _PLAIN.get(mistake["type"]) or in_words(mistake)
    if mistake["type"] == "string_pattern_mismatch":
        told = _SHAPES.get(mistake["loc"][-1], told)
    return f"{key}: {told[:1].lower()}{told[1:]}"


def _part(part: object) -> str:
    return harmless(str(part)[:_LONGEST_KEY])
