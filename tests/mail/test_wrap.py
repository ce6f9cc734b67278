"""Paragraphs of the text part break at words, as one would do it word by word."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.mail.templating import wrap


def word_by_word(text: str, indent: int, width: int, first: str) -> str:
    lines, line = [], first or " " * indent
    words = [word for word in text.replace("\n", " ").replace("\t", " ").split(" ") if word]
    for number, word in enumerate(words):
        if number and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = " " * indent + word
        else:
            line += " " + word if number else word
    return "\n".join((*lines, line)) if words else ""


@given(
    text=st.text("ab .\n\té\u00a0", max_size=80),
    indent=st.integers(0, 8),
    width=st.integers(1, 30),
    first=st.sampled_from(["", " 1. ", "12. ", "longer than some lines are "]),
)
@example(text="x" * 50 + " y", indent=0, width=10, first="")
def test_every_line_holds_as_many_words_as_fit(text, indent, width, first):
    assert wrap(text, indent, width, first) == word_by_word(text, indent, width, first)
