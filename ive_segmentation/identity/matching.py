"""Whose face it is: the faces of one picture against the gallery, all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.special import softmax

from ive_segmentation.identity.faces import Face
from ive_segmentation.identity.gallery import Gallery
from ive_segmentation.identity.space import Floats, member_scores
from ive_segmentation.settings import Measured


@dataclass(frozen=True)
class Evidence:
    """A gallery photo that speaks for a match."""

    photo: str
    """Path relative to the dataset, `Member/file.jpg`."""
    similarity: float
    """Of its face to the one in question, in the gallery's space, -1 to 1."""


@dataclass(frozen=True)
class Match:
    """Whose face it is, and how it was decided."""

    member: str | None
    """The member's folder name, or None: Unknown."""
    similarity: float
    """The candidate's score, -1 to 1."""
    runner_up: str | None
    """The next best member, None if there is only one."""
    runner_up_similarity: float | None
    """Her score, likewise."""
    evidence: tuple[Evidence, ...]
    """The candidate's nearest photos, best first."""
    confidence: float
    """How probable it is that the candidate is right, 0 to 1."""
    candidate: str | None
    """The member that fits best, even where that is not enough to be named."""


def match_faces(
    faces: Sequence[Face] | Floats,
    gallery: Gallery,
    *,
    one_to_one: bool = True,
    threshold: float | None = None,
    margin: float | None = None,
) -> list[Match]:
    """Name the faces of one picture, all together.

    A member cannot be two people in a picture, so faces are given to members all together: scores become
    probabilities (softmax, with "nobody" scoring the threshold), and the assignment with the greatest sum is
    taken. A face is then named if it reaches the threshold and is clear of the best member that no other face
    was given.

    Args:
        faces: The faces, or their embeddings (M, D).
        gallery: The bank.
        one_to_one: False lets one member be several faces, as in a collage.
        threshold: Score below which a face is Unknown; None takes what the bank calibrated.
        margin: How far the candidate must be ahead of the runner-up; None takes what the bank calibrated.

    Returns:
        One match per face, in their order.
    """
    embeddings = np.array([face.embedding if isinstance(face, Face) else face for face in faces], np.float32)
    if not len(embeddings):
        return []
    calibration = gallery.calibration
    threshold = calibration.threshold if threshold is None else threshold
    margin = calibration.margin if margin is None else margin
    similarities, scores = _score(gallery.space.project(embeddings), gallery)
    given = _assign(scores, threshold) if one_to_one else scores.argmax(axis=1)
    matches = []
    for face, candidate in enumerate(given):
        best = int(scores[face].argmax()) if candidate < 0 else int(candidate)
        taken = set(np.delete(given, face).tolist()) if one_to_one else set()
        rivals = np.delete(scores[face], list({best, *taken} - {-1}))
        score = scores[face, best]
        named = candidate >= 0 and score >= threshold and bool((score - rivals >= margin).all())
        matches.append(_match(scores[face], similarities[face], best, gallery, named=named))
    return matches


def member_log_odds(embeddings: Floats, gallery: Gallery) -> Floats:
    """Tell what each face says about each member, one face at a time, so that looks can be added up.

    Args:
        embeddings: (M, D), rows of length one.
        gallery: The bank.

    Returns:
        (M, K) float32 log-odds that the face is the member's, by the bank's calibration; a member's lead is
        its score less the best other member's.
    """
    if not len(embeddings):
        return np.zeros((0, len(gallery.names)), np.float32)
    _, scores = _score(gallery.space.project(embeddings), gallery)
    ranked = np.sort(np.hstack([np.full((len(scores), 1), -1.0, np.float32), scores]), axis=1)
    best, second = ranked[:, -1:], ranked[:, -2:-1]
    leads = scores - np.where(scores == best, second, best)
    return gallery.calibration.log_odds(scores, leads).astype(np.float32)


def _score(points: Floats, gallery: Gallery) -> tuple[Floats, Floats]:
    """Similarities to all rows (M, N) and scores of all members (M, K); minus one where nobody looked.

    In a bank of very many members only those are looked at whose mean is nearest to one of the faces.
    """
    count, members = len(points), len(gallery.names)
    rows: NDArray[np.intp] = np.arange(len(gallery.labels))
    if members > Measured.shortlist:
        nearest = np.argpartition(points @ gallery.centres.T, -Measured.shortlist, axis=1)
        rows = np.concatenate([gallery.rows[k] for k in np.unique(nearest[:, -Measured.shortlist :])])
    similarities = np.full((count, len(gallery.labels)), -1.0, np.float32)
    looked = points @ gallery.points[rows].T
    similarities[:, rows] = looked
    return similarities, member_scores(looked, gallery.labels[rows], members)


def _assign(scores: Floats, threshold: float) -> NDArray[np.intp]:
    """Member given to each face, or minus one: the assignment that is expected to be right most often."""
    faces, members = scores.shape
    unnamed = np.full((faces, 1), threshold)
    shares = softmax(Measured.assignment_sharpness * np.hstack([scores, unnamed]), axis=1)
    # As many faces as like may go unnamed.
    rows, columns = linear_sum_assignment(
        np.hstack([shares[:, :members], np.repeat(shares[:, members:], faces, axis=1)]), maximize=True
    )
    given = np.empty(faces, np.intp)
    given[rows] = np.where(columns < members, columns, -1)
    return given


def _match(scores: Floats, similarities: Floats, best: int, gallery: Gallery, *, named: bool) -> Match:
    order = np.argsort(-scores, kind="stable")
    rival = next((int(k) for k in order if k != best), None)
    rival_score = None if rival is None else float(scores[rival])
    lead = scores[best] - (-1.0 if rival_score is None else rival_score)
    rows = gallery.rows[best]
    nearest = rows[np.argsort(-similarities[rows], kind="stable")][: Measured.evidence_photos]
    return Match(
        member=gallery.names[best] if named else None,
        similarity=float(scores[best]),
        runner_up=None if rival is None else gallery.names[rival],
        runner_up_similarity=rival_score,
        evidence=tuple(Evidence(gallery.photos[row], float(similarities[row])) for row in nearest),
        confidence=float(gallery.calibration.confidence(scores[best], lead)),
        candidate=gallery.names[best],
    )


def describe_match(match: Match, names: Mapping[str, str]) -> str:
    """Word a match for people.

    Args:
        match: From `match_faces`.
        names: What to call the members, by folder name; a folder that is not there is called by its own name.

    Returns:
        "Wonyoung, sure", "probably Rei, could be Gaeul" or "Unknown".
    """
    if match.member is None:
        return "Unknown"
    name = names.get(match.member, match.member)
    if match.confidence >= Measured.sure_confidence:
        return f"{name}, sure"
    if match.runner_up is None:
        return f"probably {name}"
    return f"probably {name}, could be {names.get(match.runner_up, match.runner_up)}"
