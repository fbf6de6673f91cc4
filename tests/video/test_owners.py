"""Owners over time, as small stories, and the algebra of the votes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ive_segmentation.video.owners import Owners, OwnerSpan

RATE = 20.0
MIC, BAG = 100, 101
Vote = tuple[int, int, int | None, float]  # frame, thing, owner, claim


def votes(first: int, last: int, owner: int | None, claim: float = 0.8, thing: int = MIC) -> list[Vote]:
    return [(frame, thing, owner, claim) for frame in range(first, last + 1)]


def told(story: list[Vote], rate: float = RATE) -> list[OwnerSpan]:
    owners = Owners(rate)
    for vote in story:
        owners.add(*vote)
    return owners.settle()


STORIES = {
    "held all along": (votes(0, 50, 1), [(MIC, 0, 50, 1)]),
    "a single wrong frame": (votes(0, 19, 1) + votes(20, 20, 2) + votes(21, 50, 1), [(MIC, 0, 50, 1)]),
    "a wrong frame at the end": (votes(0, 49, 1) + votes(50, 50, 2, 1.0), [(MIC, 0, 50, 1)]),
    "handed over at 25": (votes(0, 24, 1) + votes(25, 50, 2), [(MIC, 0, 24, 1), (MIC, 25, 50, 2)]),
    "handed over, and for a moment both have it or nobody": (
        votes(0, 22, 1) + votes(23, 25, None, 0.5) + votes(26, 26, 1) + votes(27, 28, 2) + votes(29, 29, 1)
        + votes(30, 60, 2),
        [(MIC, 0, 26, 1), (MIC, 27, 60, 2)],
    ),
    "a hand passes by for a quarter of a second": (
        votes(0, 24, 1) + votes(25, 29, 2, 0.6) + votes(30, 60, 1), [(MIC, 0, 60, 1)]
    ),
    "put down, and it stays there": (
        votes(0, 29, 1) + votes(30, 80, None, 0.0), [(MIC, 0, 29, 1), (MIC, 30, 80, None)]
    ),
    "nobody's all along": (votes(3, 9, None, 0.1), [(MIC, 3, 9, None)]),
    "seen in one frame only": (votes(7, 7, 2), [(MIC, 7, 7, 2)]),
    "hidden for a while": (votes(0, 9, 1) + votes(60, 69, 1), [(MIC, 0, 69, 1)]),
    "two things, each its own": (
        votes(0, 30, 1) + votes(10, 40, 2, thing=BAG), [(MIC, 0, 30, 1), (BAG, 10, 40, 2)]
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_story(story: str) -> None:
    told_votes, expected = STORIES[story]
    assert [(span.thing, span.first, span.last, span.owner) for span in told(told_votes)] == expected


@pytest.mark.parametrize("rate", [5.0, 12.5, 25.0, 60.0])
def test_noise_flips_nothing_and_a_hand_over_is_found(rate: float) -> None:
    random = np.random.default_rng(0)
    handed = round(3 * rate)
    story: list[Vote] = [
        (
            frame,
            MIC,
            (1 if frame < handed else 2) if random.random() > 0.15 else int(random.integers(1, 4)),
            0.7,
        )
        for frame in range(2 * handed)
    ]
    before, after = told(story, rate)
    assert (before.owner, after.owner) == (1, 2)
    assert abs(after.first - handed) <= 2


def test_nothing_gives_nothing() -> None:
    assert Owners(RATE).settle() == []


some_votes = st.lists(
    st.tuples(
        st.integers(0, 60), st.integers(0, 2), st.one_of(st.none(), st.integers(0, 3)), st.floats(0, 1)
    ),
    unique_by=lambda vote: vote[:2],
    max_size=80,
)


@given(some_votes, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_spans_cover_each_thing_once_whatever_the_order(
    story: list[Vote], random: np.random.Generator
) -> None:
    spans = told(story)
    mixed = list(story)
    random.shuffle(mixed)
    assert told(mixed) == spans
    for thing in {vote[1] for vote in story}:
        own = [span for span in spans if span.thing == thing]
        frames = [vote[0] for vote in story if vote[1] == thing]
        assert (own[0].first, own[-1].last) == (min(frames), max(frames))
        assert all(one.last + 1 == other.first and one.owner != other.owner for one, other in pairwise(own))


@given(st.lists(st.sampled_from([1, 2, None]), min_size=4, max_size=60))
@settings(max_examples=100, deadline=None)
def test_an_owner_was_voted_for_within_his_span(owners: list[int | None]) -> None:
    for span in told([(frame, MIC, owner, 0.8) for frame, owner in enumerate(owners)]):
        assert span.owner in owners[span.first : span.last + 1]
