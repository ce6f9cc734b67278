"""What to say of wishes that can be kept, yet bring nothing."""

from __future__ import annotations

from newsletter.mail.wording import enumerate_names, shorten
from newsletter.model import Profile
from newsletter.selection.texts.categories import NAMES, codes

_KNOWN = frozenset(code.casefold() for code in NAMES)
_WHOLE_ARCHIVES = ("cs.", "eess.", "stat.")  # of which we have every code
_NAMED = 3
_ENTRY = 60


def remarks(profile: Profile) -> list[str]:
    """A sentence on categories that no paper can be in; one that is only new to us may be kept."""
    words = [f"“{shorten(one, _ENTRY)}”" for one in profile.categories if not _is_category(one)]
    if not words:
        return []
    named = enumerate_names(words[:_NAMED], len(words))
    what = "is no arXiv category we know, so it brings"
    if len(words) > 1:
        what = "are no arXiv categories we know, so they bring"
    return [f"{named} {what} nothing. Codes look like cs.CL."]


def _is_category(text: str) -> bool:
    found = codes(text)
    return any(code in _KNOWN or not code.startswith(_WHOLE_ARCHIVES) for code in found)
