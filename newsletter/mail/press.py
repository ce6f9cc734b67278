"""Puts mails together from what was rendered and encoded once: the frame, the papers, and gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Lock
from typing import NamedTuple, NoReturn, TypeVar, cast

from newsletter.links import DigestLinks, Way, chosen
from newsletter.mail.blanks.gaps import TOKEN_LIMIT, Fillers, Frame, Octets, Shared, Sheet
from newsletter.mail.blanks.sheets import HtmlSheets, TextSheets
from newsletter.mail.blanks.stencils import Stencils
from newsletter.mail.blanks.values import Blanks, PeekError
from newsletter.mail.digest import why_phrases
from newsletter.mail.octets import Body
from newsletter.mail.templating import RENDERING_ERRORS
from newsletter.mail.view import Card, MailView, card, framed, texts_for
from newsletter.mail.wording import shorten
from newsletter.model import Digest, Paper, Pick, Publication, Reason, Subscriber, Why

_SHELLS_KEPT = 512
_PLATES_KEPT = 4_096
_REASONS_KEPT = 8_192
_SHARED_KEPT = 64  # what fills one paper as another, and the latest papers' own

_Key = TypeVar("_Key")
_Kept = TypeVar("_Kept")


class _Shell(NamedTuple):
    """What a mail has beside its papers, the same for all mails that differ in texts alone.

    Attributes:
        fillers: of all gaps.
        is_even: whether page and text are bodies as `Body.is_even` means it.
    """

    html: Frame
    text: Frame
    fillers: Fillers
    is_even: bool


class _Plate(NamedTuple):
    """What each loop over the papers prints for one of them; see `_Shell`."""

    html: tuple[Sheet, ...]
    text: tuple[Sheet, ...]
    fillers: Fillers
    is_even: bool


class _Told(NamedTuple):
    """The reasons for a pick: in words, and what of them a template may ask for.

    Attributes:
        kind: whether there are any, and whether it is a surprise.
    """

    why: str
    kind: tuple[bool, bool]


_NO_PLATE = (None, None)
_Figures = tuple[int | None, int | None, int | None]
_PlateKey = tuple[str, int, int, _Figures, tuple[bool, bool], bool, str]


class Press:
    """Makes both parts of a mail by joining octets; safe to use from several threads.

    What it makes is what the templates print: they were recorded with blanks (see `mail.blanks`) in
    place of all that belongs to one reader. Where that is impossible, every method raises
    `PeekError`, and the mail must be rendered as a whole.

    What is kept is bounded: 512 shells (one for each count of papers, chosen and chosen from), and
    4,096 plates (one for each paper, and for each place of it where a template asks which that is);
    some 30 MB.
    """

    def __init__(self, html: Stencils, text: Stencils, publication: Publication) -> None:
        self._html = HtmlSheets(html)
        self._text = TextSheets(text)
        self._publication = publication
        self._lock = Lock()
        self._shells: dict[object, _Shell | None] = {}
        self._plates: dict[_PlateKey, tuple[Paper, _Plate | None]] = {}
        self._told: dict[int, tuple[tuple[Reason, ...], _Told]] = {}
        self._told_anew = lru_cache(maxsize=_REASONS_KEPT)(_told)
        self._shared = lru_cache(maxsize=_SHARED_KEPT)(Shared)
        self._ranked = False  # whether a paper looks otherwise at another place

    @property
    def has_even_texts(self) -> bool:
        """Whether nothing that ever filled a gap in a text spoiled what `Body.is_even` says."""
        return self._text.has_even_gaps

    def draft(self, digest: Digest, subscriber: Subscriber, links: DigestLinks) -> Draft:
        """A mail to be made, in one length or another."""
        tokens = links.tokens
        if max(map(len, tokens.values())) > TOKEN_LIMIT:
            raise PeekError
        texts = texts_for(digest, subscriber)
        return Draft(
            press=self,
            digest=digest,
            texts=texts,
            values={**texts, **tokens},
            links=links,
            octets={name: token.encode() for name, token in tokens.items()},
        )

    def shell(self, draft: Draft, shown: int) -> _Shell:
        """Everything but the papers of a mail that shows so many of them."""
        digest, links = draft.digest, draft.links
        given = tuple(map(bool, draft.texts.values()))
        around = (digest.edition, digest.notes, digest.considered, len(digest.picks), shown)
        key = (around, given, links.maker.base_url, digest.list_day)
        if key not in self._shells:
            with self._lock:
                _keep(self._shells, key, self._new_shell(draft, shown), most=_SHELLS_KEPT)
        return _given(self._shells[key])

    def plate(self, pick: Pick, rank: int, length: int, home: str) -> tuple[_Plate, str]:
        """A paper with an abstract of that length, and why it is there."""
        found = self._told.get(id(pick.reasons))
        told = found[1] if found else self._told_of(pick.reasons)
        paper, place = pick.paper, rank if self._ranked else 0
        figures = (pick.upvotes, pick.comments, pick.stars)
        # A page shows the same papers without pictures.
        key = (paper.id, place, length, figures, told.kind, bool(paper.thumbnail_url), home)
        kept, plate = self._plates.get(key, _NO_PLATE)
        if kept is not paper:
            plate = self._renewed(key, kept, plate, pick)
        if plate is None:
            if place:
                raise PeekError
            self._ranked = True  # a template asks at which place the paper stands
            return self.plate(pick, rank, length, home)
        return plate, told.why

    def _told_of(self, reasons: tuple[Reason, ...]) -> _Told:
        """Readers share reasons as objects, which are found sooner than what is in them.

        They are kept with what was made of them, so that no other can have their place.
        """
        if len(self._told) >= _REASONS_KEPT:
            self._told = {}
        told = self._told_anew(reasons)
        self._told[id(reasons)] = (reasons, told)
        return told

    def _renewed(
        self, key: _PlateKey, kept: Paper | None, plate: _Plate | None, pick: Pick
    ) -> _Plate | None:
        if kept == pick.paper:  # read anew since
            self._plates[key] = (pick.paper, plate)
            return plate
        _, place, length, *_, home = key
        with self._lock:  # papers are completed now and then
            made = self._new_plate(pick, place, length, home)
            _keep(self._plates, key, (pick.paper, made), most=_PLATES_KEPT)
        return made

    def _new_shell(self, draft: Draft, shown: int) -> _Shell | None:
        def mail(blanks: Blanks) -> MailView:
            return framed(
                draft.digest,
                self._publication,
                texts={name: blanks.raw(name, given=text) for name, text in draft.texts.items()},
                cards=cast("tuple[Card, ...]", (_Unseen(),) * shown),
                links=cast("DigestLinks", _BlankLinks.of(draft.links, blanks)),
                hidden=len(draft.digest.picks) - shown,
            )

        try:
            html, text = self._html.frame(mail), self._text.frame(mail)
        except (PeekError, *RENDERING_ERRORS):
            return None
        return _Shell(html, text, *self._summary((*html.sheets, *text.sheets)))

    def _new_plate(self, pick: Pick, place: int, length: int, home: str) -> _Plate | None:
        known = card(pick, place, None)
        known = replace(known, abstract=shorten(known.abstract, length))

        def blank(blanks: Blanks) -> Card:
            def url(way: Way) -> str:
                return f"{home}/{way}/{blanks.token(way)}{chosen(pick.paper.id)}"

            return replace(
                known,
                rank=place or cast("int", blanks.raw("rank")),
                why=blanks.raw("why", given=known.why),
                more_url=url(Way.MORE),
                less_url=url(Way.LESS),
                tune_url=url(Way.TUNE),
            )

        try:
            html, text = self._html.cards(blank), self._text.cards(blank)
        except (PeekError, *RENDERING_ERRORS):
            return None
        return _Plate(html, text, *self._summary((*html, *text)))

    def _summary(self, sheets: Sequence[Sheet]) -> tuple[Fillers, bool]:
        """The fillers of all gaps, and whether all are even."""
        return Fillers.of(sheets, self._shared), all(sheet.is_even for sheet in sheets)


class Draft(NamedTuple):
    """One mail, in any length.

    Attributes:
        texts: what belongs to the reader, by name.
        values: texts and tokens, to fill gaps with.
        octets: what fills gaps, that of the tokens at first.
    """

    press: Press
    digest: Digest
    texts: dict[str, str]
    values: dict[str, str | int]
    links: DigestLinks
    octets: Octets

    def bodies(self, shown: int, length: int) -> tuple[Body, Body]:
        """Page and text with the first `shown` papers, abstracts cut to that many characters."""
        press, values, octets = self.press, self.values, self.octets
        home = self.links.maker.base_url
        shell = press.shell(self, shown)
        html, text, is_even = [], [], shell.is_even
        for rank, pick in enumerate(self.digest.picks[:shown], start=1):
            plate, values["why"] = press.plate(pick, rank, length, home)
            values["rank"] = rank
            plate.fillers.fill(values, octets)
            html.append([sheet.filled(octets) for sheet in plate.html])
            text.append([sheet.filled(octets) for sheet in plate.text])
            is_even = is_even and plate.is_even
        shell.fillers.fill(values, octets)
        page, paragraphs = _joined(shell.html, html, octets), _joined(shell.text, text, octets)
        is_even_text = is_even and press.has_even_texts
        return (
            Body("7bit", page, is_dotless=True, is_even=is_even),
            Body("quoted-printable", paragraphs, is_dotless=True, is_even=is_even_text),
        )


def _joined(frame: Frame, papers: list[list[bytes]], octets: Octets) -> list[bytes]:
    """The frame around what each of its loops prints for each paper."""
    first, *rest = (sheet.filled(octets) for sheet in frame.sheets)
    parts = [first]
    for loop, after in zip(frame.loops, rest, strict=True):
        parts += [paper[loop] for paper in papers]
        parts.append(after)
    return parts


class _Unseen:
    """A paper outside of a loop over the papers: there every reader's are others."""

    def __getattr__(self, name: str) -> NoReturn:
        raise PeekError


