"""Pre-flight: judges a finished mail by every rule that needs neither a server nor a signature."""

from __future__ import annotations

from newsletter.mail.lint_headers import HEADER_RULES
from newsletter.mail.lint_html import HTML_RULES
from newsletter.mail.lint_model import Check, open_mail
from newsletter.mail.lint_text import SHARED_RULES, TEXT_RULES

__all__ = ["Check", "check_mail"]


def check_mail(raw: bytes, *, dev: bool = False, html_limit: int = 90_000) -> tuple[Check, ...]:
    """Every rule with its outcome, in a fixed order; a text-only mail is spared the HTML rules.

    Args:
        dev: allow plain HTTP links to this machine, as the preview makes them.
        html_limit: most octets of the HTML part on the wire.
    """
    mail = open_mail(raw, dev=dev, html_limit=html_limit)
    rules = HEADER_RULES + TEXT_RULES
    if not mail.is_text_only:
        rules += HTML_RULES + SHARED_RULES
    checks = []
    for name, judge in rules:
        seen = judge(mail)
        checks.append(Check(rule=name, holds=not seen, seen=seen))
    return tuple(checks)
