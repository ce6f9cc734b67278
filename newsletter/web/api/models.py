"""What the JSON API takes and gives, with the limits of the form and an example for each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from newsletter.library import LARGEST
from newsletter.web.forms import LONGEST_ENTRY, MOST

_DISLIKED = 100
_TAKEN = ConfigDict(extra="forbid", strict=True, str_strip_whitespace=True)

Interest = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ENTRY, pattern=r"\S")]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
LikedText = Annotated[
    str,
    StringConstraints(max_length=LARGEST),
    Field(
        description=(
            "A pasted reading list: arXiv ids or addresses, BibTeX, RIS, CSL-JSON, a Zotero CSV or "
            "titles. What is read of it is added to `liked`."
        ),
        examples=["2604.00001\nhttps://arxiv.org/abs/2604.00002"],
    ),
]
Notes = Annotated[
    list[str],
    Field(description="Sentences for the reader on what is kept and brings nothing."),
]


def _ticked(value: object) -> object:
    """Pydantic takes a 1 for true; a consent is no place for that."""
    if value is not True:
        raise ValueError("must be true: without consent nothing is mailed")
    return value


def _interests(most: int, description: str, *examples: str) -> Any:
    return Field(
        default_factory=list,
        max_length=most,
        description=description,
        examples=[list(examples)],
    )


class ProfileBody(BaseModel):
    """What a reader works on, in the keys of a reader's file; everything may be left out."""

    model_config = _TAKEN

    topics: list[Interest] = _interests(
        MOST["topics"], "In one's own words.", "efficient inference"
    )
    keywords: list[Interest] = _interests(
        MOST["keywords"], "Words that must occur literally.", "quantization"
    )
    authors: list[Interest] = _interests(MOST["authors"], "Names to follow.", "Ada Byron")
    organizations: list[Interest] = _interests(
        MOST["organizations"], "Organisations to follow.", "Example Lab"
    )
    categories: list[Interest] = _interests(MOST["categories"], "arXiv categories.", "cs.CL")
    liked: list[Interest] = _interests(
        MOST["liked"], "arXiv ids or titles of papers one likes.", "2604.00002"
    )
    disliked: list[Interest] = _interests(
        _DISLIKED, "The same for papers one does not like.", "2604.00008"
    )
    muted: list[Interest] = _interests(MOST["muted"], "What never appears.", "medical imaging")
    max_papers: Annotated[int, Field(ge=1, le=50, description="Most papers in a digest.")] = 10
    min_score: Annotated[Share, Field(description="Below this a paper is not worth a place.")] = 0.0
    trend_weight: Annotated[Share, Field(description="0: only taste; 1: only trend.")] = 0.25
    surprise: Annotated[
        bool, Field(description="One place for a rising paper from outside the interests.")
    ] = True
    abstract_length: Annotated[
        int, Field(ge=0, le=2000, description="Characters of abstract that a card shows.")
    ] = 280


class PreviewBody(ProfileBody):
    """A profile to be tried out."""

    liked_text: LikedText = ""


class WishesBody(ProfileBody):
    """What a reader asks for: the profile, and how and when the digest comes."""

    name: Annotated[
        str,
        StringConstraints(max_length=80, pattern=r"^[^\r\n]*$"),
        Field(description="What the mail calls the reader.", examples=["Ines"]),
    ] = ""
    cadence: Annotated[
        Literal["daily", "weekdays", "weekly"], Field(description="How often the digest comes.")
    ] = "weekdays"
    send_at: Annotated[
        str,
        StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"),
        Field(description="Local time.", examples=["08:00"]),
    ] = "08:00"
    weekday: Annotated[int, Field(ge=0, le=6, description="For weekly; 0 is Monday.")] = 0
    timezone: Annotated[
        str,
        StringConstraints(min_length=1, max_length=64),
        Field(description="IANA name.", examples=["Europe/Berlin"]),
    ] = "UTC"
    format: Annotated[
        Literal["html", "text"], Field(description="`text` mails carry nothing but text.")
    ] = "html"


class SubscriptionBody(BaseModel):
    """A filled-in form."""

    model_config = _TAKEN

    email: Annotated[
        str,
        StringConstraints(max_length=320),
        Field(
            description="Where the confirmation mail goes.",
            examples=["ines@reader.example"],
            json_schema_extra={"format": "email"},
        ),
    ]
    consent: Annotated[
        Literal[True],
        BeforeValidator(_ticked),
        Field(description="The reader agreed to the sentence that `GET /form` gives."),
    ]
    wishes: Annotated[WishesBody, Field(description="What they ask for.")] = WishesBody()
    liked_text: LikedText = ""
    stamp: Annotated[
        str,
        StringConstraints(max_length=200),
        Field(description="From `GET /form`, asked for when the form was shown."),
    ]
    proof: Annotated[
        str,
        StringConstraints(max_length=4000),
        Field(description="The solved challenge; without it fewer forms are let in."),
    ] = ""
    website: Annotated[
        str,
        StringConstraints(max_length=1000),
        Field(description="A field that people do not see and robots fill in: leave it empty."),
    ] = ""


