"""What the links inside a mail do in the real newsletter; in the studio they only explain."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """A page about one kind of link."""

    title: str
    text: str


PAGES = {
    "unsubscribe": Explanation(
        "Unsubscribe",
        "The page behind this link asks once more and ends the subscription at the press of a "
        "button. The unsubscribe button of a mail client does the same without the page.",
    ),
    "preferences": Explanation(
        "Preferences",
        "The page behind this link is where readers change topics, keywords, people to follow, "
        "what to mute, and when the mail comes.",
    ),
    "pause": Explanation(
        "Pause",
        "The page behind this link stops the mail for some days or weeks; then it comes back by "
        "itself.",
    ),
    "more": Explanation(
        "More like this",
        "The page behind this link notes that a paper was welcome, so that papers close to it "
        "rank higher from then on.",
    ),
    "less": Explanation(
        "Less like this",
        "The page behind this link notes that a paper was not welcome, so that papers close to "
        "it rank lower from then on.",
    ),
    "tune": Explanation(
        "Follow or mute",
        "The page behind this link offers to follow an author of the paper, or to mute what it is "
        "about, and shows what that would change.",
    ),
    "view": Explanation(
        "View in the browser",
        "The page behind this link is the same mail, for mail clients that show it badly, with "
        "the papers that the size limit kept out of it.",
    ),
    "archive": Explanation(
        "Archive",
        "The page behind this link lists everything that was new that day, for everybody.",
    ),
}
