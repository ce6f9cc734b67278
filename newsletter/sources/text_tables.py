"""The tables of `text.py`: what single LaTeX names stand for, and one rewriting rule per artefact.

pylatexenc knows some 600 macro names that are one character; its parser is not used, because it
drops everything behind a bare `%`, turns `~` into a space and loses the `\\2` of a lost `\\$20`.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from newsletter.tex import LETTERS, signs


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ABBREVIATIONS: Final = {
    "aka": "a.k.a.",
    "cf": "cf.",
    "eg": "e.g.",
    "etal": "et al.",
    "etc": "etc.",
    "ie": "i.e.",
    "vs": "vs.",
    "wrt": "w.r.t.",
}

_OWN_SYMBOLS: Final = {
    "LaTeX": "LaTeX",
    "TeX": "TeX",
    "cdots": "…",
    "colon": ":",
    "deg": "°",
    "dots": "…",
    "ldots": "…",
    "lvert": "|",
    "mid": "|",
    "prime": "′",
    "qquad": " ",
    "quad": " ",
    "rvert": "|",
    "sim": "~",
    "star": "*",
    "ast": "*",
    "textasciitilde": "~",
    "textbar": "|",
    "textdegree": "°",
    "textendash": "–",
    "textemdash": "—",
    "textgreater": ">",
    "textless": "<",
    "thicksim": "~",
    "vert": "|",
    "Vert": "‖",
    "lVert": "‖",
    "rVert": "‖",
    "varnothing": "∅",
}

# Names that only change the look or the place of what follows: nothing of them is text.
SWITCHES: Final = frozenset(
    _words("""bf it em sc tt rm sl sf bfseries itshape scshape ttfamily normalfont tiny small large Large huge
    left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr displaystyle textstyle
    scriptstyle limits nolimits noindent centering par newline linebreak allowbreak nonumber
    xspace protect unskip ensuremath mathbf mathrm mathit mathsf mathtt mathcal mathscr mathfrak
    boldsymbol bm operatorname textbf textit texttt textsc textrm text emph mbox hbox frac
    tilde hat bar vec dot ddot""")
)

# Commands whose argument is an address inside the paper or a measure, never text.
DROPPED: Final = frozenset(
    _words("""cite citep citet citealp citeauthor citeyear ref eqref cref Cref autoref label begin end
    vspace hspace vskip hskip phantom bibliography input include""")
)

# Operators that TeX itself sets in letters: the name stays in front of its argument.
OPERATORS: Final = frozenset(
    _words("""log ln exp max min sup inf lim arg sin cos tan arcsin arccos arctan sinh cosh tanh det dim
    ker deg gcd Pr argmax argmin softmax""")
)

# Colour commands; HF strips the backslash, and `\textcolor{red}{x}` leaves `red{x}`.
COLOURS: Final = "red|blue|green|orange|teal|purple|cyan|magenta|violet|brown|gray|grey|black"

# Formatting commands that are recognisable without their backslash when a brace follows.
FORMATS: Final = (
    "text(?:bf|it|tt|sc|rm|sf|sl|up|normal)?|math(?:cal|bf|bb|rm|it|sf|tt|frak|scr)"
    "|emph|underline|operatorname|boldsymbol|" + COLOURS
)

# Names that are no English words: safe to read as LaTeX even without a backslash.
NO_WORDS: Final = _words(
    "rightarrow leftarrow leftrightarrow Rightarrow Leftarrow uparrow downarrow longrightarrow"
    " circlearrowright leq geq neq leqslant geqslant lesssim gtrsim approxeq simeq propto cdot"
    " infty varepsilon varphi vartheta ldots cdots lceil rceil lfloor rfloor langle rangle"
    " subseteq supseteq notin emptyset mathbb"
)

# Greek (and two look-alikes) spelled out: only in front of an index or exponent surely math.
GREEK: Final = _words(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau"
    " upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell nabla"
)

MATH_ACCENTS: Final = {
    "tilde": "\u0303",
    "widetilde": "\u0303",
    "hat": "\u0302",
    "widehat": "\u0302",
    "bar": "\u0304",
    "overline": "\u0304",
    "vec": "\u20d7",
    "dot": "\u0307",
    "ddot": "\u0308",
}

DOUBLE_STRUCK: Final = {"C": "ℂ", "N": "ℕ", "P": "ℙ", "Q": "ℚ", "R": "ℝ", "Z": "ℤ"}

# Only the glyphs that mail fonts draw everywhere; a superscript k would be a box on some phones.
SUPERSCRIPTS: Final = dict(zip("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ", strict=True))
SUBSCRIPTS: Final = dict(
    zip("0123456789+-−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True)
)


_TAKEN = {"-", "textcompwordmark", "nolinebreak", *SWITCHES, *DROPPED, *MATH_ACCENTS}
# Macro name -> text. One character outside ASCII each, but for our own few words.
SYMBOLS: Final = {
    **{name: sign for name, sign in signs().items() if name not in _TAKEN},
    **_OWN_SYMBOLS,
    **_ABBREVIATIONS,
}


# --- characters

# Zero-width and bidirectional controls, soft hyphen, tags, surrogates, U+FFFD, private use (which
# the passes need for themselves). The zero-width joiner stays between emoji, where it is a letter.
INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\ue000-\uf8ff"
    "\U000e0000-\U000e007f\U000f0000-\U0010ffff]"
    "|(?<![\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d|\u200d(?![\u2190-\u2bff\U0001f000-\U0001faff])"
)
CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
# UTF-8 read as Latin-1, seen in recorded arXiv answers: only what decodes to Latin, Greek,
# Cyrillic letters or to punctuation and math signs.
MOJIBAKE: Final = re.compile("[\u00c2-\u00d1][\u0080-\u00bf]|\u00e2[\u0080-\u00af][\u0080-\u00bf]")
# More than four marks on a letter decorate, and would make composing slow.
PILED: Final = re.compile("([\u0300-\u036f]{4})[\u0300-\u036f]+")
COMBINED: Final = re.compile("\\w[\u0300-\u036f]+")
SUFFIX_WRAP: Final = re.compile(r"-(?<=[a-z]-)[ \t]*\r?\n\s*(?=(?:ings?|tions?|ments?|ness)\b)")
WRAP: Final = re.compile(r"-(?<=\w-)[ \t]*\r?\n\s*(?=\w)(?!(?:and|or|to|nor|but|versus)\b)")


# --- links

HREF: Final = re.compile(r"\\href\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
URL_MACRO: Final = re.compile(r"\\(?:url|nolinkurl|path)\s*\{\s*([^{}]*?)\s*\}")
MARKDOWN_LINK: Final = re.compile(
    r"!?\[([^\[\]]{1,300})\]\(\s*(https?://[^\s()]+|[\w.-]+\.[a-z]{2,}/[^\s()]*)\s*\)"
)
BRACED_AFTER_URL: Final = re.compile(
    r"((?:https?://|(?<![\w@./-])(?:[a-z0-9][a-z0-9-]*\.)+[a-z]{2,}/)(?:(?!https?://)[^\s{}\\])+)"
    r" ?\{\s*([^{}]*?)\s*\}"
)
URL_BRACED: Final = re.compile(r"(?<=[\w}])\{(?=https?://)")
SAYS_NOTHING: Final = re.compile(
    r"(?:this|the)?\s*(?:https?|hyperlink|link|url)*\s*(?:url|link)", re.IGNORECASE
)


# --- LaTeX

ACCENT: Final = re.compile(
    r"\\(?:(['\"`^~=.])\s?|([cvuHkrdb])(?:(?=\{)|\s+(?=\\?[A-Za-z](?![A-Za-z]))))"
    r"(?:\{\s*\\?([A-Za-z])\s*\}|\\?([ij])(?![A-Za-z])|([A-Za-z]))"
)
LETTER: Final = re.compile(r"\\(" + "|".join(LETTERS) + r")(?:\{\}|\s+(?=[a-z])|(?![A-Za-z{]))")
MATH: Final = re.compile(r"\${1,2}(?=[^\s$])([^$]{1,300}?)(?<=\S)\${1,2}(?![\d$])")
PROSE: Final = re.compile(r"[\d.,]+[kKMB]?\s.*(?<![\\A-Za-z])[A-Za-z]{3}")
BLACKBOARD: Final = re.compile(r"\\?mathbb\s*(?:\{([A-Z])\}|([A-Z])(?![A-Za-z]))")
MATH_ACCENT: Final = re.compile(
    r"\\(" + "|".join(MATH_ACCENTS) + r")(?![A-Za-z])\s*([^\W\d_])(?![A-Za-z])"
)
NAME: Final = re.compile(r"\\([A-Za-z]+)\*?( ?)(\{?)")
FRACTION: Final = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
GROUP: Final = re.compile(
    rf"(\\[A-Za-z]+\*?\s?|[\^_]|(?<![A-Za-z\\])(?:{FORMATS}))?\{{([^{{}}]*)\}}"
)
SWITCH: Final = re.compile(r"\s*(?:\\(?:bf|it|em|sc|tt|rm|sl)\b|(?:bf|em|sc|tt)(?=\s))\s*")


# --- powers and indices

GREEK_WORD: Final = re.compile(
    rf"(?<![A-Za-z\\])({'|'.join(GREEK)})(?=[_^](?:\{{|\d|[A-Za-z](?![A-Za-z])))"
)
POWER: Final = re.compile(
    r"(?<=[^\s^])\^([+−-]?\d+(?!\.?\d)|[*′†‡∘°⋆+](?!\w)|circ(?![a-z])|[*∘°](?=\w)|star(?![a-z])"
    r"|[ni](?![A-Za-z]))"
)
INDEX: Final = re.compile(r"(?<!\w)([^\W\d_])_(\d{1,2}(?!\.\d)(?![\da-z_])|[a-z](?![A-Za-z\d_]))")
SIMPLE: Final = re.compile(r"[+−-]?[\w.,∞*]+")


class Rule(NamedTuple):
    """One rewriting step; `needle` is a cheap test, because most texts need few of the steps."""

    needle: str
    pattern: re.Pattern[str]
    replacement: str


def _rule(needle: str, pattern: str, replacement: str) -> Rule:
    return Rule(needle, re.compile(pattern), replacement)


_N_NAMES = "|".join(sorted((name[1:] for name in SYMBOLS if name[0] == "n"), key=len, reverse=True))

# Before addresses are set aside: what would tear one apart.
UNWRAP: Final = (
    _rule("\\allowbreak", r"\\allowbreak\s?", ""),
    _rule("\\", r"\\([_#&%])", r"\1"),
    _rule("/\\~", r"/\\~(?:\{\})?", "/~"),
    _rule("\\href", r"(?<=\w)\\(?=href\b)", r" \\"),
    # `\href{u}{t}` that lost its head
    _rule("}{", r"(?<!\\href\{)(https?://(?:(?!https?://)[^\s{}\\])+)\}\{", r"\1{"),
    _rule("{{", r"\{\{([^{}]*)\}\}", r"{\1}"),
    _rule("color", rf"\\(?:text)?color\s*\{{(?:{COLOURS})\}}", ""),
    _rule("color", r"\\(?:textcolor|colorbox)\s*\{[^{}]*\}(?=\s*\{)", ""),
    _rule("{", rf"(?<![A-Za-z\\])(?:{COLOURS})\{{([^{{}}]*)\}}", r"\1"),
)

# Everything of LaTeX that needs no look at groups. The order is part of the meaning.
LATEX: Final = (
    # `agents. %In particularly`: a comment sign behind a full sentence, its line break lost
    _rule(" %", r"(?<=[.!?]) %\s?(?=[A-Za-z])", " "),
    _rule("%", r"^%\s?(?=[A-Z])", " "),
    _rule("\\", r"\\(?:left|right|middle|[Bb]igg?[lrm]?)\.?(?![A-Za-z])", ""),
    _rule("\\\\", r"\\\\", " "),
    # literal \n: no macro of TeX, and either a capital follows or a word ends right before it
    _rule(
        "\\n",
        rf"\\n(?!(?:{_N_NAMES})(?![A-Za-z]))(?:(?![a-z])|(?<=[a-z.,;:!?)]\\n))",
        " ",
    ),
    _rule("\\", r"\\[rt](?![A-Za-z])", " "),
    _rule("\\'", r"(?<=\w)\\'(?=(?:s|t|re|ve|ll|d|m)\b)", "'"),
    _rule("\\^{", r"\\\^\{\}", "^"),
    _rule("\\|", r"\\\|", "‖"),
)
ESCAPES: Final = (
    _rule("\\", r"\\[,;: >]", " "),
    _rule("\\", r"\\[!/()\[\]-]", ""),
    _rule("\\", r"\\([{}$])", r"\1"),
    # `\3) Pipeline` counts, `\20 USD` lost its dollar
    _rule("\\", r"(?<=[;,.:] )\\(?=\d\))", ""),
    _rule("\\", r"\\(?=\d)", "$"),
    # `only 1{8} of the data` was \frac{1}{8}
    _rule("{", r"(?<![\w.])(\d+)\{(\d+)\}", r"\1/\2"),
    _rule("{", rf"(?<!\w)(\w)\{{((?:{'|'.join((*GREEK, 'varepsilon'))})(?:\^\d)?)\}}", r"\1/\2"),
    _rule("}{", r"(?<![A-Za-z\\])(?:text|mathrm)\{([^{}]*)\}\{(\d+)\}", r"\1/\2"),
)
STRAY_DOLLARS: Final = (
    _rule(
        "$",
        r"(?<=[^\W\d])(?<!US)(?<!\d[kKMB])\$(?!\s?\.?\d)|(?<=[)}\]])\$(?!\s?\.?\d)"
        r"|(?<!\d)\$(?=[^\W\d]|[\\({\[|])",
        "",
    ),
)

_TIMES = r"times(?:(?<=[\d°²³⁴]times)|(?<=\d[Kk]times))"

# HF strips `$` and backslash, so operators arrive as words glued to numbers.
WORDS: Final = (
    _rule("x20", r"(?<=[A-Za-z)\]])(?<!\d) ?x2013(?!\d)", "–"),
    _rule("x20", r"(?<=[A-Za-z)\]])(?<!\d) ?x2014(?!\d)", "—"),
    _rule("x2019", r"(?<=[a-z])x2019(?=(?:s|t)\b)", "’"),
    _rule("circ", r"(?<=\d)\^?circ(?:(?![a-z])|(?=times))", "°"),
    _rule(" times ", r" times (?=\d)(?<=[\d°²³⁴KkMB] times )", " × "),
    _rule("times", rf"{_TIMES} (?=\d)", " × "),
    _rule("times", rf"{_TIMES}(?=[A-Z])", "× "),
    _rule("times", rf"{_TIMES}(?:(?![a-z])|(?=sim|approx))", "×"),
    _rule("times", r"(?<![A-Za-z])times(?=\d)", "×"),
    _rule("times", r"\b([A-Z]) times ([A-Z])\b", r"\1 × \2"),
    _rule("times", r"\b([a-z])times ([a-z])\b", r"\1×\2"),
    # not sim2real; `in sim 100 times` talks of a simulator
    _rule("sim", r"sim(?<![A-Za-z_\-./@]sim)(?<!sim2sim)(?!2[A-Za-z]{3})!?(?=[\d$])", "~"),
    _rule("sim ", r"sim (?=[\d$])(?<![A-Za-z_\-./@]sim )(?<!in sim )", "~"),
    _rule("approx", r"approx(?<![A-Za-z_\-./@]approx)(?= ?[\d$])", "≈"),
    _rule("pm", r"(?<=\d)pm(?=\d)", "±"),
    *(
        _rule(name, rf"(?<![A-Za-z\\]){name}(?![A-Za-z])", SYMBOLS[name])
        for name in NO_WORDS
        if name not in {"cdot", "mathbb"}
    ),
    _rule("cdot", r"cdot(?![a-z])", "·"),
    _rule("left|", r"(?<![A-Za-z])(?:left|right)\|", "|"),
    _rule("right|", r"(?<![A-Za-z])right\|", "|"),
    _rule("left(", r"left\(([^()]{0,80}?)\s?right\)", r"(\1)"),
)

MARKDOWN: Final = (
    _rule("**", r"\*{2,3}(?=[^\s*])([^*]{1,400}?)(?<=[^\s*])\*{2,3}", r"\1"),
    _rule("*", r"(?<![\w*)\]^])\*(?=[^\s*])([^*]{1,400}?)(?<=[^\s*])\*(?![\w*])", r"\1"),
    _rule("_", r"(?<![\w/])_(?=[^\W_])([^_]{1,80}?)(?<=[^\W_])_(?!\w)", r"\1"),
)

QUOTES: Final = (
    _rule("``", r"`{2,} ?", "“"),
    _rule("''", r"(?<![\w“”.,!?'])'{2,}(?=\w)", "“"),
    _rule("''", r"'{2,}", "”"),
    _rule("“", r"“([^“”\"]{1,300})\"", r"“\1”"),
    _rule("`", r"(?<!\w)`((?:[^`']|'(?=\w)){1,80})'(?!\w)", r"‘\1’"),
    _rule("`", r"`([^`]{1,200})`", r"\1"),
    _rule("`s", r"(?<=\w)`(?=s\b)", "'"),
    _rule("`", r"(?<!\w)`(?=\w)", "‘"),
    _rule("`", r"`", ""),
    # only whole pairs: `5"` stays inches, and an attribute stays an attribute
    _rule('"', r"(?<![\w=”“])\"(?=[^\s\"])([^\"“”]{1,300}?)(?<=[^\s\"])\"(?!\w)", r"“\1”"),
)

DASHES: Final = (
    _rule("--", r"(?<![-<])-{2,}>", "→"),
    _rule("--", r"<-{2,}(?![->])", "←"),
    _rule("---", r"-{3,}", "—"),
    _rule("--", r"--", "–"),
)

SPACING: Final = (
    # `~` is TeX's space between words and "about" before numbers
    _rule("~", r"(?<=[^\W\d])(?<!\d[A-Za-z])~(?=\d)|(?<=[^\W\d])~(?=\s)", " "),
    _rule("~", r"(?<=[^\s\d~/])~(?=[^\s\d~/.,;:)])", " "),
    _rule("~", r"(?<=\s)~(?=[^\W\d]{2}|[\U000F0000-\U0010FFFD])", ""),
    *(_rule(f" {sign}", rf"\s+{re.escape(sign)}(?=\s|$)", sign) for sign in ".,;!?"),
    _rule(" :", r"(?<!\d) +:(?=\s|$)|(?<=\d) +:(?=\s?[^\s\d]|$)", ":"),
    _rule("::", r"(?<=\w)::(?=\s)", ":"),
    _rule(",.", r"(?<!,),+\.(?=\s|$)", "."),
    _rule("..", r"(?<=[^.\s])\.\.(?=\s|$)", "."),
    _rule("( ", r"\(\s+(?=\w)", "("),
    _rule(" )", r"(?<=\w)\s+\)", ")"),
    _rule(",", r",(?=\d)(?:(?<=%,)|(?<=\d[xX×],)|(?<=[a-z]{3},))", ", "),
)
