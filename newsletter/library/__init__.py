"""A pasted or uploaded reading list -> papers that a reader likes."""

from newsletter.errors import LibraryError
from newsletter.library.items import Item, Library, Rejected
from newsletter.library.reading import LARGEST, read_library
from newsletter.library.report import Find, Report, match

__all__ = [
    "LARGEST",
    "Find",
    "Item",
    "Library",
    "LibraryError",
    "Rejected",
    "Report",
    "match",
    "read_library",
]
