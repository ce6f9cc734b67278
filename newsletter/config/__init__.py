"""Settings, readers and topics: TOML and environment in, frozen values out, every mistake at once.

Order, last wins: `config/newsletter.toml` of the package, the operator's own file, environment
variables (`NEWSLETTER_SOURCES__BASE_URL`).
"""

from newsletter.config.files import data_dir, in_words
from newsletter.config.readers import ReaderFile, check_wishes, load_reader
from newsletter.config.settings import RelaySettings, Settings, load_settings
from newsletter.config.topics import Topic, load_topics

__all__ = [
    "ReaderFile",
    "RelaySettings",
    "Settings",
    "Topic",
    "check_wishes",
    "data_dir",
    "in_words",
    "load_reader",
    "load_settings",
    "load_topics",
]
