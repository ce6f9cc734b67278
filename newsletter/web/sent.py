"""What a form or a mail client sent, whatever it is: text fields, and nothing ever refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

_MOST_FIELDS = 50
_LONGEST = 20_000  # characters of one field


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A body.

    Attributes:
        fields: the text fields, each the last one of its name; none for a body that is no form.
        one_click: a mail client's unsubscription (RFC 8058 section 3.1), in whatever encoding.
        client: the address it came from.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    one_click: bool = False
    client: str = ""

    def get(self, name: str) -> str:
        """What stands in a field; empty for none."""
        return self.fields.get(name, "")


async def _sent(request: Request) -> Sent:
    body = await request.body()
    return Sent(
        fields=await _fields(request),
        one_click=b"list-unsubscribe" in body.lower(),
        client=request.client.host if request.client else "",
    )


async def _fields(request: Request) -> dict[str, str]:
    try:
        form = await request.form(max_fields=_MOST_FIELDS, max_files=_MOST_FIELDS)
    except (HTTPException, ValueError):  # a broken form has no fields
        return {}
    return {n: v[:_LONGEST] for n, v in form.multi_items() if isinstance(v, str)}


Body = Annotated[Sent, Depends(_sent)]
"""A parameter of a handler: what was sent to it."""
