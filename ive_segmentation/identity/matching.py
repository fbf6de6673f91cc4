"""Whose face it is: the faces of one picture against the gallery, all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ive_segmentation.identity.bank import Gallery
from ive_segmentation.identity.faces import Face
from ive_segmentation.settings import Settings


@dataclass(frozen=True)
class Evidence:
    """A gallery photo that speaks for a match."""

    photo: str
    """Path relative to the dataset, `Member/file.jpg`."""
    similarity: float


@dataclass(frozen=True)
class Match:
    """Whose face it is, and how it was decided."""

    member: str | None
    """The member's folder name, or None: Unknown."""
    similarity: float
    """The candidate's score."""
    runner_up: str | None
    """The next best member, None if there is only one."""
    runner_up_similarity: float | None
    evidence: tuple[Evidence, ...]
    """The candidate's nearest photos, best first."""
    confidence: float
    """How probable it is that the candidate is right, 0 to 1."""
    candidate: str | None
    """The member that fits best, even where that is not enough to be named."""


def match_faces(
    faces: Sequence[Face] | NDArray[np.float32],
    gallery: Gallery,
    *,
    one_to_one: bool = True,
    threshold: float | None = None,
    margin: float | None = None,
) -> list[Match]:
    """Name the faces of one picture, all together.

    Args:
        faces: The faces, or their embeddings (M, D).
        gallery: The bank.
        one_to_one: One member cannot be two people in a picture: the faces are given to members by the
            assignment with the greatest sum of similarities. A collage switches it off.
        threshold: Similarity below which a face is Unknown; None takes the setting.
        margin: How far the candidate must be ahead of the runner-up; None takes the setting.

    Returns:
        One match per face, in their order.
    """
    embeddings = np.array([face.embedding if isinstance(face, Face) else face for face in faces], np.float32)
    if not len(embeddings):
        return []
    threshold = Settings.match_threshold if threshold is None else threshold
    margin = Settings.match_margin if margin is None else margin
    similarities = embeddings @ gallery.embeddings.T
    scores = member_scores(similarities, gallery)
    return [
        _match(scores[i], similarities[i], candidate, gallery, threshold, margin)
        for i, candidate in enumerate(_candidates(scores, one_to_one))
    ]


def member_scores(similarities: NDArray[np.float32], gallery: Gallery) -> NDArray[np.float32]:
    """Mean of each member's best few similarities.

    Args:
        similarities: (M, N) of faces to gallery rows.
        gallery: The bank.

    Returns:
        (M, K) one score per face and member, in the order of `gallery.names`.
    """
    scores = np.zeros((len(similarities), len(gallery.names)), np.float32)
    for k in range(len(gallery.names)):
        own = np.sort(similarities[:, gallery.labels == k], axis=1)
        scores[:, k] = own[:, -Settings.match_photos :].mean(axis=1)
    return scores


def _candidates(scores: NDArray[np.float32], one_to_one: bool) -> list[int | None]:
    if not one_to_one:
        return [int(k) for k in scores.argmax(axis=1)]
    faces, members = linear_sum_assignment(scores, maximize=True)
    candidates: list[int | None] = [None] * len(scores)
    for face, member in zip(faces, members, strict=True):
        candidates[int(face)] = int(member)
    return candidates


def _match(
    scores: NDArray[np.float32],
    similarities: NDArray[np.float32],
    candidate: int | None,
    gallery: Gallery,
    threshold: float,
    margin: float,
) -> Match:
    best = int(scores.argmax()) if candidate is None else candidate
    others = np.delete(np.arange(len(scores)), best)
    second = int(others[scores[others].argmax()]) if len(others) else None
    score, rival = float(scores[best]), None if second is None else float(scores[second])
    clear = rival is None or score - rival >= margin
    rows = np.flatnonzero(gallery.labels == best)
    nearest = rows[np.argsort(-similarities[rows], kind="stable")][: Settings.evidence_photos]
    return Match(
        member=gallery.names[best] if candidate is not None and score >= threshold and clear else None,
        similarity=score,
        runner_up=None if second is None else gallery.names[second],
        runner_up_similarity=rival,
        evidence=tuple(Evidence(gallery.photos[i], float(similarities[i])) for i in nearest),
        confidence=float(np.clip(score, 0, 1)),
        candidate=gallery.names[best],
    )
