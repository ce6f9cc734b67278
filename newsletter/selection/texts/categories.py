"""The arXiv categories by code and by official name (arxiv.org/category_taxonomy)."""

from __future__ import annotations

import re
from collections.abc import Iterable

NAMES = {
    "cs.AI": "Artificial Intelligence",
    "cs.AR": "Hardware Architecture",
    "cs.CC": "Computational Complexity",
    "cs.CE": "Computational Engineering, Finance, and Science",
    "cs.CG": "Computational Geometry",
    "cs.CL": "Computation and Language",
    "cs.CR": "Cryptography and Security",
    "cs.CV": "Computer Vision and Pattern Recognition",
    "cs.CY": "Computers and Society",
    "cs.DB": "Databases",
    "cs.DC": "Distributed, Parallel, and Cluster Computing",
    "cs.DL": "Digital Libraries",
    "cs.DM": "Discrete Mathematics",
    "cs.DS": "Data Structures and Algorithms",
    "cs.ET": "Emerging Technologies",
    "cs.FL": "Formal Languages and Automata Theory",
    "cs.GL": "General Literature",
    "cs.GR": "Graphics",
    "cs.GT": "Computer Science and Game Theory",
    "cs.HC": "Human-Computer Interaction",
    "cs.IR": "Information Retrieval",
    "cs.IT": "Information Theory",
    "cs.LG": "Machine Learning",
    "cs.LO": "Logic in Computer Science",
    "cs.MA": "Multiagent Systems",
    "cs.MM": "Multimedia",
    "cs.MS": "Mathematical Software",
    "cs.NA": "Numerical Analysis",
    "cs.NE": "Neural and Evolutionary Computing",
    "cs.NI": "Networking and Internet Architecture",
    "cs.OH": "Other Computer Science",
    "cs.OS": "Operating Systems",
    "cs.PF": "Performance",
    "cs.PL": "Programming Languages",
    "cs.RO": "Robotics",
    "cs.SC": "Symbolic Computation",
    "cs.SD": "Sound",
    "cs.SE": "Software Engineering",
    "cs.SI": "Social and Information Networks",
    "cs.SY": "Systems and Control",
    "eess.AS": "Audio and Speech Processing",
    "eess.IV": "Image and Video Processing",
    "eess.SP": "Signal Processing",
    "eess.SY": "Systems and Control",
    "gr-qc": "General Relativity and Quantum Cosmology",
    "hep-ex": "High Energy Physics - Experiment",
    "hep-lat": "High Energy Physics - Lattice",
    "hep-ph": "High Energy Physics - Phenomenology",
    "hep-th": "High Energy Physics - Theory",
    "math-ph": "Mathematical Physics",
    "math.NA": "Numerical Analysis",
    "math.OC": "Optimization and Control",
    "math.PR": "Probability",
    "math.ST": "Statistics Theory",
    "math.CO": "Combinatorics",
    "math.IT": "Information Theory",
    "math.DS": "Dynamical Systems",
    "nucl-ex": "Nuclear Experiment",
    "nucl-th": "Nuclear Theory",
    "physics.comp-ph": "Computational Physics",
    "q-bio.BM": "Biomolecules",
    "q-bio.GN": "Genomics",
    "q-bio.NC": "Neurons and Cognition",
    "q-bio.QM": "Quantitative Methods",
    "quant-ph": "Quantum Physics",
    "stat.AP": "Applications",
    "stat.CO": "Computation",
    "stat.ME": "Methodology",
    "stat.ML": "Machine Learning",
    "stat.OT": "Other Statistics",
    "stat.TH": "Statistics Theory",
}
_ARCHIVES = frozenset(
    (*(code.partition(".")[0] for code in NAMES), "astro-ph", "cond-mat", "econ", "nlin", "q-fin")
)


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


_BY_NAME: dict[str, frozenset[str]] = {
    _squeezed(name): frozenset(
        code.casefold() for code, other in NAMES.items() if _squeezed(other) == _squeezed(name)
    )
    for name in NAMES.values()
}
_CODES = frozenset(code.casefold() for code in NAMES) | _ARCHIVES


def codes(text: str) -> frozenset[str]:
    """The codes, in small letters, that a code, an archive (`cs`) or an official name stands for.

    Some names stand for several codes: "Machine Learning" is `cs.LG` and `stat.ML`. A code that is
    not in the table still counts when it looks like one (`astro-ph.GA`); other text gives none.
    """
    folded = text.strip().casefold()
    if folded in _CODES or re.fullmatch(r"[a-z]+(-[a-z]+)?\.[a-z-]{2,8}", folded):
        return frozenset({folded})
    return _BY_NAME.get(_squeezed(text), frozenset())


def holds(followed: frozenset[str], categories: Iterable[str]) -> bool:
    """Whether one of a paper's categories is followed, itself or through its archive."""
    return any(
        code.casefold() in followed or code.casefold().partition(".")[0] in followed
        for code in categories
    )
