"""A posted form as plain values, with every value of a field and the uploaded file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

_MOST_FIELDS = 400
_MOST_FILES = 2  # a browser sends an empty one where nothing was chosen
_LARGEST_FIELD = 5_500_000  # a pasted library; the whole body is limited by the guard
_BROKEN = "This form arrived broken; please send it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What a browser posted.

    Attributes:
        values: every value of every text field, in order.
        file: the content of the uploaded file; empty without one.
        client: the address it came from; empty where that is not known.
        fragment: the part of the page that a script asks for; else empty.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    file: bytes = b""
    client: str = ""
    fragment: str = ""

    def last(self, name: str) -> str:
        """The last value of a field; empty if it was not sent."""
        return self.values.get(name, ("",))[-1]


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
        client=request.client.host if request.client else "",
        fragment=request.headers.get("x-fragment", ""),
    )


PostedForm = Annotated[Posted, Depends(_read)]
"""A parameter of a handler: the form that was posted to it."""
