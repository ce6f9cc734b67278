"""The fields of the forms <-> what a reader asks for, and what is wrong, field by field."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

from newsletter.config import check_wishes
from newsletter.errors import ConfigError
from newsletter.membership import Wishes, one_line
from newsletter.model import Format, Profile
from newsletter.selection.texts.categories import NAMES, codes

# The most entries of each list that the form takes. Choosing for a longer profile holds up the
# preview of everybody else; what an import brought stays as long as nobody touches it.
MOST: Mapping[str, int] = MappingProxyType(
    {
        "topics": 40,
        "keywords": 100,
        "authors": 100,
        "organizations": 60,
        "categories": 60,
        "muted": 100,
        "liked": 2000,
    }
)
LISTS = tuple(MOST)
LONGEST_ENTRY = 300
_SINGLE = ("trend", "max_papers", "cadence", "weekday", "send_at", "timezone", "name")
_LINES = (*LISTS[:-1], *_SINGLE)
_BOXES = ("surprise", "text_only")
_NAMES_OF_KEYS = {"trend_weight": "trend", "format": "text_only"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PERCENT = re.compile(r"[0-9]{1,3}")
_DID_YOU_MEAN = re.compile(r"did you mean (\S+)\?")
_SAID = {
    "trend": "Please choose a value from 0 to 100.",
    "max_papers": "Please choose a number from 1 to 50.",
    "cadence": "Please choose every day, weekdays or once a week.",
    "weekday": "Please choose a day of the week.",
    "send_at": "Please choose an hour such as 08:00.",
    "name": "Please keep the name under 80 characters.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What stands in the fields, as typed.

    Attributes:
        suggested: offered topics whose boxes are ticked.
        trend: 0 (only taste) to 100 (only trend).
        weekday: 0 = Monday.
    """

    topics: str = ""
    suggested: tuple[str, ...] = ()
    keywords: str = ""
    authors: str = ""
    organizations: str = ""
    categories: str = ""
    muted: str = ""
    liked: str = ""
    trend: str = "25"
    max_papers: str = "10"
    surprise: bool = True
    cadence: str = "weekdays"
    weekday: str = "0"
    send_at: str = "08:00"
    timezone: str = "UTC"
    text_only: bool = False
    name: str = ""
    email: str = ""
    agreed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a form asks for; fields in `errors` count as untouched.

    Attributes:
        errors: a sentence for each field that cannot be used.
    """

    wishes: Wishes
    errors: Mapping[str, str]


def read_form(values: Mapping[str, Sequence[str]], base: Form | None = None) -> Form:
    """The form as it was sent; fields that were not sent stay as they are in `base`."""
    known = base or Form()
    told: dict[str, Any] = {n: _readable(values[n][-1]) for n in _LINES if values.get(n)}
    if values.get("liked"):  # blanks mean something in files of reference managers
        told["liked"] = _CONTROL.sub(" ", values["liked"][-1])
    told |= {n: values[n][-1] == "yes" for n in _BOXES if values.get(n)}
    if values.get("topics") or values.get("suggested"):
        told["suggested"] = tuple(map(one_line, values.get("suggested", ())))
    email = values.get("email", ("",))[-1]
    agreed = values.get("consent", ("",))[-1] == "yes"
    return replace(known, **told, email=one_line(email), agreed=agreed)


def single_values(form: Form) -> dict[str, str]:
    """The fields with one value, as a browser sends them: what a form that is sent later began with."""
    values = {name: getattr(form, name) for name in _SINGLE}
    return values | {name: "yes" if getattr(form, name) else "no" for name in _BOXES}


def touched(values: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """What was sent without single values that still say what was kept when the form was shown.

    So a tab that was open for long does not undo what another one changed since then.
    """
    return {name: sent for name, sent in values.items() if sent[-1:] != values.get(f"kept-{name}")}


def form_of(wishes: Wishes, offered: Collection[str] = ()) -> Form:
    """The form with these wishes in it; topics that are offered are ticked, not typed."""
    profile = wishes.profile
    lists: dict[str, Any] = {name: "\n".join(getattr(profile, name)) for name in LISTS}
    lists["topics"] = "\n".join(topic for topic in profile.topics if topic not in offered)
    return Form(
        **lists,
        suggested=tuple(topic for topic in profile.topics if topic in offered),
        trend=str(round(profile.trend_weight * 100)),
        max_papers=str(profile.max_papers),
        surprise=profile.surprise,
        cadence=wishes.cadence.value,
        weekday=str(wishes.weekday),
        send_at=wishes.send_at.isoformat(timespec="minutes"),
        timezone=wishes.timezone,
        text_only=wishes.format is Format.TEXT,
        name=wishes.name,
    )


def check_form(form: Form, base: Wishes | None = None) -> Checked:
    """What the form asks for; `base` gives what it does not show, and what is not touched.

    `liked` are the lines as they stand, one paper each (see `newsletter.web.liking`).
    """
    known = base or Wishes()
    given = _lists(form, known.profile)
    errors = {name: said for name, words in given.items() if (said := _too_much(name, words))}
    given = {name: words for name, words in given.items() if name not in errors}
    given |= _values(form, form_of(known))
    try:
        return Checked(wishes=check_wishes(given, "form", known), errors=errors)
    except ConfigError as error:
        wrong = {_key(problem): problem for problem in error.problems}
    errors |= {_field(key): _sentence(_field(key), said, form) for key, said in wrong.items()}
    usable = {key: value for key, value in given.items() if key not in wrong}
    return Checked(wishes=check_wishes(usable, "form", known), errors=errors)


def entries(text: str, known: Iterable[str] = (), *, names: bool = False) -> tuple[str, ...]:
    """The entries of a field: one a line, or parted by commas; each once, however it is written.

    Args:
        known: entries that may hold a comma themselves.
        names: of people, where "Byron, Ada" is one.
    """
    whole = frozenset(known)
    found: dict[str, str] = {}
    for line in map(one_line, text.splitlines()):
        for part in (line,) if line in whole else _parted(line, names=names):
            if word := part.strip():
                found.setdefault(word.casefold(), word)
    return tuple(found.values())


def _parted(line: str, *, names: bool) -> Iterable[str]:
    parts = re.split("[,;]", line)
    if names and any(" " not in part.strip() for part in parts):
        return line.split(";")
    return parts


def _side_by_side(line: str) -> str:
    """`cs.CL stat.ML`, as arXiv itself parts them, with commas between them."""
    words = re.findall(r"[^,;\s]+", line)
    return ",".join(words) if words and all(map(codes, words)) else line


def _readable(text: str) -> str:
    """Typed text, line by line without control characters; so it can be shown again."""
    return "\n".join(map(one_line, text.splitlines()))


def _lists(form: Form, base: Profile) -> dict[str, tuple[str, ...]]:
    found = {name: _list(form, name, getattr(base, name)) for name in LISTS}
    return {name: words for name, words in found.items() if not _same(words, getattr(base, name))}


def _list(form: Form, name: str, known: Sequence[str]) -> tuple[str, ...]:
    text: str = getattr(form, name)
    if name == "liked":  # titles hold commas
        return tuple(dict.fromkeys(filter(None, map(one_line, text.splitlines()))))
    if name == "topics":
        text = "\n".join((text, *form.suggested))
        known = (*known, *form.suggested)
    if name == "categories":
        known = (*known, *NAMES.values())  # "Distributed, Parallel, and Cluster Computing"
        lines = (one if one in known else _side_by_side(one) for one in text.splitlines())
        text = "\n".join(lines)
    return entries(text, known, names=name == "authors")


def _same(words: Sequence[str], others: Sequence[str]) -> bool:
    """The order of interests means nothing."""
    return len(words) == len(others) and set(words) == set(others)


def _too_much(name: str, words: Sequence[str]) -> str:
    if len(words) > MOST[name]:
        return f"Please keep to {MOST[name]:,} entries; here are {len(words):,}."
    if any(len(word) > LONGEST_ENTRY for word in words):
        return f"Please keep each entry under {LONGEST_ENTRY} characters."
    return ""


def _values(form: Form, shown: Form) -> dict[str, Any]:
    """The single values that differ from what the form showed, by the key of a reader's file."""
    changed = {f.name for f in fields(Form) if getattr(form, f.name) != getattr(shown, f.name)}
    plain = ("max_papers", "surprise", "cadence", "weekday", "send_at", "timezone", "name")
    given: dict[str, Any] = {name: getattr(form, name) for name in plain if name in changed}
    if "trend" in changed:
        given["trend_weight"] = int(form.trend) / 100 if _PERCENT.fullmatch(form.trend) else "?"
    if "text_only" in changed:
        given["format"] = Format.TEXT if form.text_only else Format.HTML
    return given


def _key(problem: str) -> str:
    return re.split("[.:]", problem, maxsplit=1)[0]


def _field(key: str) -> str:
    return _NAMES_OF_KEYS.get(key, key)


def _sentence(name: str, said: str, form: Form) -> str:
    if name != "timezone":
        return _SAID.get(name, "This cannot be used.")
    if not form.timezone:
        return "Please name your time zone, such as Europe/Berlin."
    close = _DID_YOU_MEAN.search(said)
    hint = f" Did you mean {close[1]}?" if close else " Try one such as Europe/Berlin."
    return f"There is no time zone “{form.timezone[:60]}”." + hint
