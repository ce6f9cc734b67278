"""A small real model from a package: wordllama's vectors, written as a model2vec directory."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_WIDTH = 64  # its vectors are trained so that their first numbers do, too


def write_model(folder: Path) -> Path:
    """Writes it; skips the test where a package is missing."""
    if missing := [
        name for name in ("model2vec", "wordllama") if not importlib.util.find_spec(name)
    ]:
        pytest.skip(f"{' and '.join(missing)} not installed: no model to be had")
    from model2vec import StaticModel
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    # Not imported itself: it would load what nobody needs here.
    package = Path(importlib.util.find_spec("wordllama").origin).parent
    words = package / "tokenizers" / "l2_supercat_tokenizer_config.json"
    vectors = load_file(package / "weights" / "l2_supercat_256.safetensors")["embedding.weight"]
    tokenizer = Tokenizer.from_file(str(words))
    StaticModel(vectors[:, :_WIDTH], tokenizer).save_pretrained(folder)
    return folder
