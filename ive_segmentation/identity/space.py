"""The space in which faces are compared, fitted to the gallery, and what a member scores in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.sparse import csr_array

from ive_segmentation.settings import Measured

Floats = NDArray[np.float32]
Labels = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Space:
    """A centre and a whitening: how photos of one member differ counts less, how members differ more."""

    centre: Floats
    """(D,) what the members' embeddings have in common, most of it taken away."""
    whitening: Floats
    """(D, D), applied from the right."""

    def project(self, embeddings: Floats) -> Floats:
        """Bring embeddings into this space.

        Args:
            embeddings: (N, D), rows of length one.

        Returns:
            (N, D) float32, rows of length one: their products are the similarities.
        """
        return unit((embeddings - self.centre) @ self.whitening)


def unit(vectors: NDArray[Any]) -> Floats:
    """Scale vectors to length one.

    Args:
        vectors: (..., D).

    Returns:
        The same, float32; a vector of zeros stays one.
    """
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)


def too_small(photos: Iterable[int]) -> bool:
    """Tell whether a bank has too little to calibrate itself on.

    Strangers score higher for a member of many photos: some of many are like anybody. So what small folders
    show of strangers does not hold for a large one, and it takes several large ones, to leave one out.

    Args:
        photos: How many photos each member has.

    Returns:
        True where the defaults of `Measured` must do.
    """
    large = sum(count >= Measured.calibration_photos for count in photos)
    return large < Measured.calibration_members


def centring(photos: Iterable[int]) -> float:
    """Choose how much of the members' common mean is taken away in a bank.

    Args:
        photos: How many photos each member has.

    Returns:
        A share, 0 to 1: less where the bank is too small to calibrate itself, because of few members the mean
        is mostly those members, and takes with it what makes them known.
    """
    return Measured.small_centring if too_small(photos) else Measured.space_centring


def fit_space(embeddings: Floats, labels: Labels, share: float = Measured.space_centring) -> Space:
    """Fit the space to a gallery: within-class covariance normalisation (Hatch et al., Interspeech 2006).

    Two shrinkages keep it honest with few photos: the covariance is drawn towards a sphere, the more the
    fewer photos there are, and the centre towards zero, because the mean of few members is partly those
    members. Both amounts come from `benchmarks/identity_accuracy.py` (`Measured.space_shrinkage`,
    `space_centring`).

    Args:
        embeddings: (N, D), rows of length one.
        labels: (N,) the member of each row, 0 to K - 1, each of them with at least one row.
        share: Of the members' common mean, how much is taken away, 0 to 1.

    Returns:
        The space.
    """
    rows, dimension = embeddings.shape
    members = int(labels.max()) + 1
    whose = csr_array((np.ones(rows), (labels, np.arange(rows))), shape=(members, rows))
    means = (whose @ embeddings) / np.bincount(labels, minlength=members)[:, None]
    centre = means.mean(axis=0) * share
    spread = embeddings - means[labels]
    freedom = rows - members
    covariance = spread.T @ spread / max(freedom, 1)
    variance = np.trace(covariance) / dimension
    if variance <= np.finfo(np.float32).eps:  # one photo per member says nothing about how photos differ
        return Space(centre.astype(np.float32), np.eye(dimension, dtype=np.float32))
    weight = (1 - Measured.space_shrinkage) * min(1.0, freedom / dimension)
    shrunk = weight * covariance / variance + (1 - weight) * np.eye(dimension)
    whitening = solve_triangular(np.linalg.cholesky(shrunk), np.eye(dimension), lower=True).T
    return Space(centre.astype(np.float32), whitening.astype(np.float32))


def member_scores(similarities: Floats, labels: Labels, members: int) -> Floats:
    """Mean of the best few similarities to each member's photos.

    Args:
        similarities: (M, N) of faces to gallery rows.
        labels: (N,) the member of each row.
        members: How many members there are, K.

    Returns:
        (M, K) float32; minus one for a member without rows.
    """
    scores = np.full((len(similarities), members), -1.0, np.float32)
    for member in np.unique(labels):
        own = similarities[:, labels == member]
        best = min(Measured.match_photos, own.shape[1])
        scores[:, member] = np.partition(own, own.shape[1] - best, axis=1)[:, -best:].mean(axis=1)
    return scores
