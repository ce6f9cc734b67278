"""A model2vec model as the encoder of the selection: the optional extra `newsletter[semantic]`.

Nothing of it is imported until a model is named. A directory is read without a network; a name such
as `minishlab/potion-base-8M` is taken from the hub's cache on this machine, or else from the hub.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from newsletter.errors import ConfigError
from newsletter.selection import Encoder
from newsletter.selection.texts.hashing import Floats
from newsletter.selection.usual.space import normed

if TYPE_CHECKING:
    from model2vec import StaticModel

SETTING = "selection.model"
_ON_THE_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_WAY_OUT = "or leave it empty, which is fine"


class Model2Vec:
    """A loaded model, for all threads of a process."""

    def __init__(self, model: StaticModel) -> None:
        self._model = model
        self._lock = Lock()  # each call sets the tokenizer up anew, which others must not see

    @property
    def width(self) -> int:
        """How many numbers a vector has."""
        return int(self._model.dim)

    def encode(self, texts: Sequence[str]) -> Floats:
        """A row of unit length for each text; of zeros where the model knows none of its words."""
        if not texts:
            return np.zeros((0, self.width), np.float32)
        # Models are often kept in half precision, too coarse to be brought to unit length in.
        with self._lock:
            rows = self._model.encode(texts, normalize=False, use_multiprocessing=False)
        return normed(rows.astype(np.float32))


def encoder_for(name: str) -> Encoder | None:
    """The encoder that a model's directory or name on the hub stands for; `None` for no name.

    Raises:
        ConfigError: it cannot be used: the extra is not installed, there is no such directory, the
            hub cannot be reached, or what is there is no such model.
    """
    if not name:
        return None
    if not Path(name).is_dir() and not _ON_THE_HUB.fullmatch(name):
        raise _refused(f"there is no directory {name}", "name the directory of a model2vec model")
    encoder = Model2Vec(_loaded(name))
    if not encoder.width or not np.isfinite(encoder.encode(["A paper about models."])).all():
        raise _refused(f"{name} gives no usable numbers", "name another model2vec model")
    return encoder


def _loaded(name: str) -> StaticModel:
    try:
        from model2vec import StaticModel
    except ImportError:
        raise _refused("model2vec is not installed", "pip install 'newsletter[semantic]'") from None
    try:
        return StaticModel.from_pretrained(name, force_download=False)
    except Exception as error:  # noqa: BLE001 - tokenizers and safetensors raise kinds of their own
        raise _refused(*_why(name, error)) from None


def _why(name: str, error: Exception) -> tuple[str, str]:
    said = str(error).partition("\n")[0][:200].rstrip(".")
    if Path(name).is_dir():
        return f"{name} holds no usable model ({said})", "mend it, name another one"
    return (
        f"{name} is neither a directory here nor could it be had from the hub ({said})",
        "check the name and the network, copy the model here and name its directory",
    )


def _refused(problem: str, way_out: str) -> ConfigError:
    return ConfigError(SETTING, [f"{problem}: {way_out}, {_WAY_OUT}"])
