"""Puts mails together from what was rendered and encoded once: the frame, the papers, and gaps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from threading import Lock
from typing import NamedTuple, NoReturn, TypeVar, cast

from newsletter.links import DigestLinks, Way, chosen
from newsletter.mail.blanks import Blanks, PeekError, Values
from newsletter.mail.digest import why_phrases
from newsletter.mail.gaps import TOKEN_LIMIT, Frame, Sheet, gap
from newsletter.mail.octets import Body
from newsletter.mail.sheets import HtmlSheets, TextSheets
from newsletter.mail.stencils import Stencils
from newsletter.mail.templating import RENDERING_ERRORS
from newsletter.mail.view import Card, MailView, card, framed, texts_for
from newsletter.mail.wording import shorten
from newsletter.model import Digest, Paper, Pick, Publication, Reason, Subscriber, Why

_SHELLS_KEPT = 512
_PLATES_KEPT = 4_096
_REASONS_KEPT = 8_192
_SERVED_KEPT = 16_384
_OF_A_PLACE = frozenset(("rank", "why"))

_Key = TypeVar("_Key")
_Kept = TypeVar("_Kept")


@dataclass(frozen=True)
class _Shell:
    """What a mail has beside its papers, the same for all mails that differ in texts alone."""

    html: Frame
    text: Frame

    @cached_property
    def is_even(self) -> bool:
        """Whether page and text are bodies as `Body.is_even` means it."""
        return self.html.is_even and self.text.is_even


@dataclass(frozen=True, eq=False)
class _Plate:
    """What each loop over the papers prints for one of them."""

    html: tuple[Sheet, ...]
    text: tuple[Sheet, ...]

    @cached_property
    def is_shared(self) -> bool:
        """Whether it is the same for all who see it at the same place for the same reasons."""
        return all(sheet.names <= _OF_A_PLACE for sheet in (*self.html, *self.text))

    @cached_property
    def is_even(self) -> bool:
        """Whether page and text are bodies as `Body.is_even` means it."""
        return all(sheet.is_even for sheet in (*self.html, *self.text))

    def served(self, values: Values) -> _Served:
        """It with all gaps filled but those of tokens."""
        html = [sheet.filled(values) for sheet in self.html]
        return _Served(html, [sheet.filled(values) for sheet in self.text], self.is_even)


class _Served(NamedTuple):
    """A plate for all readers who see the paper at the same place for the same reasons: the parts
    that each loop prints.
    """

    html: list[list[bytes]]
    text: list[list[bytes]]
    is_even: bool


class _Told(NamedTuple):
    """The reasons for a pick: in words, and what of them a template may ask for.

    Attributes:
        kind: whether there are any, and whether it is a surprise.
    """

    why: str
    kind: tuple[bool, bool]


class Press:
    """Makes both parts of a mail by joining octets; safe to use from several threads.

    What it makes is what the templates print: they were recorded with blanks (see `mail.blanks`) in
    place of all that belongs to one reader. Where that is impossible, every method raises
    `PeekError`, and the mail must be rendered as a whole.

    What is kept is bounded: 512 shells (one for each count of papers, chosen and chosen from), and
    4,096 plates (one for each paper, and for each place of it where a template asks which that is),
    each served in 16,384 ways at the most together (one for each place and reason); some 50 MB.
    """

    def __init__(self, html: Stencils, text: Stencils, publication: Publication) -> None:
        self._html = HtmlSheets(html)
        self._text = TextSheets(text)
        self._publication = publication
        self._lock = Lock()
        self._shells: dict[object, _Shell | None] = {}
        self._plates: dict[object, tuple[Paper, _Plate | None]] = {}
        self._served: dict[object, tuple[Paper, tuple[Reason, ...], _Served]] = {}
        self._ranked = False  # whether a paper looks otherwise at another place
        self._told = lru_cache(maxsize=_REASONS_KEPT)(_told)

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
            octets={gap(name): token.encode() for name, token in tokens.items()},
        )

    def shell(self, draft: Draft, shown: int) -> _Shell:
        """Everything but the papers of a mail that shows so many of them."""
        digest, links = draft.digest, draft.links
        given = tuple(map(bool, draft.texts.values()))
        around = (digest.edition, digest.notes, digest.considered, len(digest.picks), shown)
        key = (around, given, links.maker.base_url, links.archive)
        if key not in self._shells:
            with self._lock:
                _keep(self._shells, key, self._new_shell(draft, shown), most=_SHELLS_KEPT)
        return _given(self._shells[key])

    def served(self, draft: Draft, shown: int, length: int) -> list[_Served]:
        """The first papers, with abstracts of that length."""
        home = draft.links.maker.base_url
        found = []
        for rank, pick in enumerate(draft.digest.picks[:shown], start=1):
            paper, reasons = pick.paper, pick.reasons
            figures = (pick.upvotes, pick.comments, pick.stars)
            # Readers share papers and reasons as objects, which are compared sooner than what is in
            # them. They are kept with what was made of them, so that no other can have their place.
            key = (paper.id, id(reasons), rank, length, figures, home)
            known = self._served.get(key)
            if known and known[1] is reasons and known[0] is paper:
                found.append(known[2])
            elif known and known[1] is reasons and known[0] == paper:  # read anew since
                self._served[key] = (paper, reasons, known[2])
                found.append(known[2])
            else:
                found.append(self._new_served(key, pick, rank, length, draft))
        return found

    def _new_served(self, key: object, pick: Pick, rank: int, length: int, draft: Draft) -> _Served:
        told = self._told(pick.reasons)
        plate = self._plate_at(pick, told, rank, length, draft.links.maker.base_url)
        draft.values["rank"], draft.values["why"] = rank, told.why
        served = plate.served(draft.values)
        if plate.is_shared:
            if len(self._served) >= _SERVED_KEPT:
                self._served = {}
            self._served[key] = (pick.paper, pick.reasons, served)
        return served

    def _plate_at(self, pick: Pick, told: _Told, rank: int, length: int, home: str) -> _Plate:
        """The plate of a paper; where a template asks which it is, the one for this place."""
        if not self._ranked:
            plate = self._plate(pick, told, 0, length, home)
            self._ranked = plate is None
        if self._ranked:
            plate = self._plate(pick, told, rank, length, home)
        return _given(plate)

    def _plate(self, pick: Pick, told: _Told, place: int, length: int, home: str) -> _Plate | None:
        paper = pick.paper
        figures = (pick.upvotes, pick.comments, pick.stars)
        # A page shows the same papers without pictures.
        key = (paper.id, place, length, figures, told.kind, bool(paper.thumbnail_url), home)
        kept, plate = self._plates.get(key, (None, None))
        # Papers are completed now and then.
        if kept is not paper and kept != paper:
            with self._lock:
                plate = self._new_plate(pick, place, length, home)
                _keep(self._plates, key, (paper, plate), most=_PLATES_KEPT)
        return plate

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
            return _Shell(html=self._html.frame(mail), text=self._text.frame(mail))
        except (PeekError, *RENDERING_ERRORS):
            return None

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
            return _Plate(html=self._html.cards(blank), text=self._text.cards(blank))
        except (PeekError, *RENDERING_ERRORS):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One mail, in any length.

    Attributes:
        texts: what belongs to the reader, by name.
        values: texts and tokens, to fill gaps with.
        octets: the tokens as they stand for gaps.
    """

    press: Press
    digest: Digest
    texts: dict[str, str]
    values: dict[str, str | int]
    links: DigestLinks
    octets: dict[bytes, bytes]

    def bodies(self, shown: int, length: int) -> tuple[Body, Body]:
        """Page and text with the first `shown` papers, abstracts cut to that many characters."""
        shell = self.press.shell(self, shown)
        papers = self.press.served(self, shown, length)
        html = self._joined(shell.html, [paper.html for paper in papers])
        text = self._joined(shell.text, [paper.text for paper in papers])
        is_even = shell.is_even and all(paper.is_even for paper in papers)
        is_even_text = is_even and self.press.has_even_texts
        return (
            Body("7bit", html, is_dotless=True, is_even=is_even),
            Body("quoted-printable", text, is_dotless=True, is_even=is_even_text),
        )

    def _joined(self, frame: Frame, papers: list[list[list[bytes]]]) -> list[bytes]:
        parts = frame.sheets[0].filled(self.values)
        for loop, after in zip(frame.loops, frame.sheets[1:], strict=True):
            for served in papers:
                parts += served[loop]
            parts += after.filled(self.values)
        return list(map(self.octets.get, parts, parts))


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
