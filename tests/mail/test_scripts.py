"""Chinese, Japanese, Thai, Arabic and Hebrew are cut, wrapped and turned as their readers expect."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mail_samples import make_paper, make_pick

from newsletter.mail.lint import check_mail
from newsletter.mail.scripts import apart, columns, is_turned, quoted
from newsletter.mail.templating import wrap
from newsletter.mail.wording import headline_cut, readable, shorten

CHINESE = (
    "本文提出了一种新的量化方法，能够在几乎不损失精度的情况下将模型压缩到四比特。我们在十二个基准测试上"
    "进行了评估，结果表明该方法优于现有方法。此外，我们还发布了代码和模型，供研究社区使用。"
)
THAI = "การเรียนรู้ของเครื่อง" * 6
MIXED = st.text("大模型ーのっ，。（）「」ab GPT 12,.\u0301👩\u200dก็ש", max_size=120)


@pytest.mark.parametrize(
    ("text", "turned"),
    [
        ("نماذج لغوية", True),
        ("“מודלים” 12", True),
        ("12 (نماذج)", True),
        ("BERT نماذج", False),
        ("大模型", False),
        ("12 – ", False),
        ("", False),
    ],
)
def test_the_first_letter_says_where_a_text_begins(text, turned):
    assert is_turned(text) is turned


def test_only_what_ends_from_right_to_left_gets_a_mark():
    assert apart("“עברית”") == "“עברית”\u200e"
    assert apart("עברית (BERT)") == "עברית (BERT)"
    assert apart("Gödel, 12") == "Gödel, 12"


def test_a_quoted_hebrew_word_gets_one_behind_its_quotation_mark():
    assert quoted("עברית") == "“עברית”\u200e"
    assert quoted("BERT") == "“BERT”"
    assert quoted("大模型") == "“大模型”"


def test_a_chinese_character_takes_two_columns():
    assert columns("大模型 ab") == 9
    assert columns("Gödel") == 5


def test_a_chinese_paragraph_fills_its_lines_and_nothing_is_added():
    lines = wrap(CHINESE, indent=4).split("\n")
    assert len(lines) > 2
    assert all(66 <= columns(line) <= 72 for line in lines[:-1])
    assert "".join(line[4:] for line in lines) == CHINESE


def test_no_line_begins_with_a_closing_sign_or_ends_with_an_opening_one():
    for width in range(10, 40):
        lines = wrap("大模型（简称模型），测试「评估」。" * 8, width=width).split("\n")
        assert not [line for line in lines if line[0] in "），」。" or line[-1] in "（「"]


def test_a_title_is_broken_at_blanks_alone():
    assert wrap("大模型 " + "模" * 40, width=20, at_blanks=True) == "大模型\n" + "模" * 40


@given(text=MIXED, width=st.integers(4, 40), indent=st.integers(0, 3))
@example(text="大 模", width=4, indent=0)
def test_wrapping_loses_nothing_and_leaves_no_line_that_could_have_ended(text, width, indent):
    wrapped = wrap(text, indent, width)
    assert "".join(wrapped.split()) == "".join(text.split())
    for line in wrapped.split("\n"):
        assert line == line.rstrip(" ")
        if columns(line) > width:  # one piece that has no place to end
            assert wrap(line.strip(" "), indent, width) == line


def test_an_abstract_in_chinese_ends_with_a_sentence():
    assert shorten(CHINESE, 60) == CHINESE[: CHINESE.index("。") + 1]


def test_a_chinese_text_is_not_cut_back_to_a_blank_long_before():
    cut = shorten("GPT 模型在许多任务上取得了显著的成果但其推理成本仍然很高" * 2, 30)
    assert cut == "GPT 模型在许多任务上取得了显著的成果但其推理成本仍然很…"
    assert len(headline_cut("基于 大规模语言模型的高效推理方法研究" * 3, 40)) > 35


def test_a_break_in_a_long_chinese_text_stands_behind_a_pause():
    shown = readable(CHINESE)
    pieces = shown.split(" ")
    assert "".join(pieces) == CHINESE
    assert len(pieces) > 1
    assert all(piece[-1] in "，。" for piece in pieces)


@pytest.mark.parametrize("text", [THAI, "👩\u200d👩\u200d👧" * 30, "ก็" * 60, "e\u0301" * 70])
def test_a_letter_is_never_parted_from_its_marks(text):
    pieces = [*readable(text).split(" "), shorten(text, 50).removesuffix("…")]
    assert not [one for one in pieces if unicodedata.category(one[0])[0] == "M"]
    assert not [one for one in pieces if "\u200d" in (one[0], one[-1])]
    assert all(len(one) <= 60 for one in pieces)


@pytest.mark.parametrize("text", [CHINESE, THAI, "テスト" * 30, "नमूना पाठ। " * 20, "עברית " * 40])
def test_a_mail_in_any_script_passes_every_check(send, text):
    paper = make_paper(1, title=text, abstract=text * 4, authors=(text,) * 5, organization=text)
    sent = send([make_pick(1, paper=paper)])
    assert [check for check in check_mail(sent.raw, dev=True) if not check.holds] == []
