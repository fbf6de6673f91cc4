"""Members to parts of tracks, so that no member is in two places in one frame."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Runs = Sequence[tuple[int, int]]
"""Stretches of frames, first and last included, in order."""


def together(seen: Sequence[Runs]) -> list[tuple[int, ...]]:
    """Find out which parts are visible together.

    Args:
        seen: Per part the frames that show it.

    Returns:
        The maximal sets of parts that share a frame; every part is in at least one.
    """
    # In a frame those that begin come before those that end with it.
    events = sorted(
        (frame, ends, part)
        for part, runs in enumerate(seen)
        for run in runs
        for ends, frame in enumerate(run)
    )
    sets: dict[tuple[int, ...], None] = {}
    visible: set[int] = set()
    grown = False
    for _, ends, part in events:
        if ends and grown:
            sets[tuple(sorted(visible))] = None
        visible.symmetric_difference_update({part})
        grown = not ends
    return list(sets)


def assign(evidence: NDArray[np.float64], seen: Sequence[Runs]) -> NDArray[np.intp]:
    """Give members to parts of tracks so that the sum of their evidence is greatest.

    Parts that are visible together must differ; parts that never meet may bear the same name. Where parts
    overlap in chains this is a small integer programme, solved exactly by HiGHS for each group of parts
    that hang together (a shot at most).

    Args:
        evidence: (P, K) what speaks for each member; Unknown, which any number of parts may be, has 0.
        seen: Per part the frames that show it.

    Returns:
        (P,) the member, or minus one: Unknown.
    """
    given = np.full(len(evidence), -1, np.intp)
    cliques = together(seen)
    rows = [row for row, clique in enumerate(cliques) for _ in clique]
    parts = [part for clique in cliques for part in clique]
    incidence = csr_array((np.ones(len(parts)), (rows, parts)), shape=(len(cliques), len(evidence)))
    _, group_of = connected_components(incidence.T @ incidence, directed=False)
    limits: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for clique in cliques:
        limits[group_of[clique[0]]].append(clique)
    for cliques_of_group in limits.values():
        choices = [
            (part, int(member))
            for part in sorted({part for clique in cliques_of_group for part in clique})
            for member in np.flatnonzero(evidence[part] > 0)
        ]
        if choices:
            for part, member in _choose(evidence, choices, cliques_of_group):
                given[part] = member
    return given


def _choose(
    evidence: NDArray[np.float64], choices: list[tuple[int, int]], cliques: list[tuple[int, ...]]
) -> list[tuple[int, int]]:
    """The best of the (part, member) pairs: one per part, and one per member in every clique."""
    of_part, of_member = defaultdict(list), defaultdict(list)
    for column, (part, member) in enumerate(choices):
        of_part[part].append(column)
        for row, clique in enumerate(cliques):
            if part in clique:
                of_member[row, member].append(column)
    limits = [*of_part.values(), *of_member.values()]
    rows = [row for row, columns in enumerate(limits) for _ in columns]
    columns = [column for group in limits for column in group]
    matrix = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(limits), len(choices)))
    gains = np.array([evidence[choice] for choice in choices])
    answer = milp(
        -gains,
        integrality=np.ones(len(choices), int),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, ub=1),
        options={"mip_rel_gap": 0},
    )
    assert answer.x is not None, answer.message  # nobody named is always allowed
    return [choice for choice, taken in zip(choices, answer.x, strict=True) if taken > 0.5]