@dataclass(frozen=True, slots=True)
class _BlankLinks:
    """The links of a frame."""

    unsubscribe: str
    preferences: str
    pause: str
    view: str
    archive: str

    @classmethod
    def of(cls, links: DigestLinks, blanks: Blanks) -> _BlankLinks:
        def url(way: Way) -> str:
            return f"{links.maker.base_url}/{way}/{blanks.token(way)}"

        return cls(
            unsubscribe=url(Way.UNSUBSCRIBE),
            preferences=url(Way.PREFERENCES),
            pause=url(Way.PAUSE),
            view=url(Way.VIEW),
            archive=links.archive,
        )

    def __getattr__(self, name: str) -> NoReturn:
        raise PeekError


def _told(reasons: tuple[Reason, ...]) -> _Told:
    why = why_phrases(reasons)
    return _Told(why, (bool(why), any(reason.why is Why.SURPRISE for reason in reasons)))


def _keep(shelf: dict[_Key, _Kept], key: _Key, value: _Kept, *, most: int) -> None:
    """The oldest makes room; what is in use comes back at once."""
    while len(shelf) >= most:
        del shelf[next(iter(shelf))]
    shelf[key] = value


def _given(kept: _Kept | None) -> _Kept:
    if kept is None:
        raise PeekError
    return kept
