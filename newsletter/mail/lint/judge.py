"""Pre-flight: judges a finished mail by every rule that needs neither a server nor a signature."""

from __future__ import annotations

from collections.abc import Iterable

from newsletter.mail.lint.headers import HEADER_RULES
from newsletter.mail.lint.html import HTML_RULES
from newsletter.mail.lint.letter import LETTER_RULES
from newsletter.mail.lint.model import Check, Mail, Rule, open_mail
from newsletter.mail.lint.text import SHARED_RULES, TEXT_RULES

__all__ = ["Check", "check_letter", "check_mail"]

_HTML_LIMIT = 90_000


def check_mail(
    raw: bytes, *, dev: bool = False, html_limit: int = _HTML_LIMIT
) -> tuple[Check, ...]:
    """Every rule with its outcome, in a fixed order; a text-only mail is spared the HTML rules.

    Args:
        dev: allow plain HTTP links to this machine, as the preview makes them.
        html_limit: most octets of the HTML part on the wire.
    """
    mail = open_mail(raw, dev=dev, html_limit=html_limit)
    rules = HEADER_RULES + TEXT_RULES
    if not mail.is_text_only:
        rules += HTML_RULES + SHARED_RULES
    return _judged(mail, rules)


def check_letter(raw: bytes, *, dev: bool = False) -> tuple[Check, ...]:
    """The same for a service letter, which belongs to no list and holds a single link."""
    return _judged(open_mail(raw, dev=dev, html_limit=_HTML_LIMIT), LETTER_RULES)


def _judged(mail: Mail, rules: Iterable[Rule]) -> tuple[Check, ...]:
    checks = []
    for name, judge in rules:
        seen = judge(mail)
        checks.append(Check(rule=name, holds=not seen, seen=seen))
    return tuple(checks)
