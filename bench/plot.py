"""CPU of a mail as horizontal bars: one small SVG that is legible on light and on dark pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, BAR, STEP = 760, 250, 110, 18, 30
_STYLE = """
  .page { fill: #ffffff } text { fill: #1f2328; font: 14px system-ui, sans-serif }
  .title { font-weight: 600; font-size: 16px } .note { fill: #59636e; font-size: 12px }
  .ours { fill: #0969da } .theirs { fill: #8c959f } .axis { stroke: #8c959f }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #f0f6fc } .note { fill: #9198a1 }
    .ours { fill: #4493f8 } .theirs { fill: #656c76 } .axis { stroke: #656c76 }
  }
"""

Medians = Mapping[str, Mapping[str, float]]  # by benchmark


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure."""

    label: str
    micros: float
    is_ours: bool = True


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars of one scale, which begins at zero."""

    title: str
    bars: Sequence[Bar]


def panels(found: Medians) -> list[Panel]:
    """What there is to show."""
    send, assemble = found.get("send", {}), found.get("assemble", {})
    whole = _bars(send, {"naive_us": "naive chain", "mail_us": "ours, all in all"})
    parts = _bars(send, {"compose_us": "profile to digest", "deliver_us": "digest to delivery"})
    pieces = {
        "assemble_us": "assembled from cards",
        "dkim_ed25519_us": "signed, Ed25519",
        "dkim_rsa2048_us": "signed, RSA-2048",
    }
    made = [
        Panel("One mail, beside the naive chain", whole),
        Panel("Where ours goes; pieces measured alone", [*parts, *_bars(assemble, pieces)]),
    ]
    return [panel for panel in made if panel.bars]


def _bars(figures: Mapping[str, float], labels: Mapping[str, str]) -> list[Bar]:
    return [
        Bar(label, figures[key], key != "naive_us")
        for key, label in labels.items()
        if key in figures
    ]


def svg(found: Medians, note: str) -> str:
    """The picture; empty where neither `send` nor `assemble` has run."""
    shown = panels(found)
    if not shown:
        return ""
    parts, top = [], 16
    for panel in shown:
        drawn, top = _drawn(panel, top)
        parts += drawn
    height = top + 22
    parts.append(_text(16, top + 8, note, "note"))
    title = "<title>Microseconds of CPU a mail</title>"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" viewBox="0 0 {WIDTH} {height}" role="img">'
    page = f'<rect class="page" width="{WIDTH}" height="{height}" rx="6"/>'
    return "\n".join([head, title, f"<style>{_STYLE}</style>", page, *parts, "</svg>"]) + "\n"


def _drawn(panel: Panel, top: int) -> tuple[list[str], int]:
    """Its parts, and where the next one begins."""
    parts = [
        _text(16, top + 14, panel.title, "title"),
        _text(WIDTH - 16, top + 14, "µs CPU", "note", "end"),
    ]
    top += 32
    longest = max(bar.micros for bar in panel.bars) or 1.0
    for at, bar in enumerate(panel.bars):
        y = top + at * STEP
        length = max(1.0, bar.micros / longest * (WIDTH - LEFT - RIGHT))
        kind = "ours" if bar.is_ours else "theirs"
        parts += [
            _text(LEFT - 12, y + 14, bar.label, "", "end"),
            f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>',
            _text(LEFT + length + 8, y + 14, f"{bar.micros:,.0f}"),
        ]
    end = top + len(panel.bars) * STEP
    axis = f'<line class="axis" x1="{LEFT}" x2="{LEFT}" y1="{top - 6}" y2="{end - 6}"/>'
    return [*parts, axis], end + 12


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(words)}</text>'
