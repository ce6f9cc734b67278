"""Renders a digest as HTML and text, and makes it small enough that no mailbox clips it."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from newsletter.errors import MailError, TemplateError
from newsletter.links import DigestLinks
from newsletter.mail.blanks.values import PeekError
from newsletter.mail.mjml.compile import compile_template
from newsletter.mail.octets import Body, html_body, text_body
from newsletter.mail.press import Press
from newsletter.mail.template_files import TemplateFiles
from newsletter.mail.templating import Templates
from newsletter.mail.view import MailView, mail_view
from newsletter.model import Digest, Publication, Subscriber

HTML_TEMPLATE = "digest.mjml.j2"
TEXT_TEMPLATE = "digest.txt.j2"
HTML_LIMIT = 90_000
"""Gmail clips at about 102,000 octets of source and drops the styles with the rest."""

_ABSTRACT_STEPS = (240, 200, 160, 120)
# Where papers must go anyway, stubs of abstracts would save one card in sixteen: not worth it.
_ABSTRACT_WHEN_CUT = 200


class Rendered(NamedTuple):
    """Both parts of a mail as they are sent.

    Attributes:
        html_octets: size of the HTML part on the wire.
        shown, hidden: papers in the mail, papers left for the web page.
        abstract_length: most characters of an abstract in this mail.
    """

    html_body: Body
    text_body: Body
    html_octets: int
    shown: int
    hidden: int
    abstract_length: int

    @property
    def html(self) -> str:
        """The page, read back from the octets: what is seen is what is sent."""
        return self.html_body.text

    @property
    def text(self) -> str:
        return self.text_body.text

    @property
    def is_dotless(self) -> bool:
        """Whether nobody needs to look for lines that begin with a dot."""
        return self.html_body.is_dotless and self.text_body.is_dotless


class Draft(Protocol):
    """A mail to be made, in one length or another."""

    def bodies(self, shown: int, length: int) -> tuple[Body, Body]:
        """Page and text with the first `shown` papers, abstracts cut to that many characters."""


class Renderer:
    """The mail templates of one publication, compiled once.

    Args:
        template_dirs: search path; the first directory that holds a file wins, so that an own
            directory can replace a single file. A subdirectory `mail` is looked at first.
        html_limit: most octets of the HTML part on the wire.

    Raises:
        TemplateError: a template is missing or broken.
    """

    def __init__(
        self,
        template_dirs: Sequence[Path],
        publication: Publication,
        *,
        html_limit: int = HTML_LIMIT,
    ) -> None:
        files = TemplateFiles(template_dirs)
        compiled = compile_template(files, HTML_TEMPLATE)
        templates = Templates(files, {HTML_TEMPLATE: compiled})
        self._html = templates.html(HTML_TEMPLATE)
        self._text = templates.text(TEXT_TEMPLATE)
        self._press = _press(templates, publication)
        self._publication = publication
        self._html_limit = html_limit

    def without_limit(self) -> Renderer:
        """The same templates for a page, which nothing clips."""
        whole = copy.copy(self)
        whole._html_limit = sys.maxsize  # noqa: SLF001 - a renderer too
        return whole

    def render(self, digest: Digest, subscriber: Subscriber, links: DigestLinks) -> Rendered:
        """Both parts of one mail, with the same papers in the same order.

        Above the size limit the abstracts shrink step by step; if that is not enough, the last
        papers are left to the web page.

        Raises:
            TemplateError: a template asks for something that does not exist.
            MailError: the mail is too large even without a single paper.
        """
        if self._press:
            # Not every template, and not every value, can be made a part of ready octets.
            with suppress(PeekError):
                return self._sized(self._press.draft(digest, subscriber, links), digest, subscriber)
        whole = mail_view(digest, subscriber, self._publication, links)
        return self._sized(_Whole(whole, self._html, self._text), digest, subscriber)

    def _sized(self, draft: Draft, digest: Digest, subscriber: Subscriber) -> Rendered:
        papers = len(digest.picks)
        wanted = max(subscriber.profile.abstract_length, 0)
        for length in (wanted, *(step for step in _ABSTRACT_STEPS if step < wanted)):
            rendered = _rendered(draft, papers, papers, length)
            if rendered.html_octets <= self._html_limit:
                return rendered
        return self._cut(draft, papers, min(wanted, _ABSTRACT_WHEN_CUT))

    def _cut(self, draft: Draft, papers: int, length: int) -> Rendered:
        """The most papers that fit, found by halving: size grows with every paper."""
        best = _rendered(draft, papers, 0, length)
        if best.html_octets > self._html_limit:
            raise MailError(
                f"the HTML part has {best.html_octets:,} octets without a single paper, "
                f"more than the limit of {self._html_limit:,}"
            )
        low, high = 0, papers
        while high - low > 1:
            middle = (low + high) // 2
            tried = _rendered(draft, papers, middle, length)
            if tried.html_octets <= self._html_limit:
                low, best = middle, tried
            else:
                high = middle
        return best


def _rendered(draft: Draft, papers: int, shown: int, length: int) -> Rendered:
    html, text = draft.bodies(shown, length)
    return Rendered(
        html_body=html,
        text_body=text,
        html_octets=html.size,
        shown=shown,
        hidden=papers - shown,
        abstract_length=length,
    )


@dataclass(frozen=True, slots=True)
class _Whole:
    """A mail that is rendered as a whole for its reader."""

    view: MailView
    render_html: Callable[..., str]
    render_text: Callable[..., str]

    def bodies(self, shown: int, length: int) -> tuple[Body, Body]:
        view = self.view.fitted(shown, length)
        return (
            html_body(self.render_html(mail=view).strip() + "\n"),
            text_body(self.render_text(mail=view)),
        )


def _press(templates: Templates, publication: Publication) -> Press | None:
    try:
        html, text = templates.html_stencils(HTML_TEMPLATE), templates.text_stencils(TEXT_TEMPLATE)
    except (PeekError, TemplateError):
        return None
    return Press(html, text, publication)
