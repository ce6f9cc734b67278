"""Profiles and wishes as plain JSON values and back; unknown keys of a newer version are left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import time
from typing import Any

from newsletter.membership import Wishes
from newsletter.model import Cadence, Format, Profile

_OF_A_PROFILE = frozenset(field.name for field in fields(Profile))


def profile_to_json(profile: Profile) -> dict[str, Any]:
    """The fields of a profile by name; tuples become lists."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(profile).items()
    }


def profile_from_json(given: Mapping[str, Any]) -> Profile:
    """The profile again; what is missing has its default."""
    known = dict(given)
    for name, value in given.items():
        if type(value) is list:
            known[name] = tuple(value)
    if not known.keys() <= _OF_A_PROFILE:
        known = {name: value for name, value in known.items() if name in _OF_A_PROFILE}
    return Profile(**known)


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
