"""Writes service letters: mails that answer a form, to one person, once; no part of the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from newsletter.errors import MailError
from newsletter.mail.mjml.compile import compile_template
from newsletter.mail.octets import html_body, text_body
from newsletter.mail.template_files import TemplateFiles
from newsletter.mail.templating import Templates
from newsletter.mail.wire import address, assemble, header_block, opening, uri
from newsletter.mail.wording import headline_cut, plain, tidy
from newsletter.model import Publication

HTML_TEMPLATE = "letter.mjml.j2"
TEXT_TEMPLATE = "letter.txt.j2"
SUBJECT_LIMIT = 60


class Letter(StrEnum):
    """The kinds of service letters."""

    CONFIRMATION = "confirmation"
    SETTINGS = "settings"


_SUBJECTS = {
    Letter.CONFIRMATION: "Confirm your subscription to {}",
    Letter.SETTINGS: "Your settings at {}",
}
_PREHEADERS = {
    Letter.CONFIRMATION: "The link works once, within 48 hours. If it was not you, do nothing.",
    Letter.SETTINGS: "Change what you read and how often, take a pause, or unsubscribe.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterView:
    """Everything the templates of a service letter may show, as `letter`.

    All of it is the publication's own, but for the address and the link: a form that anybody can
    fill in for anybody must not carry a stranger's words.

    Attributes:
        kind: `confirmation` or `settings`.
        brand, tagline, postal_address: of the publication.
        address: where the letter goes.
        link: the one place it leads to.
    """

    kind: Letter
    brand: str
    tagline: str
    postal_address: str
    subject: str
    preheader: str
    address: str
    link: str


class Letterhead:
    """The service letters of one publication, their templates compiled once.

    What a service letter carries in its head, and what it does not:

    - `Form-Sub: v=1` (registered with IANA, draft-levine-mailbomb-header-02 section 3; M3AAWG asks
      for it against list bombing) marks an answer to a web form, so that a mailbox buried in such
      mails can put them aside. The address the form was sent from may stand in it; we leave it out.
      A server that sees a flood answers with status X.7.28. To be covered by DKIM.
    - `Auto-Submitted: auto-generated` (RFC 3834), so that no vacation notice answers.
    - No List-Id, List-Unsubscribe or Feedback-ID: the letter goes to nobody's list, there is
      nothing to unsubscribe from yet, and Gmail asks for one-click only where there is
      (support.google.com/a/answer/15263077). What they must keep to: `lint.letter`.

    Args:
        template_dirs: search path, see `Renderer`.

    Raises:
        TemplateError: a template is missing or broken.
        MailError: the publication's name or addresses cannot stand in a header.
    """

    def __init__(self, template_dirs: Sequence[Path], publication: Publication) -> None:
        _refuse_line_breaks(publication)
        files = TemplateFiles(template_dirs)
        compiled = compile_template(files, HTML_TEMPLATE)
        templates = Templates(files, {HTML_TEMPLATE: compiled})
        self._html = templates.html(HTML_TEMPLATE)
        self._text = templates.text(TEXT_TEMPLATE)
        self._publication = publication

    def confirmation(self, *, to: str, link: str, letter_id: str, at: datetime) -> bytes:
        """The mail that asks whether somebody wants the digests, finished but unsigned.

        It says that the link lives 48 hours and works once, that doing nothing is enough, and that
        an address gets at most three of these: keeping that is the caller's.

        Args:
            letter_id: unique and opaque; the Message-ID is made of it.
            at: aware; becomes the Date.

        Raises:
            MailError: an argument cannot stand in a mail (line breaks, no address, no web link).
            TemplateError: a template asks for something that does not exist.
        """
        return self._letter(Letter.CONFIRMATION, to, link, letter_id, at)

    def settings(self, *, to: str, link: str, letter_id: str, at: datetime) -> bytes:
        """The way to one's settings: for a subscriber who filled in the form or lost the link.

        Arguments and errors as for `confirmation`.
        """
        return self._letter(Letter.SETTINGS, to, link, letter_id, at)

    def _letter(self, kind: Letter, to: str, link: str, letter_id: str, at: datetime) -> bytes:
        if at.tzinfo is None:
            raise MailError("the time of a letter must name its zone")
        view = self._view(kind, address(to), _web_link(link))
        headers = opening(
            self._publication, to=view.address, subject=view.subject, at=at, mail_id=letter_id
        )
        headers += header_block(
            [("Form-Sub", "v=1"), ("Auto-Submitted", "auto-generated"), ("MIME-Version", "1.0")]
        )
        page = self._html(letter=view).strip() + "\n"
        text = text_body(self._text(letter=view))
        return assemble(headers, text=text, html=html_body(page), mail_id=letter_id)

    def _view(self, kind: Letter, to: str, link: str) -> LetterView:
        publication = self._publication
        brand = plain(publication.name)
        frame = _SUBJECTS[kind]
        return LetterView(
            kind=kind,
            brand=brand,
            tagline=plain(publication.tagline),
            postal_address=plain(publication.postal_address),
            subject=frame.format(headline_cut(brand, SUBJECT_LIMIT - len(frame) + 2)),
            preheader=_PREHEADERS[kind],
            address=to,
            link=link,
        )


def _web_link(link: str) -> str:
    if not uri(link).startswith(("https://", "http://")):
        raise MailError("a letter needs a link that a browser can open")
    return link


def _refuse_line_breaks(publication: Publication) -> None:
    for name in (publication.name, publication.from_name):
        if any(ord(character) < 32 for character in name):
            raise MailError(f"the publication's name “{tidy(name)}” has a line break in it")
    address(publication.from_address)
    address(publication.reply_to or publication.from_address)
