"""Rules that a finished mail must keep, and which of them hold it back."""

from newsletter.mail.lint.judge import check_letter, check_mail
from newsletter.mail.lint.model import Check

__all__ = ["Check", "check_letter", "check_mail"]
