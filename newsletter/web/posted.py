"""What was posted as plain values: a form with its file, or whatever a mail client sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from newsletter.web.doorman import Knock

_MOST_FIELDS = 400
_MOST_FILES = 2  # a browser sends an empty one where nothing was chosen
_LARGEST_FIELD = 5_500_000  # a pasted library; the whole body is limited by the guard
_MOST_TOLERATED = 50  # fields, and files, of what is never refused
_LONGEST_TOLERATED = 20_000  # characters of such a field
_BROKEN = "This form arrived broken; please send it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What a browser posted.

    Attributes:
        values: every value of every text field, in order.
        file: the content of the uploaded file; empty without one.
        client: the address it came from; empty where that is not known.
        fragment: the part of the page that a script asks for; else empty.
        one_click: a mail client's unsubscription (RFC 8058 section 3.1), in whatever encoding.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    file: bytes = b""
    client: str = ""
    fragment: str = ""
    one_click: bool = False

    def last(self, name: str) -> str:
        """The last value of a field; empty if it was not sent."""
        return self.values.get(name, ("",))[-1]

    @property
    def knock(self) -> Knock:
        """What the doorman asks to see of it."""
        return Knock(
            client=self.client,
            proof=self.last("proof"),
            stamp=self.last("stamp"),
            honeypot=self.last("website"),
        )


async def _read(request: Request) -> Posted:
    values: dict[str, list[str]] = {}
    file = b""
    try:
        async with request.form(
            max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=_LARGEST_FIELD
        ) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    file = await value.read() or file
                else:
                    values.setdefault(name, []).append(value)
    except ValueError:
        raise HTTPException(400, _BROKEN) from None
    return Posted(
        values={name: tuple(given) for name, given in values.items()},
        file=file,
        client=_client(request),
        fragment=request.headers.get("x-fragment", ""),
    )


async def _read_whatever(request: Request) -> Posted:
    body = await request.body()
    try:
        form = await request.form(max_fields=_MOST_TOLERATED, max_files=_MOST_TOLERATED)
        fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    except (HTTPException, ValueError):  # a broken form has no fields
        fields = []
    return Posted(
        values={name: (value[:_LONGEST_TOLERATED],) for name, value in fields},
        client=_client(request),
        one_click=b"list-unsubscribe" in body.lower(),
    )


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


PostedForm = Annotated[Posted, Depends(_read)]
"""A parameter of a handler: the form that was posted to it."""
PostedAnything = Annotated[Posted, Depends(_read_whatever)]
"""The same where nothing is ever refused; each field has its last value only, and no file is read."""
