"""Enumerations of texts, as fast to look up as the texts."""

from __future__ import annotations

import enum


class StrEnum(enum.StrEnum):
    """Members hash as their text, which they equal; the hash of an enum is computed in Python."""

    __hash__ = str.__hash__
