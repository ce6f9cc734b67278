"""Looks an installation over: what is sound, what should be mended, and how."""

from newsletter.doctor.findings import Finding, Level
from newsletter.doctor.rounds import examine

__all__ = ["Finding", "Level", "examine"]