class ReadingListBody(BaseModel):
    """A reading list to be looked at; nothing is kept."""

    model_config = _TAKEN

    text: Annotated[LikedText, StringConstraints(min_length=1)]


class TopicAnswer(BaseModel):
    """A topic that is offered to readers."""

    slug: Annotated[str, Field(description="Its name in addresses.")]
    name: Annotated[str, Field(description="What goes into `topics`.")]
    words: Annotated[list[str], Field(description="What somebody may type who means it.")]


class TopicsAnswer(BaseModel):
    """The offered topics."""

    topics: list[TopicAnswer]


class FormAnswer(BaseModel):
    """What a form needs that is shown now."""

    stamp: Annotated[str, Field(description="Send it back with the form, within a day.")]
    challenge: Annotated[
        dict[str, Any],
        Field(description="A challenge of altcha's protocol v2 (PBKDF2/SHA-256)."),
    ]
    consent: Annotated[str, Field(description="The sentence beside the box to be ticked.")]


class ReadingReport(BaseModel):
    """What was understood of a reading list."""

    sentence: Annotated[str, Field(description="The report in one sentence.")]
    kind: Annotated[str, Field(description="What sort of text it was taken for, e.g. BibTeX.")]
    entries: Annotated[int, Field(description="How many it has, usable or not.")]
    matched: Annotated[int, Field(description="Papers that we know.")]
    by_title: Annotated[int, Field(description="Papers not known yet, taken by their title.")]
    unknown: Annotated[int, Field(description="The same, taken by their arXiv id.")]
    repeated: Annotated[int, Field(description="Entries of a paper that stands there before.")]
    left_out: Annotated[int, Field(description="Papers beyond the most that are taken.")]
    notes: Annotated[list[str], Field(description="What could not be used, and why.")]


class ReadingListAnswer(BaseModel):
    """What was read, ready to be put into `liked`."""

    report: ReadingReport
    liked: list[str]


class ReasonAnswer(BaseModel):
    """Why a paper was picked."""

    why: Annotated[str, Field(description="The kind: topic, keyword, author, trend, ...")]
    detail: Annotated[str, Field(description="The reader's own word for it.")]
    sentence: Annotated[str, Field(description="Both, ready to be shown.")]


class PaperAnswer(BaseModel):
    """A paper. All texts are plain text: show them as text, never as HTML."""

    id: Annotated[str, Field(description="arXiv id without version, else `t:` and a hash.")]
    title: str
    authors: list[str]
    organization: Annotated[str, Field(description="Empty where not known.")]
    abstract: str
    url: Annotated[str, Field(description="https, or empty.")]
    votes: Annotated[int | None, Field(description="null where the list does not say.")]


class PickAnswer(PaperAnswer):
    """A paper picked for this profile."""

    score: Annotated[float, Field(description="0 to 1; compares within one answer only.")]
    reasons: list[ReasonAnswer]


class PreviewAnswer(BaseModel):
    """What this profile would have received."""

    picks: list[PickAnswer]
    considered: Annotated[int, Field(description="From how many papers.")]
    day: Annotated[str | None, Field(description="The newest list day, YYYY-MM-DD.")]
    sample: Annotated[bool, Field(description="True while a bundled page stands in.")]
    reading_list: Annotated[
        ReadingReport | None, Field(description="About `liked_text`, if there was any.")
    ] = None
    notes: Notes = []


class SubscriptionAnswer(BaseModel):
    """The same for every address."""

    message: str
    reading_list: Annotated[
        ReadingReport | None, Field(description="About `liked_text`, if there was any.")
    ] = None
    notes: Notes = []


class DayAnswer(BaseModel):
    """A day of the archive."""

    day: Annotated[str, Field(description="YYYY-MM-DD.", examples=["2026-04-03"])]
    papers: Annotated[int, Field(description="How many were first listed that day.")]
    url: Annotated[str, Field(description="The page of that day.")]


class ArchiveAnswer(BaseModel):
    """A page of the archive, newest day first."""

    days: list[DayAnswer]
    next: Annotated[str | None, Field(description="Where the next page is; null on the last.")]


class ArchiveDayAnswer(BaseModel):
    """The papers of a day, in the order of its list."""

    day: str
    papers: list[PaperAnswer]
