"""What the robots.txt of a host allows this reader (RFC 9309)."""

from __future__ import annotations

from urllib.robotparser import RobotFileParser


class Rules:
    """The rules of one host for one reader."""

    def __init__(self, text: str, user_agent: str) -> None:
        # The product token decides (RFC 9309 section 2.2.1), not the whole User-Agent line.
        self._agent = user_agent.split("/", maxsplit=1)[0].strip() or "*"
        self._parser = RobotFileParser()
        self._parser.parse(text.splitlines())

    def allow(self, url: str) -> bool:
        return self._parser.can_fetch(self._agent, url)

    @property
    def delay(self) -> float:
        """Seconds to leave between two requests."""
        return float(self._parser.crawl_delay(self._agent) or 0)


NO_RULES = Rules("", "*")
"""For a host without robots.txt: everything is allowed (RFC 9309 section 2.3.1.3)."""
