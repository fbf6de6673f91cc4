"""Whose face it is: the rule's algebra, on galleries made of numbers, and its words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ive_segmentation.identity.gallery import Gallery
from ive_segmentation.identity.matching import Match, describe_match, match_faces, member_log_odds
from ive_segmentation.identity.space import unit
from ive_segmentation.settings import Measured
from tests.identity.galleries import cluster_gallery, clusters, gallery_of

GALLERY = cluster_gallery()


def probes(seed: int, count: int) -> np.ndarray:
    """Faces of members, of strangers, and some in between."""
    random = np.random.default_rng(seed)
    rows = random.integers(0, len(GALLERY.photos), count)
    noise = unit(random.normal(size=(count, GALLERY.embeddings.shape[1])))
    return unit(GALLERY.embeddings[rows] + random.uniform(0, 3, (count, 1)) * noise)


several_faces = st.builds(probes, st.integers(0, 10_000), st.integers(1, 9))


@given(several_faces)
@settings(max_examples=60, deadline=None)
def test_one_to_one_never_names_a_member_twice(faces: np.ndarray) -> None:
    named = [match.member for match in match_faces(faces, GALLERY) if match.member]
    assert len(named) == len(set(named))


@given(several_faces, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_permuting_faces_permutes_matches(faces: np.ndarray, random: np.random.Generator) -> None:
    order = list(range(len(faces)))
    random.shuffle(order)
    matches = match_faces(faces, GALLERY)
    assert [match.member for match in match_faces(faces[order], GALLERY)] == [
        matches[i].member for i in order
    ]


@given(several_faces)
@settings(max_examples=60, deadline=None)
def test_a_name_means_threshold_and_evidence_of_that_member(faces: np.ndarray) -> None:
    for match in match_faces(faces, GALLERY):
        assert match.candidate is not None
        assert match.runner_up != match.candidate
        assert 0 <= match.confidence <= 1
        assert [photo.similarity for photo in match.evidence] == sorted(
            (photo.similarity for photo in match.evidence), reverse=True
        )
        assert all(photo.photo.startswith(f"{match.candidate}/") for photo in match.evidence)
        if match.member is not None:
            assert match.member == match.candidate
            assert match.similarity >= GALLERY.calibration.threshold


@given(several_faces, st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_a_higher_threshold_names_no_face_more(faces: np.ndarray, one: float, other: float) -> None:
    low, high = sorted((one, other))
    named = [
        sum(match.member is not None for match in match_faces(faces, GALLERY, one_to_one=False, threshold=t))
        for t in (low, high)
    ]
    assert named[1] <= named[0]


@given(several_faces)
@settings(max_examples=30, deadline=None)
def test_each_face_alone_is_its_match_in_a_collage(faces: np.ndarray) -> None:
    together = match_faces(faces, GALLERY, one_to_one=False)
    alone = [match_faces(face[None], GALLERY)[0] for face in faces]
    assert [match.member for match in together] == [match.member for match in alone]


@given(several_faces)
@settings(max_examples=30, deadline=None)
def test_log_odds_say_of_the_best_member_what_the_confidence_says(faces: np.ndarray) -> None:
    odds = member_log_odds(faces, GALLERY)
    assert odds.shape == (len(faces), len(GALLERY.names))
    for row, match in zip(odds, match_faces(faces, GALLERY, one_to_one=False), strict=True):
        assert GALLERY.names[int(row.argmax())] == match.candidate
        assert 1 / (1 + np.exp(-row.max())) == pytest.approx(match.confidence, abs=1e-4)


def test_one_member_has_log_odds_too() -> None:
    embeddings, _ = clusters(1, 4)
    assert member_log_odds(embeddings, gallery_of(embeddings, ["A"] * 4)).shape == (4, 1)
    assert member_log_odds(embeddings[:0], gallery_of(embeddings, ["A"] * 4)).shape == (0, 1)


def test_no_faces_give_no_matches() -> None:
    assert match_faces([], GALLERY) == []


def test_the_better_of_two_faces_gets_the_member_and_a_collage_gives_both() -> None:
    near = GALLERY.embeddings[0]
    noise = unit(np.random.default_rng(1).normal(size=near.shape))
    far = unit(near + 0.3 * noise)
    faces = np.stack([far, near])
    assert [match.member for match in match_faces(faces, GALLERY)] == [None, "A"]
    assert [match.member for match in match_faces(faces, GALLERY, one_to_one=False)] == ["A", "A"]


def test_a_face_between_two_members_is_unknown_unless_one_of_them_is_taken() -> None:
    a, b = (unit(GALLERY.embeddings[GALLERY.labels == k].mean(axis=0)) for k in (0, 1))
    between = unit(a + b)
    assert match_faces(between[None], GALLERY)[0].member is None
    first, second = match_faces(np.stack([a, between]), GALLERY)
    assert (first.member, second.member) == ("A", "B")


def test_one_member_has_no_runner_up() -> None:
    embeddings, _ = clusters(1, 4)
    match = match_faces(embeddings[:1], gallery_of(embeddings, ["A"] * 4))[0]
    assert (match.member, match.runner_up, match.runner_up_similarity) == ("A", None, None)


@pytest.mark.parametrize(
    ("member", "confidence", "runner_up", "words"),
    [
        ("Jang_Wonyoung", 0.99, "Naoi_Rei", "Wonyoung, sure"),
        ("Naoi_Rei", 0.7, "Kim_Gaeul", "probably Rei, could be Kim_Gaeul"),
        ("Naoi_Rei", 0.7, None, "probably Rei"),
        (None, 0.7, "Kim_Gaeul", "Unknown"),
        (None, 0.1, None, "Unknown"),
    ],
)
def test_wording(member: str | None, confidence: float, runner_up: str | None, words: str) -> None:
    match = Match(member, 0.5, runner_up, 0.4 if runner_up else None, (), confidence, member or "Naoi_Rei")
    assert describe_match(match, {"Jang_Wonyoung": "Wonyoung", "Naoi_Rei": "Rei"}) == words


def test_in_a_bank_of_many_members_the_nearest_are_looked_at() -> None:
    many = cluster_gallery(3 * Measured.shortlist, 4)
    for row in range(0, len(many.photos), 4):
        (match,) = match_faces(many.plain[[row]], many)
        assert match.member == many.members[row]
    assert [match.member for match in match_faces(many.plain[::4], many)] == list(many.members[::4])


def _between(gallery: Gallery, one: int, other: int) -> NDArray[np.float32]:
    """A face that could be either of two members."""
    a, b = (unit(gallery.embeddings[gallery.labels == member].mean(axis=0)) for member in (one, other))
    return unit(1.02 * a + b)


def test_between_two_members_beside_a_stranger_is_unknown() -> None:
    gallery = cluster_gallery()
    stranger = -unit(gallery.embeddings.mean(axis=0))
    matches = match_faces(np.stack([_between(gallery, 4, 5), stranger]), gallery)
    assert [match.member for match in matches] == [None, None]


def test_the_margin_may_be_given() -> None:
    gallery = cluster_gallery()
    probe = _between(gallery, 0, 1)[None]
    assert [match_faces(probe, gallery, margin=lead)[0].member for lead in (None, 0.0)] == [None, "A"]
