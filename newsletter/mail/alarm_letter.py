"""Writes the mail that tells the operator what is wrong and what is over: plain text, no template.

It must leave when templates are broken too, so it uses none.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from newsletter.mail.octets import text_body
from newsletter.mail.wire import address, assemble, header_block, opening
from newsletter.model import Publication
from newsletter.watch import Alarm

_WIDTH = 76


def alarm_letter(
    publication: Publication,
    *,
    to: str,
    raised: Sequence[Alarm],
    cleared: Sequence[Alarm],
    at: datetime,
) -> bytes:
    """The finished mail, unsigned.

    Raises:
        MailError: an address cannot stand in a mail.
    """
    mail_id = _id((*raised, *cleared), at)
    subject = f"{publication.name}: {_subject(raised, cleared)}"
    headers = opening(publication, to=address(to), subject=subject, at=at, mail_id=mail_id)
    headers += header_block(
        [
            ("Auto-Submitted", "auto-generated"),  # RFC 3834: no vacation notice answers
            ("MIME-Version", "1.0"),
        ]
    )
    text = "\n".join(_lines(publication, raised, cleared))
    return assemble(headers, text=text_body(text), html=None, mail_id=mail_id)


def _subject(raised: Sequence[Alarm], cleared: Sequence[Alarm]) -> str:
    said = []
    if raised:
        said.append("alarm: " + ", ".join(alarm.name for alarm in raised))
    if cleared:
        said.append("over: " + ", ".join(alarm.name for alarm in cleared))
    return "; ".join(said)


def _lines(
    publication: Publication, raised: Sequence[Alarm], cleared: Sequence[Alarm]
) -> Iterator[str]:
    if raised:
        yield f"Something is wrong with {publication.name} ({publication.base_url}):"
        for alarm in raised:
            yield from ("", *_wrapped(f"{alarm.name}: {alarm.sentence}"))
            yield from _wrapped(f"What to do: {alarm.remedy}")
        yield ""
    if cleared:
        yield "This is over:"
        for alarm in cleared:
            yield from ("", *_wrapped(f"{alarm.name}. The alarm said: {alarm.sentence}"))
        yield ""
    yield from _wrapped(
        "You hear of an alarm once, and once more when it is over. `docs/operations.md` of "
        "newsletter explains each of them."
    )


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _id(alarms: Sequence[Alarm], at: datetime) -> str:
    names = hashlib.sha256("\n".join(alarm.name for alarm in alarms).encode()).hexdigest()
    return f"alarm-{at.astimezone(UTC):%Y%m%d%H%M%S}-{names[:12]}"
