"""Photos in the wrong folder, and folders of one person: what the bank's own scores say of it."""

from __future__ import annotations

import numpy as np

from ive_segmentation.identity.space import Floats, Labels
from ive_segmentation.settings import Measured


def find_misplaced(scores: Floats, labels: Labels) -> dict[int, int]:
    """Find photos that fit another member clearly better than the one whose folder they are in.

    Args:
        scores: (N, K) from `leave_one_out`.
        labels: (N,) the member of each, 0 to K - 1.

    Returns:
        Row of each such photo, and the member it resembles.
    """
    rows = np.arange(len(labels))
    own = scores[rows, labels]
    others = scores.copy()
    others[rows, labels] = -1.0
    best = others.argmax(axis=1)
    # A member's only photo has no score of its own: it is another's if it fits there as that one's own do.
    usual = np.array([_usual(own[labels == member]) for member in range(scores.shape[1])])
    allowed = np.where(own > -1.0, own + Measured.misplaced_lead, usual[best])
    found = {int(row): int(best[row]) for row in np.flatnonzero(others[rows, best] > allowed)}
    # A photo that resembles a second folder of the same person is in its place; that folder is not.
    shows = dict(zip(labels.tolist(), whom_they_show(labels, found).tolist(), strict=True))
    return {row: member for row, member in found.items() if shows[member] != labels[row]}


def whom_they_show(labels: Labels, misplaced: dict[int, int]) -> Labels:
    """Say whom each photo shows: its folder's member, or another one whom all photos of the folder resemble.

    Args:
        labels: (N,) the member of each, 0 to K - 1.
        misplaced: From `find_misplaced`.

    Returns:
        (N,) members.
    """
    shown = labels.copy()
    for member in range(int(labels.max()) + 1):
        rows = np.flatnonzero(labels == member)
        others = {misplaced.get(int(row), member) for row in rows}
        if len(others) == 1:
            shown[rows] = others.pop()
    return shown


def find_same_person(scores: Floats, labels: Labels) -> list[tuple[int, int]]:
    """Find pairs of members whose photos fit the other as well as their own folder.

    Args:
        scores: (N, K) from `leave_one_out`.
        labels: (N,) the member of each, 0 to K - 1.

    Returns:
        Pairs, the smaller number first.
    """
    means = np.array([scores[labels == member].mean(axis=0) for member in range(scores.shape[1])])
    leads = np.diag(means)[:, None] - means
    alike = np.maximum(leads, leads.T) < Measured.same_person_lead
    return [
        (int(a), int(b)) for a, b in np.argwhere(np.triu(alike, 1)) if min(means[a, a], means[b, b]) > -1.0
    ]


def _usual(own: Floats) -> float:
    """The score that most of a member's photos reach for her; infinite where she has only one."""
    return max(float(np.quantile(own, Measured.misplaced_alone)), 0.0) if len(own) > 1 else np.inf
