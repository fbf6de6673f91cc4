"""When something changed: the likeliest few changes that explain a row of observations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def best_labels(evidence: NDArray[np.float64], cost: float | NDArray[np.float64]) -> NDArray[np.intp]:
    """Label every observation so that the evidence, less a cost for every change, is greatest.

    The path is Viterbi's (IEEE Transactions on Information Theory, 1967), exact and linear in T; without
    evidence for a change there is none.

    Args:
        evidence: (T, S) log-likelihood of each of S labels at each of T observations, in order of time.
        cost: What a change must gain at least, in the same unit, or (T,) what one just before each
            observation must gain; with log T in it this is the penalty of the Bayesian information criterion
            (Schwarz 1978).

    Returns:
        (T,) the labels, 0 to S - 1. Of labels that tie the first is taken, of paths that tie the one that
        changes less.
    """
    count, labels = evidence.shape
    before = np.zeros((count, labels), np.intp)
    total = np.zeros(labels)
    costs = np.broadcast_to(cost, count)
    for now, gain in enumerate(evidence):
        best = int(total.argmax())
        stays = total >= total[best] - costs[now]
        before[now] = np.where(stays, np.arange(labels), best)
        total = np.where(stays, total, total[best] - costs[now]) + gain
    path = np.zeros(count, np.intp)
    label = int(total.argmax()) if count else 0
    for now in range(count - 1, -1, -1):
        path[now] = label
        label = int(before[now, label])
    return path
