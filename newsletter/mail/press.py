"""Puts mails together from what was rendered and encoded once: the frame, the papers, and gaps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Lock
from typing import NoReturn, TypeVar, cast

from newsletter.links import DigestLinks
from newsletter.mail.blanks import Blanks, PeekError
from newsletter.mail.digest import why_phrases
from newsletter.mail.octets import Body
from newsletter.mail.sheets import Frame, HtmlSheets, Sheet, TextSheets
from newsletter.mail.stencils import Stencils
from newsletter.mail.templating import RENDERING_ERRORS, escape
from newsletter.mail.view import Card, MailView, card, framed, texts_for
from newsletter.mail.wording import shorten
from newsletter.model import Digest, Paper, Pick, Publication, Reason, Subscriber, Why

_SHELLS_KEPT = 512
_PLATES_KEPT = 4_096
_REASONS_KEPT = 8_192
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9._~:/-]+")

_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class _Shell:
    """What a mail has beside its papers, the same for all mails that differ in texts alone."""

    html: Frame
    text: Frame


@dataclass(frozen=True, slots=True)
class _Plate:
    """What each loop over the papers prints for one of them, at one place."""

    html: tuple[Sheet, ...]
    text: tuple[Sheet, ...]


class Press:
    """Makes both parts of a mail by joining octets; safe to use from several threads.

    What it makes is what the templates print: they were recorded with blanks (see `mail.blanks`) in
    place of all that belongs to one reader. Where that is impossible, every method raises
    `PeekError`, and the mail must be rendered as a whole.

    What is kept is bounded: 512 shells (one for each count of papers, chosen and chosen from), and
    4,096 plates (one for each paper at each place); some 40 MB at the most.
    """

    def __init__(self, html: Stencils, text: Stencils, publication: Publication) -> None:
        self._html = HtmlSheets(html)
        self._text = TextSheets(text)
        self._publication = publication
        self._lock = Lock()
        self._shells: dict[object, _Shell | None] = {}
        self._plates: dict[object, tuple[Paper, _Plate | None]] = {}
        self._told = lru_cache(maxsize=_REASONS_KEPT)(_told)

    def draft(self, digest: Digest, subscriber: Subscriber, links: DigestLinks) -> Draft:
        """A mail to be made, in one length or another."""
        home = links.maker.base_url
        if not _PLAIN_URL.fullmatch(home) or escape(home) != home:
            raise PeekError
        return Draft(
            press=self,
            digest=digest,
            texts=texts_for(digest, subscriber),
            links=links_of(links),
            told=[self._told(pick.reasons) for pick in digest.picks],
            votes=list(links.of_papers()),
        )

    def shell(self, digest: Digest, texts: Mapping[str, str], shown: int) -> _Shell:
        """Everything but the papers of a mail that shows so many of them."""
        given = tuple(map(bool, texts.values()))
        key = (digest.edition, digest.notes, digest.considered, len(digest.picks), shown, given)
        if key not in self._shells:
            with self._lock:
                shell = self._new_shell(digest, texts, shown)
                _keep(self._shells, key, shell, most=_SHELLS_KEPT)
        return _given(self._shells[key])

    def plate(self, pick: Pick, place: int, length: int, told: tuple[str, bool]) -> _Plate:
        """A paper at its place, with an abstract of that length."""
        paper, (why, surprise) = pick.paper, told
        figures = (pick.upvotes, pick.comments, pick.stars)
        # A page shows the same papers without pictures.
        key = (paper.id, place, length, figures, bool(why), surprise, bool(paper.thumbnail_url))
        kept, plate = self._plates.get(key, (None, None))
        # Papers are completed now and then.
        if kept is not paper and kept != paper:
            with self._lock:
                plate = self._new_plate(pick, place, length)
                _keep(self._plates, key, (paper, plate), most=_PLATES_KEPT)
        return _given(plate)

    def _new_shell(self, digest: Digest, texts: Mapping[str, str], shown: int) -> _Shell | None:
        def mail(blanks: Blanks) -> MailView:
            return framed(
                digest,
                self._publication,
                texts={name: blanks.raw(name, given=text) for name, text in texts.items()},
                cards=cast("tuple[Card, ...]", (_Unseen(),) * shown),
                links=cast(
                    "DigestLinks", _BlankLinks(**{name: blanks.raw(name) for name in _LINKS})
                ),
                hidden=len(digest.picks) - shown,
            )

        try:
            return _Shell(html=self._html.frame(mail), text=self._text.frame(mail))
        except (PeekError, *RENDERING_ERRORS):
            return None

    def _new_plate(self, pick: Pick, place: int, length: int) -> _Plate | None:
        known = card(pick, place, None)
        known = replace(known, abstract=shorten(known.abstract, length))

        def blank(blanks: Blanks) -> Card:
            return replace(
                known,
                why=blanks.raw("why", given=known.why),
                more_url=blanks.raw("more_url"),
                less_url=blanks.raw("less_url"),
                tune_url=blanks.raw("tune_url"),
            )

        try:
            return _Plate(html=self._html.cards(blank), text=self._text.cards(blank))
        except (PeekError, *RENDERING_ERRORS):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One mail, in any length.

    Attributes:
        texts, links: what the frame is filled with, by name.
        told: for each pick its reasons in words, and whether it is a surprise.
        votes: for each pick where to say more, less, and follow or mute.
    """

    press: Press
    digest: Digest
    texts: dict[str, str]
    links: dict[str, str]
    told: list[tuple[str, bool]]
    votes: list[tuple[str, ...]]

    def html(self, shown: int, length: int) -> Body:
        """The page with the first `shown` papers, abstracts cut to that many characters."""
        frame = self.press.shell(self.digest, self.texts, shown).html
        return Body(
            "7bit", self._joined(frame, [plate.html for plate in self._plates(shown, length)])
        )

    def text(self, shown: int, length: int) -> Body:
        """The text part with the same papers."""
        frame = self.press.shell(self.digest, self.texts, shown).text
        papers = [plate.text for plate in self._plates(shown, length)]
        return Body("quoted-printable", self._joined(frame, papers))

    def _plates(self, shown: int, length: int) -> list[_Plate]:
        picks = zip(self.digest.picks[:shown], self.told, strict=False)
        return [
            self.press.plate(pick, place, length, told)
            for place, (pick, told) in enumerate(picks, start=1)
        ]

    def _joined(self, frame: Frame, papers: list[tuple[Sheet, ...]]) -> bytes:
        around = self.texts | self.links
        octets = frame.sheets[0].filled(around)
        for loop, after in zip(frame.loops, frame.sheets[1:], strict=True):
            for sheets, (why, _), (more, less, tune) in zip(
                papers, self.told, self.votes, strict=False
            ):
                gaps = {"why": why, "more_url": more, "less_url": less, "tune_url": tune}
                octets += sheets[loop].filled(gaps)
            octets += after.filled(around)
        return b"".join(octets)


