"""Profiles and wishes as plain JSON values and back; unknown keys of a newer version are left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import time
from operator import itemgetter
from typing import Any

from newsletter.making import maker
from newsletter.membership import Wishes
from newsletter.model import Cadence, Format, Profile

_USUAL = Profile()
_USUALLY = {field.name: getattr(_USUAL, field.name) for field in fields(Profile)}
_KINDS = tuple(
    {tuple: (list, tuple), float: (float, int)}.get(type(value), type(value))
    for value in _USUALLY.values()
)
_facts = itemgetter(*_USUALLY)
_profile = maker(Profile)


def profile_to_json(profile: Profile) -> dict[str, Any]:
    """The fields of a profile by name; tuples become lists."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(profile).items()
    }


def profile_from_json(given: Mapping[str, Any]) -> Profile:
    """The profile again; what is missing has its default.

    Raises:
        ValueError: something in it is of another kind than this version writes.
    """
    facts = _facts({**_USUALLY, **given})
    if not all(map(isinstance, facts, _KINDS)):
        kinds = zip(_USUALLY, facts, _KINDS, strict=True)
        wrong = next(name for name, fact, kind in kinds if not isinstance(fact, kind))
        raise ValueError(f"the profile's {wrong}")
    return _profile(*[tuple(fact) if type(fact) is list else fact for fact in facts])


def wishes_to_json(wishes: Wishes) -> dict[str, Any]:
    """The fields of the wishes, their profile among them as a table."""
    return {
        "name": wishes.name,
        "cadence": wishes.cadence.value,
        "send_at": wishes.send_at.isoformat(timespec="minutes"),
        "weekday": wishes.weekday,
        "timezone": wishes.timezone,
        "format": wishes.format.value,
        "profile": profile_to_json(wishes.profile),
    }


def wishes_from_json(given: Mapping[str, Any]) -> Wishes:
    """The wishes again, as `wishes_to_json` wrote them."""
    return Wishes(
        name=given["name"],
        cadence=Cadence(given["cadence"]),
        send_at=time.fromisoformat(given["send_at"]),
        weekday=given["weekday"],
        timezone=given["timezone"],
        format=Format(given["format"]),
        profile=profile_from_json(given["profile"]),
    )
