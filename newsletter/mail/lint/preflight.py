"""Judges mails that are about to leave: the first of each kind, then a few, and all once one fails."""

from __future__ import annotations

from collections import Counter
from datetime import date
from threading import Lock

from newsletter.delivery import HELD_BACK, Delivery, Errand
from newsletter.errors import MailError
from newsletter.mail.lint import headers, html, letter, text
from newsletter.mail.lint.model import Rule, open_mail

_SECOND_LOOK = 1_000  # when papers that only some readers get have come up too
_EVERY = 10_000  # a look costs as much as five hundred mails
_HTTPS = {headers.list_unsubscribe, html.links}

# What has a mail bounced, clipped, or of no use to its reader. The other rules are about good looks
# and words in English, which are the operator's own business in templates of their own.
_GRAVE = {
    *(judge for _, judge in headers.HEADER_RULES),
    *(html.wire_size, html.leftovers, html.escape_leftovers, html.links),
    *(text.not_empty, text.leftovers),
    *(letter.single_headers, letter.no_list),
} - {headers.sender, headers.subject}

_Kind = tuple[Errand, date, bool]


class Preflight:
    """Holds back what would arrive broken; for many threads.

    Mails of one kind (errand, day, with or without HTML) come from the same templates, and digests
    of a day from much the same papers. So the 1st of a kind is judged, the 1,000th, and every 10,000th;
    once one of them fails, every mail of that kind is. None of a kind passes while its first is
    judged.

    Args:
        base_url: where links lead; if that is not https, links are not judged: the operator knows.
        html_limit: most octets of the HTML part on the wire.
    """

    def __init__(self, base_url: str, html_limit: int) -> None:
        self._excused = set() if base_url.startswith("https:") else _HTTPS
        self._html_limit = html_limit
        self._seen: Counter[_Kind] = Counter()
        self._suspect: set[_Kind] = set()
        self._lock = Lock()

    def check(self, raw: bytes, delivery: Delivery) -> None:
        """Lets a mail pass.

        Raises:
            MailError: it must not leave as it is; names the rules, and nothing of the mail.
        """
        has_html = raw.find(b"multipart/alternative", 0, raw.find(b"\r\n\r\n")) >= 0
        kind = (delivery.errand, delivery.created_at.date(), has_html)
        with self._lock:
            number = self._seen[kind] = self._seen[kind] + 1
            if not _is_looked_at(number) and kind not in self._suspect:
                return
            broken = self._broken(raw, _rules(delivery.errand, has_html=has_html))
            if broken:
                self._suspect.add(kind)
                raise MailError(HELD_BACK + "; ".join(broken))

    def _broken(self, raw: bytes, rules: tuple[Rule, ...]) -> list[str]:
        mail = open_mail(raw, dev=False, html_limit=self._html_limit)
        return [name for name, judge in rules if judge not in self._excused and judge(mail)]


def _is_looked_at(number: int) -> bool:
    return number in (1, _SECOND_LOOK) or number % _EVERY == 0


def _rules(errand: Errand, *, has_html: bool) -> tuple[Rule, ...]:
    known = letter.LETTER_RULES
    if errand is Errand.DIGEST:
        known = headers.HEADER_RULES + text.TEXT_RULES
        known += html.HTML_RULES if has_html else ()
    return tuple((name, judge) for name, judge in known if judge in _GRAVE)