_LINKS = ("unsubscribe", "preferences", "pause", "view", "archive")


def links_of(links: DigestLinks) -> dict[str, str]:
    unsubscribe, preferences, pause = links.of_reader()
    return {
        "unsubscribe": unsubscribe,
        "preferences": preferences,
        "pause": pause,
        "view": links.view,
        "archive": links.archive,
    }


class _Unseen:
    """A paper outside of a loop over the papers: there every reader's are others."""

    def __getattr__(self, name: str) -> NoReturn:
        raise PeekError


@dataclass(frozen=True)
class _BlankLinks:
    """The links of a frame."""

    unsubscribe: str
    preferences: str
    pause: str
    view: str
    archive: str

    def __getattr__(self, name: str) -> NoReturn:
        raise PeekError


def _told(reasons: tuple[Reason, ...]) -> tuple[str, bool]:
    return why_phrases(reasons), any(reason.why is Why.SURPRISE for reason in reasons)


def _keep(shelf: dict[object, _Kept], key: object, value: _Kept, *, most: int) -> None:
    """The oldest makes room; what is in use comes back at once."""
    while len(shelf) >= most:
        del shelf[next(iter(shelf))]
    shelf[key] = value


def _given(kept: _Kept | None) -> _Kept:
    if kept is None:
        raise PeekError
    return kept
