"""Renders a digest as HTML and text, and makes it small enough that no mailbox clips it."""

from __future__ import annotations

import copy
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from newsletter.errors import MailError
from newsletter.links import DigestLinks
from newsletter.mail.mjml_compile import compile_template
from newsletter.mail.template_files import TemplateFiles
from newsletter.mail.templating import Templates
from newsletter.mail.view import MailView, mail_view
from newsletter.mail.wire import quoted_printable
from newsletter.model import Digest, Publication, Subscriber

HTML_TEMPLATE = "digest.mjml.j2"
TEXT_TEMPLATE = "digest.txt.j2"
HTML_LIMIT = 90_000
"""Gmail clips at about 102,000 octets of source and drops the styles with the rest."""

_ABSTRACT_STEPS = (240, 200, 160, 120)
# Where papers must go anyway, stubs of abstracts would save one card in sixteen: not worth it.
_ABSTRACT_WHEN_CUT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Both parts of a mail.

    Attributes:
        shown, hidden: papers in the mail, papers left for the web page.
        abstract_length: most characters of an abstract in this mail.
        html_octets: size of the HTML part on the wire, quoted-printable.
    """

    html: str
    text: str
    shown: int
    hidden: int
    abstract_length: int
    html_octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    html: str
    octets: int


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
        whole = mail_view(digest, subscriber, self._publication, links)
        wanted = max(subscriber.profile.abstract_length, 0)
        lengths = [wanted, *(step for step in _ABSTRACT_STEPS if step < wanted)]
        for length in lengths:
            view = whole.fitted(len(digest.picks), length)
            page = self._page(view)
            if page.octets <= self._html_limit:
                break
        else:
            length = min(wanted, _ABSTRACT_WHEN_CUT)
            view, page = self._cut(whole, length)
        return Rendered(
            html=page.html,
            text=self._text(mail=view),
            shown=len(view.cards),
            hidden=view.hidden,
            abstract_length=length,
            html_octets=page.octets,
        )

    def _cut(self, whole: MailView, length: int) -> tuple[MailView, _Page]:
        """The most papers that fit, found by halving: size grows with every paper."""
        frame = whole.fitted(0, length)
        best = (frame, self._page(frame))
        if best[1].octets > self._html_limit:
            raise MailError(
                f"the HTML part has {best[1].octets:,} octets without a single paper, "
                f"more than the limit of {self._html_limit:,}"
            )
        low, high = 0, len(whole.cards)
        while high - low > 1:
            middle = (low + high) // 2
            view = whole.fitted(middle, length)
            page = self._page(view)
            if page.octets <= self._html_limit:
                low, best = middle, (view, page)
            else:
                high = middle
        return best

    def _page(self, view: MailView) -> _Page:
        page = self._html(mail=view).strip() + "\n"
        return _Page(html=page, octets=len(quoted_printable(page)))
