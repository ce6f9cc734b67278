"""Scores the selector on real reading lists beside other methods, and prints one table.

    make evaluate                                        # ours, rocchio, bm25, arxiv_sanity, ref_light
    make evaluate ARGS="--against ref_light --only weekly_hf"
    make evaluate ARGS="--model DIRECTORY --against plain"  # with a model2vec model, beside without

The lists, the protocol and the other methods lie in ../shared/relevance beside this checkout. The
difference to each method is over groups (curated lists), with a 95 % interval by bootstrap.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from newsletter.encoder import encoder_for

DATA = Path(__file__).resolve().parents[2] / "shared" / "relevance"
METHODS = "rocchio,bm25,arxiv_sanity,ref_light"
NOT_HERE = (
    f"The reading lists are missing: {DATA} holds no evaluate.py, so there is nothing to measure "
    "against; the planted topics of tests/selection/test_evaluation.py need nothing from outside."
)

Groups = dict[str, float]  # group -> mean nDCG@10
Figures = dict[str, tuple[Groups, Groups]]  # set -> nDCG@10 and, where it applies, disliked@10


def main(arguments: Sequence[str]) -> None:
    """Measures and prints."""
    asked = _parser().parse_args(arguments)
    if not (DATA / "evaluate.py").is_file():
        print(NOT_HERE)
        return
    sys.path[:0] = [str(DATA), str(Path(__file__).parent)]
    only = set(filter(None, asked.only.split(",")))
    theirs = {
        name: measured(*_method(name), only, asked.most)
        for name in filter(None, asked.against.split(","))
    }
    adapter: Any = importlib.import_module("evaluate_adapter")
    adapter.measure_by(encoder_for(asked.model))
    ours = measured("evaluate_adapter", "score", only, asked.most)
    print(table(ours, theirs))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--against", default=METHODS, help="names in baselines.py, or plain: ours without a model"
    )
    parser.add_argument("--model", default="", help="a model2vec directory, as in selection.model")
    parser.add_argument("--only", default="", help="sets, by commas")
    parser.add_argument("--most", type=int, default=0, help="cases of each set; 0 for all")
    return parser


def _method(name: str) -> tuple[str, str]:
    return ("evaluate_adapter", "score") if name == "plain" else ("baselines", name)


def measured(module: str, function: str, only: set[str], most: int) -> Figures:
    """One method on the dev side, by group."""
    protocol: Any = importlib.import_module("evaluate")
    method = importlib.import_module(module)
    figures: Figures = {}

    def keep(_out: object, _side: str, name: str, rows: list[Any], seconds: float) -> None:
        figures[name] = _by_group(rows, "nDCG@10"), _by_group(rows, "disliked@10")
        print(f"{module}:{function} {name} {seconds:.0f} s", file=sys.stderr, flush=True)

    protocol.report = keep
    protocol.run_stream(method, getattr(method, function), "dev", only, most, {})
    return figures


def _by_group(rows: Sequence[tuple[object, dict[str, float]]], metric: str) -> Groups:
    groups: dict[str, list[float]] = {}
    for group, values in rows:
        if metric in values:
            groups.setdefault(str(group), []).append(values[metric])
    return {group: float(np.mean(values)) for group, values in groups.items()}


def table(ours: Figures, theirs: dict[str, Figures]) -> str:
    """Ours, and for each other method its figure and how far we are ahead."""
    lines = [
        "| nDCG@10 on dev | ours | " + " | ".join(theirs) + " |",
        "|---" * (len(theirs) + 2) + "|",
    ]
    for name, (groups, disliked) in ours.items():
        cells = [f"**{_mean(groups):.3f}**"]
        cells += [_beside(groups, other[name][0]) for other in theirs.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
        if disliked:
            shares = [disliked, *(other[name][1] for other in theirs.values())]
            lines.append(
                "| … disliked@10 (low is good) | "
                + " | ".join(f"{_mean(share):.2f}" for share in shares)
                + " |"
            )
    return "\n".join(lines)


def _mean(groups: Groups) -> float:
    return float(np.mean(list(groups.values())))


def _beside(ours: Groups, theirs: Groups) -> str:
    low, high = interval([ours[group] - theirs[group] for group in ours])
    ahead = _mean(ours) - _mean(theirs)
    return f"{_mean(theirs):.3f} ({ahead:+.3f}, {low:+.3f} to {high:+.3f})"


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """Where 95 % of the means lie when the groups are drawn anew."""
    values = np.array(differences)
    draws = np.random.default_rng(0).integers(0, len(values), (10_000, len(values)))
    means = values[draws].mean(axis=1)
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


if __name__ == "__main__":
    main(sys.argv[1:])
