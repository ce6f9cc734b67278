"""Each artefact of the sources becomes clean text, and each look-alike stays what it is."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.sources.text import clean_name, clean_text, safe_url

ARTEFACTS = {
    "hard wrap": ("one line\nand another", "one line and another"),
    "hard wrap with indent": ("A Title That\n  Goes On", "A Title That Goes On"),
    "wrap inside a hyphened word": ("a pre-\ntrained net", "a pre-trained net"),
    "wrap inside a syllable": ("a transforma-\ntion of", "a transformation of"),
    "wrap behind a hanging hyphen": ("both low-\nand high-end", "both low- and high-end"),
    "wrap inside an address": (
        "at https://my-\nsite.github.io/.",
        "at https://my-site.github.io/.",
    ),
    "literal newline": (r"first\nSecond, end.\nthen", "first Second, end. then"),
    "escaped percent": (r"gains 1.44\% (7\%))", "gains 1.44% (7%))"),
    "escaped dollar": (r"only \$148K", "only $148K"),
    "escaped ampersand": (r"Q\&A", "Q&A"),
    "escaped underscore": (r"a snake\_case name", "a snake_case name"),
    "escaped underscore in an address": (r"https://a.org/b\_c/.", "https://a.org/b_c/."),
    "escaped hash": (r"the \#1 spot", "the #1 spot"),
    "lost dollar": (r"for \20 USD", "for $20 USD"),
    "lost dollar, range": (r"costs \8.75-13.50 now", "costs $8.75-13.50 now"),
    "lost dollar, cents": (r"less than \0.1.", "less than $0.1."),
    "counting, no lost dollar": (r"data; \3) Training", "data; 3) Training"),
    "brace around a comma": ("on 1{,}879 and 1{,}000{,}000", "on 1,879 and 1,000,000"),
    "times glued": ("is 2.53times faster", "is 2.53× faster"),
    "times in a size": ("at 1920times1080", "at 1920×1080"),
    "times before a name": ("on 4timesRTX 3090", "on 4× RTX 3090"),
    "times behind a name": ("as MobileNetV2times 1.4", "as MobileNetV2 × 1.4"),
    "times half glued": ("to 1024times 1024 px", "to 1024 × 1024 px"),
    "times between numbers": ("a (512 times 896) grid", "a (512 × 896) grid"),
    "times between letters": ("all N times M pairs", "all N × M pairs"),
    "times twice": ("1.37times/1.24times", "1.37×/1.24×"),
    "times behind K": ("dual 2Ktimes2K", "dual 2K×2K"),
    "times in front": ("up to times100", "up to ×100"),
    "times in braces": ("up to 7{times} faster", "up to 7× faster"),
    "times between ranges": ("100timessim600times faster", "100×~600× faster"),
    "sim glued": ("sim10times larger", "~10× larger"),
    "sim apart": ("and sim 80% impact", "and ~80% impact"),
    "sim in a range": ("in 5sim10 steps", "in 5~10 steps"),
    "sim behind percent": (r"by 15\%sim30\%", "by 15%~30%"),
    "sim with a thin space": ("at sim!30 FPS", "at ~30 FPS"),
    "approx glued": ("in approx0.419 s", "in ≈0.419 s"),
    "approx apart": ("a few (approx 10) senses", "a few (≈ 10) senses"),
    "plus-minus": ("is 5.654pm0.625", "is 5.654±0.625"),
    "degree": ("a 360^circ view, 360^{circ}, 90circ", "a 360° view, 360°, 90°"),
    "degree macro": (r"a 360{\deg} view", "a 360° view"),
    "degrees multiplied": ("a 360^circtimes180^circ field", "a 360°×180° field"),
    "arrow": ("from 3.38rightarrow3.75", "from 3.38→3.75"),
    "arrow behind percent": ("by 8%uparrow", "by 8%↑"),
    "relations": ("leq 1/200 and geq720p, A neq B", "≤ 1/200 and ≥720p, A ≠ B"),
    "power": ("in O(N^2) and 10^{-6}, 2^{64}", "in O(N²) and 10⁻⁶, 2⁶⁴"),
    "power in a name": ("VILA^2, GUI-G^2, M^{2}UGen", "VILA², GUI-G², M²UGen"),
    "power of Greek": ("on tau^2-BENCH", "on τ²-BENCH"),
    "power without glyphs": ("of n^{1+o(1)} and T^{-1/4}", "of n^(1+o(1)) and T^(-1/4)"),
    "power as a word": ("call it ReST^{EM}", "call it ReST^EM"),
    "ordinal": ("the 12^{th} one", "the 12th one"),
    "starred": ("the A^* search of FaSTA^*, V^{star}", "the A* search of FaSTA*, V*"),
    "index": ("with f_i and x_{i}, L_2", "with fᵢ and xᵢ, L₂"),
    "index and power": ("all 21 (C_7^2) pairs", "all 21 (C₇²) pairs"),
    "index in a formula": ("an H_2O cache", "an H₂O cache"),
    "index without glyphs": ("as G_{stack} and V_{0.5}", "as G_stack and V_0.5"),
    "index of Greek": ("policies pi_0 and pi_{0.5}", "policies π₀ and π_0.5"),
    "index of a benchmark": ("reaches AP_{50}", "reaches AP₅₀"),
    "Greek in braces": (r"the {\lambda} of {\Psi}", "the λ of Ψ"),
    "Greek twice": (r"the {\Delta}{\Delta}G", "the ΔΔG"),
    "Greek without braces": (r"PixArt-\Sigma's", "PixArt-Σ's"),
    "abbreviations": (r"(\eg adapters), \ie, x \vs y", "(e.g. adapters), i.e., x vs. y"),
    "abbreviation with its own dot": (r"dogs, \etc. Then", "dogs, etc. Then"),
    "symbols": (r"3.6\times faster, A=B\neq C", "3.6× faster, A=B≠ C"),
    "unknown macro": (r"propose \method, a net", "propose method, a net"),
    "unknown macro with braces": (r"named {\ours}, \name{}", "named ours, name"),
    "unknown macro before a tie": (r"shows \name~wins", "shows name wins"),
    "bold": (r"we use \textbf{Great Arena}", "we use Great Arena"),
    "bold without backslash": ("text{CO}rrecting textbf{all}", "COrrecting all"),
    "bold without backslash, in dollars": (
        "a $textbf{special} and textbf{general}$ one",
        "a special and general one",
    ),
    "switches": (r"{\em one} {\bf two} {bf T}hree", "one two Three"),
    "colours": ("teal{Tools}, orange{Plans}", "Tools, Plans"),
    "emphasis": (r"\emph{scan and snap}", "scan and snap"),
    "calligraphic": ("rate mathcal{O}(T)", "rate O(T)"),
    "braces around a word": ("the {Great} set", "the Great set"),
    "brace without partner": ("see b2}, and {c", "see b2, and c"),
    "brace without partner, glued": ("the NILE}framework", "the NILE framework"),
    "lost fraction": ("only 1{8} of it", "only 1/8 of it"),
    "lost fraction of Greek": ("of size Oleft( d{varepsilon^2} right)", "of size O(d/ε²)"),
    "lost fraction of text": ("is text{length}{3}.", "is length/3."),
    "citation": (r"shown~\cite{a2020b} before", "shown before"),
    "footnote": (r"board\footnote{see below}.", "board (see below)."),
    "address macro": (r"released\url{https://a.org/b_c}.", "released https://a.org/b_c."),
    "href": (r"at \href{https://a.org/b}{our page}.", "at our page (https://a.org/b)."),
    "href without its start": (
        "at {https://a.org/b}{our page}.",
        "at https://a.org/b (our page).",
    ),
    "href glued": (r"webpage\href{https://a.org/{https://a.org/}}", "webpage https://a.org/"),
    "href to itself": (r"\href{https://a.org/b}{a.org/b}", "https://a.org/b"),
    "address doubled": ("at https://a.org/b{https://a.org/b}.", "at https://a.org/b."),
    "address with text": (
        "at https://a.org/b{project page}.",
        "at https://a.org/b (project page).",
    ),
    "address with empty words": ("at https://a.org/b{this https URL}.", "at https://a.org/b."),
    "address in braces": ("at LoLDU{https://a.org/b}.", "at LoLDU https://a.org/b."),
    "address broken by TeX": (
        r"https://a\allowbreak-b.org/\allowbreak c",
        "https://a-b.org/c",
    ),
    "TeX quotes": ("the ``emergent'' ones", "the “emergent” ones"),
    "TeX quotes, closed straight": ('a ``judge" here', "a “judge” here"),
    "TeX quotes, opened wrongly": ("the ''mimicry'' of", "the “mimicry” of"),
    "TeX single quotes": ("a `weaker' and a `dog's' one", "a ‘weaker’ and a ‘dog's’ one"),
    "straight quotes": ('a "free" teacher, "B is A".', "a “free” teacher, “B is A”."),
    "escaped apostrophe": (r"the object\'s mass", "the object's mass"),
    "dash": ("costs--often", "costs–often"),
    "dash apart": ("a -- b -- c", "a – b – c"),
    "range dash": (r"25--39\%", "25–39%"),
    "long dash": ("curve---yet", "curve—yet"),
    "dashed arrow": ("GTA --> City", "GTA → City"),
    "dash by number": ("Llama-2 (7B)x2014a net", "Llama-2 (7B)—a net"),
    "short dash by number": ("scratchx2013even", "scratch–even"),
    "markdown bold": ("**C**hinese **I**mage", "Chinese Image"),
    "markdown emphasis": ("a *two-stage* net (*e.g.* x)", "a two-stage net (e.g. x)"),
    "markdown emphasis, lines": ("that _caused_ it", "that caused it"),
    "markdown code": ("like a `cat.n.01` to", "like a cat.n.01 to"),
    "markdown link": ("[Github](https://a.org/b).", "Github (https://a.org/b)."),
    "markdown link to itself": ("[https://a.org](https://a.org)", "https://a.org"),
    "comment residue": ("agents. %In particular", "agents. In particular"),
    "comment residue, spaced": ("change. % Using it", "change. Using it"),
    "tie": ("models~(LLMs) at~https://a.org", "models (LLMs) at https://a.org"),
    "tie before a number": ("Step-Audio~2 and V-J~(V)", "Step-Audio 2 and V-J (V)"),
    "space before punctuation": ("rag . NLVR2 , Need : A", "rag. NLVR2, Need: A"),
    "space before the dot of an address": ("at https://a.org/b .", "at https://a.org/b."),
    "space inside brackets": ("x ( Intercode Bash ) y", "x (Intercode Bash) y"),
    "doubled dot": ("at https://a.org/b{B}.}.", "at https://a.org/b."),
    "missing space": ("72%,60% and 12X,20X", "72%, 60% and 12X, 20X"),
    "control characters": ("a\x00b\x07c\x85d\x9be", "abc de"),
    "replacement character": ("a\ufffdb", "ab"),
    "lone surrogate": ("a\ud800b", "ab"),
    "bidirectional controls": ("a\u202eb\u2066c\u200f", "abc"),
    "zero width": ("a\u200bb\ufeffc\u200dd\u00ade", "abcde"),
    "no-break space": ("a\u00a0b\u2028c", "a b c"),
    "decomposed accent": ("cafe\u0301", "café"),
    "UTF-8 read as Latin-1": ("the \u00ce\u00b8 of \u00cf\u0089Test", "the θ of ωTest"),
    "accents": (r"Pok\'emon, na\"{\i}ve, Schr\"odinger", "Pokémon, naïve, Schrödinger"),
    "accents in braces": (r"Fr{\'e}chet, It\^o, vis-\`a-vis", "Fréchet, Itô, vis-à-vis"),
}
MATH = {
    "variable": ("between $p$ and $q$.", "between p and q."),
    "cost": ("in $O(n\\log n)$ time", "in O(n log n) time"),
    "calligraphic": (r"is $\mathcal{O}(K^2\log{(N)}/p^3)$", "is O(K² log(N)/p³)"),
    "indices": (r"$\varepsilon_1$-close, $x_i^{2}$", "ε₁-close, xᵢ²"),
    "fraction": (r"$\frac{a+b}{c}$ and $\frac12$", "(a+b)/c and 12"),
    "root": (r"$\sqrt{n}$ and $\sqrt{n+1}$", "√n and √(n+1)"),
    "hat": (r"$\tilde{O}(n)$, $\hat y$", "Õ(n), ŷ"),
    "blackboard": (r"$f\colon\mathbb{R}^n\to\mathbb R$", "f:ℝⁿ→ℝ"),
    "set": (r"over $\{1, \dots, n\}$", "over {1, …, n}"),
    "tall brackets": (r"$\left(\frac{a}{b}\right)^{2}$", "(a/b)²"),
    "unit": (r"to 60 $μ$s, 6.01$\times$", "to 60 μs, 6.01×"),
    "like": (r"$X \sim N(0, I)$", "X ~ N(0, I)"),
    "percent": (r"achieves $25\%$", "achieves 25%"),
    "display": (r"\[ a \le b \]", "a ≤ b"),
}
UNTOUCHED = (
    "is 1.5 times faster",
    "sometimes 3 of them",
    "sim2real and sim-to-real, Habitat-sim 2.0",
    "in sim 100 times",
    "a 2048x2048 grid",
    "at https://hanyx2021.github.io",
    "at https://sim2reason.github.io/x_y~z--w/a_b^c",
    "costs $5 or $10 and 4$ per hour",
    "about ~4% and 0.04~0.08dB, 8~16 videos",
    "RRT* and LIO-SAM + RRT* (CoSTA*), 256*256",
    "<think> and </think>, <TRK>",
    "i.e., <10% precision, p < 0.01",
    "<workload, configuration> pairs",
    "&lt;b&gt; stays",
    "C++, C# and F#",
    "ask @handle or contact_us@lab.example",
    "great 🚀 👩‍💻 work",
    "snake_case, float8_e4m3, Q4_0, imo_1960_p2, __init__",
    "names like Qwen2.5-VL, LLaVA-NeXT, FLUX.1 and GPT-4o's",
    "all 1,879 of 12,000",
    "weights {-1, 0, 1}",
    "approx. 200x smaller",
    "the alpha and beta of it, a tau-bench",
    "left or right (right)",
    "a ratio of 2 : 1",
    "5-7 and A->B",
    "pass^k and LLaVA^w",
    "arXiv:2407.01234, 10:30",
)


@pytest.mark.parametrize(("raw", "clean"), ARTEFACTS.values(), ids=ARTEFACTS.keys())
def test_an_artefact_becomes_clean_text(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@pytest.mark.parametrize(("raw", "clean"), MATH.values(), ids=MATH.keys())
def test_the_math_of_arxiv_becomes_unicode(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_only_looks_like_an_artefact_stays(text: str) -> None:
    assert clean_text(text) == text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (r"Henri Poincar\'e", "Henri Poincaré"),
        (r"Paul Erd\H{o}s", "Paul Erdős"),
        (r"J\"urgen M{\"u}ller", "Jürgen Müller"),
        (r"Luk\'a\v{s} Ho\v{r}ava", "Lukáš Hořava"),
        (r"S\o ren \AA berg, \L ukasz Fran\c{c}ois", "Søren Åberg, Łukasz François"),
        (r"Mar\'{\i}a N\'u\~nez", "María Núñez"),
        ("J.~Doe", "J. Doe"),
        (r"Texas A\&M ", "Texas A&M"),
        ("Eve\r\nBcc: all@x.example", "Eve Bcc: all@x.example"),
        ("a\u202eb\u2067c\u200e\u200b\x00d", "abcd"),
        ("Tu_Character_lab", "Tu_Character_lab"),
        ("李雷", "李雷"),
        ("", ""),
    ],
)
def test_a_name_keeps_its_letters_and_loses_what_is_invisible(raw: str, clean: str) -> None:
    assert clean_name(raw) == clean


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("https://a.example/b?c=d&e=f#g", "https://a.example/b?c=d&e=f#g"),
        ("http://A.Example/Path", "https://a.example/Path"),
        ("HTTP://a.example:80/x", "https://a.example/x"),
        ("https://a.example:8443/x", "https://a.example:8443/x"),
        ("/avatars/x.svg", ""),
        ("//cdn.example/x.png", ""),
        ("https://a.example/é?q=ü", "https://a.example/%C3%A9?q=%C3%BC"),
        ("https://a.example/%20b", "https://a.example/%20b"),
        ("", ""),
        ("javascript:alert(1)", ""),
        ("JaVaScRiPt:alert(1)", ""),
        ("data:text/html,x", ""),
        ("mailto:a@b.example", ""),
        ("ftp://a.example/x", ""),
        ("https:x.example", ""),
        ("https:///x", ""),
        ("https://user:pw@a.example/", ""),
        ("https://a.example@evil.example/", ""),
        ("https://127.0.0.1/x", ""),
        ("https://[::1]/x", ""),
        ("https://2130706433/", ""),
        ("https://0x7f.0.0.1/", ""),
        ("https://127.1/", ""),
        ("https://localhost/", ""),
        ("https://a..example/", ""),
        ("https://a.example:99999/", ""),
        ("https://bücher.example/", ""),
        ("https://a.example/b c", ""),
        ("https://a.example/b\n", ""),
        ("https://a.example\\@evil.example", ""),
        ('https://a.example/"onload=x', ""),
        ("https://a.example/\ud800", ""),
        ("https://a.example/" + "x" * 2000, ""),
        ("https://a.example/" + "é" * 500, ""),
    ],
)
def test_only_a_plain_public_address_may_stand_in_a_mail(raw: str, safe: str) -> None:
    assert safe_url(raw) == safe


PIECES = re.split(
    " ",
    r"\ { } $ ^ _ ` ' '' `` ~ % & # * ** - -- --- , . ; : ( ) [ ] < > @ / 1 2.5 20 a b N K word "
    r"sim times approx pm circ x2014 left right text{ \textbf{ \frac{ \sqrt{ \alpha tau pi \n "
    r"\name \eg \% \$ \{ \} \\ \' \" \^ \c \i \o \url{ \href{ \cite{ \left( \log \tilde mathbb{R} "
    r"http://a.b https://x.org/a_b~c--d github.com/a/b_c {https:// ](https://x.y [t]( red{ bf leq "
    r"rightarrow cdot",
)
WILD = st.lists(
    st.sampled_from(
        [*PIECES, " ", "\n", "-\n", '"', "\x85", "\u200b", "\ud800", "Î", "¸", "e\u0301"]
    ),
    max_size=40,
).map("".join)


@given(WILD | st.text(max_size=120))
@example(r"sim2" * 40)
@example(r"\'" * 20 + "e")
@example("Â" * 40 + "ª")
@example("{" * 40 + "a,b" + "}" * 40)
def test_cleaning_is_idempotent_and_gives_one_short_visible_line(raw: str) -> None:
    clean = clean_text(raw)
    assert clean_text(clean) == clean
    assert len(clean) <= 2 * len(raw)
    assert clean == clean.strip()
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Co", "Zl", "Zp"} for char in clean)
    assert "  " not in clean


@given(WILD | st.text(max_size=120))
def test_cleaning_a_name_is_idempotent_and_gives_one_visible_line(raw: str) -> None:
    clean = clean_name(raw)
    assert clean_name(clean) == clean
    assert len(clean) <= 2 * len(raw)
    assert clean == " ".join(clean.split())
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]", clean)


ADDRESSES = st.from_regex(r"https?://[a-z]{2,8}\.org/[a-zA-Z0-9_~/=%-]{0,30}[a-z]", fullmatch=True)


@given(ADDRESSES)
def test_an_address_in_a_sentence_survives(address: str) -> None:
    clean = clean_text(f"2times more (see {address}). The rest--of it, {address}.")
    assert clean == f"2× more (see {address}). The rest–of it, {address}."


@given(st.text(max_size=80) | WILD | ADDRESSES)
def test_a_safe_address_is_plain_https_and_stays_itself(raw: str) -> None:
    safe = safe_url(raw)
    assert safe == "" or re.fullmatch(r'https://[a-z0-9_.:-]+[^\s"<>\\]*', safe)
    assert safe.isascii()
    assert safe_url(safe) == safe


def test_the_work_grows_with_the_length_of_a_hostile_text() -> None:
    """No backtracking explosion and no deep recursion: 50,000 signs of each kind come back."""
    for unit in (
        "{",
        "{a,",
        "\\",
        "\\frac{",
        "^{",
        "$a",
        "\\'",
        "https://",
        "[a](",
        "``",
        "sim2",
        ",",
        " .",
    ):
        assert len(clean_text(unit * (50_000 // len(unit)))) <= 100_000
