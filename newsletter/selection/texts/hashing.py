"""Text -> counted words and pairs at fixed places, so that no vocabulary has to be kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy import sparse

from newsletter.selection.texts.words import content_words

Floats = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.integer[Any]]
Matrix = Any  # scipy.sparse.csr_matrix; scipy carries no types

# Words and pairs live apart: the latent space is made of words alone. With twice the places
# nDCG@10 is the same.
WORD_PLACES = 2**17
PAIR_PLACES = 2**18
PLACES = WORD_PLACES + PAIR_PLACES
_AT_ONCE = 500  # texts
_MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)

Parts = Sequence[tuple[str, float]]  # pieces of one text, each with how often it counts


def counts(texts: Iterable[Parts]) -> Matrix:
    """One row for each text, with a count for each word and each pair of neighbours in it."""
    known: dict[str, int] = {}
    lengths: list[int] = []
    places, said = [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
    source = iter(texts)
    # A few at a time, lest thousands of small arrays leave as many holes in memory.
    while rows := [_row(parts, known) for parts in islice(source, _AT_ONCE)]:
        lengths += (len(at) for at, _ in rows)
        places.append(np.concatenate([at for at, _ in rows]))
        said.append(np.concatenate([times for _, times in rows]))
    indptr = np.cumsum([0, *lengths])
    matrix = np.concatenate(said), np.concatenate(places), indptr
    return sparse.csr_matrix(matrix, shape=(len(lengths), PLACES))


def single_words(text: str) -> list[Parts]:
    """Each different word of a text as a text of its own."""
    return [((word, 1.0),) for word in dict.fromkeys(content_words(text))]


def chosen(rows: Sequence[Sequence[int]], width: int) -> Matrix:
    """A matrix with a 1 at the given columns of each row."""
    indices = np.array([at for row in rows for at in row], dtype=np.int32)
    indptr = np.cumsum([0, *(len(row) for row in rows)])
    return sparse.csr_matrix((np.ones(len(indices)), indices, indptr), shape=(len(rows), width))


def row_of(matrix: Matrix, row: int) -> list[int]:
    """The columns of what stands in a row."""
    return list(matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]])


def _row(parts: Parts, known: dict[str, int]) -> tuple[npt.NDArray[np.int32], Floats]:
    found = [_places(content_words(text), known) for text, _ in parts]
    times = np.repeat([times for _, times in parts], [len(places) for places in found])
    places, which = np.unique(np.concatenate([np.zeros(0, np.int64), *found]), return_inverse=True)
    said = np.bincount(which, weights=times, minlength=len(places))
    return places.astype(np.int32), said.astype(np.float32)


def _places(said: Sequence[str], known: dict[str, int]) -> Ints:
    for word in said:
        if word not in known:
            known[word] = crc32(word.encode("utf-8", "replace"))
    hashed = np.fromiter((known[word] for word in said), np.uint64, len(said))
    pairs = (hashed[:-1] * _MIX[0]) ^ (hashed[1:] * _MIX[1])
    in_words = hashed % np.uint64(WORD_PLACES)
    in_pairs = np.uint64(WORD_PLACES) + (pairs >> np.uint64(20)) % np.uint64(PAIR_PLACES)
    return np.concatenate([in_words, in_pairs]).astype(np.int64)
