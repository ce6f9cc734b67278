"""Our nouns as the JSON API shows them: plain text, checked links."""

from __future__ import annotations

from newsletter.library import Report
from newsletter.mail.view import safe_url
from newsletter.mail.wording import shorten, tidy
from newsletter.model import Candidate, Paper, Pick, Reason
from newsletter.web.api.models import PaperAnswer, PickAnswer, ReadingReport, ReasonAnswer

_ABSTRACT = 2000


def paper_of(candidate: Candidate) -> PaperAnswer:
    """A listed paper."""
    return _paper(candidate.paper, candidate.upvotes, _ABSTRACT)


def pick_of(pick: Pick, *, abstract: int) -> PickAnswer:
    """A picked paper with its reasons; `abstract` is how many characters of it are shown."""
    paper = _paper(pick.paper, pick.upvotes, abstract)
    return PickAnswer(
        **paper.model_dump(),
        score=round(pick.score, 4),
        reasons=[_reason(reason) for reason in pick.reasons],
    )


def report_of(report: Report) -> ReadingReport:
    """What became of a reading list."""
    first, *notes = report.sentences
    return ReadingReport(
        sentence=first,
        kind=report.kind,
        entries=report.entries,
        matched=report.matched,
        by_title=report.by_title,
        unknown=report.unknown,
        repeated=report.repeated,
        left_out=report.left_out,
        notes=[tidy(note) for note in notes],
    )


def _paper(paper: Paper, votes: int | None, abstract: int) -> PaperAnswer:
    return PaperAnswer(
        id=paper.id,
        title=tidy(paper.title),
        authors=[tidy(name) for name in paper.authors],
        organization=tidy(paper.organization),
        abstract=shorten(tidy(paper.abstract or paper.summary), abstract),
        url=safe_url(paper.url),
        votes=votes,
    )


def _reason(reason: Reason) -> ReasonAnswer:
    return ReasonAnswer(why=reason.why, detail=tidy(reason.detail), sentence=tidy(str(reason)))
