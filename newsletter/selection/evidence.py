"""What speaks for a paper: one interest that it meets."""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.model import Why


@dataclass(frozen=True, slots=True)
class Evidence:
    """One interest that a paper meets.

    Attributes:
        strength: standard deviations above what is usual, or as much as such.
        enough: whether it may earn a place by itself.
    """

    why: Why
    detail: str
    strength: float
    enough: bool = True
