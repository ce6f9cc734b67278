"""A form as it was sent, read with all that hangs on it, and what the templates of its fields need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from newsletter.config import Topic
from newsletter.library import Find
from newsletter.mail.wording import WEEKDAYS
from newsletter.membership import Wishes
from newsletter.subscriptions import remarks
from newsletter.web.forms import Form, check_form, form_of, read_form
from newsletter.web.liking import lines_of, read_liking
from newsletter.web.posted import Posted
from newsletter.web.standing import when

_HOURS = tuple(f"{hour:02}:00" for hour in range(24))
_SIZES = ("3", "5", "8", "10", "15", "20", "30")
_OLD_ZONES = ("Brazil/", "Canada/", "Chile/", "Etc/", "Mexico/", "SystemV/", "US/")
_MORE = ("keywords", "authors", "organizations", "categories", "muted", "liked")
_INTERESTS = ("topics", *_MORE, "trend")
_RHYTHM = ("cadence", "weekday", "send_at", "timezone", "max_papers", "text_only", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form, and what it asks for.

    Attributes:
        form: what the fields show.
        wishes: what can be used of it.
        errors: a sentence for each field that cannot be used.
        report: what became of a pasted or uploaded reading list.
        fresh: nobody typed anything yet, so a script may fill in what the browser knows.
    """

    form: Form
    wishes: Wishes
    errors: Mapping[str, str] = field(default_factory=dict)
    report: tuple[str, ...] = ()
    fresh: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """What the preview says of the entries."""
        wrong = (said for name, said in self.errors.items() if name in _INTERESTS)
        return (*wrong, *remarks(self.wishes.profile), *self.report[:1])

    def but(self, **errors: str) -> Filled:
        """The same with further mistakes."""
        return replace(
            self, errors={**self.errors, **{n: said for n, said in errors.items() if said}}
        )


def blank() -> Filled:
    """The form that nobody has touched."""
    return Filled(form=Form(), wishes=Wishes(), fresh=True)


def showing(wishes: Wishes, topics: tuple[Topic, ...], find: Find) -> Filled:
    """The form with what somebody asked for."""
    return Filled(form=_form(wishes, topics, find), wishes=wishes)


def fill(
    sent: Posted, topics: tuple[Topic, ...], find: Find, *, base: Wishes | None = None
) -> Filled:
    """The form as it was sent.

    Args:
        base: what was asked for before; for fields that were not sent or not touched.
    """
    form = read_form(sent.values, _form(base, topics, find) if base else None)
    typed = read_liking(form.liked, find, known=base.profile.liked if base else ())
    filed = read_liking(sent.file, find)
    liked = dict.fromkeys((*typed.liked, *filed.liked))
    checked = check_form(replace(form, liked="\n".join(liked)), base)
    text = "\n".join(filter(None, (form.liked.rstrip(), lines_of(filed.liked, find))))
    filled = Filled(
        form=replace(form, liked=text),
        wishes=checked.wishes,
        errors=checked.errors,
        report=(*typed.report, *filed.report),
    )
    problem = " ".join(filter(None, (typed.problem, filed.problem)))
    return filled.but(liked=problem) if problem else filled


def shown(filled: Filled, topics: tuple[Topic, ...]) -> dict[str, Any]:
    """What the templates of the fields need."""
    form, errors = filled.form, filled.errors
    typed = {line.strip().casefold() for line in form.topics.splitlines()}
    return {
        "form": form,
        "errors": errors,
        "report": filled.report,
        "fresh": filled.fresh,
        "chips": [
            (topic, topic.name in form.suggested or topic.name.casefold() in typed)
            for topic in topics
        ],
        "said": sum(bool(getattr(form, name)) for name in _MORE),
        "more_open": any(name in errors for name in _MORE) or bool(filled.report),
        "rhythm_open": any(name in errors for name in _RHYTHM),
        "when": when(filled.wishes),
        "days": [(str(number), day) for number, day in enumerate(WEEKDAYS)],
        "hours": [(hour, hour) for hour in sorted({*_HOURS, form.send_at})],
        "sizes": [(size, size) for size in sorted({*_SIZES, form.max_papers}, key=_by_number)],
        "zones": zones(),
    }


@cache  # the names are read from files that never change while we run
def zones() -> tuple[str, ...]:
    """The time zones that are offered; every other IANA name can be typed."""
    named = (n for n in available_timezones() if "/" in n and not n.startswith(_OLD_ZONES))
    return ("UTC", *sorted(named))


def _by_number(text: str) -> tuple[int, str]:
    return len(text), text


def _form(wishes: Wishes, topics: tuple[Topic, ...], find: Find) -> Form:
    form = form_of(wishes, {topic.name for topic in topics})
    return replace(form, liked=lines_of(wishes.profile.liked, find))
