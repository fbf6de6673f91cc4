"""The bank calibrates itself: on numbers, where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.identity_accuracy import small_banks, tracks_named
from ive_segmentation.identity.calibration import (
    Trials,
    calibrate,
    default_calibration,
    leave_one_out,
    reliability,
    run_trials,
)
from ive_segmentation.identity.gallery import Gallery
from ive_segmentation.identity.misplaced import find_misplaced, find_same_person
from ive_segmentation.identity.space import fit_space, member_scores, too_small, unit
from ive_segmentation.settings import Measured
from tests.identity.galleries import clusters


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.2, 1.0])
@pytest.mark.parametrize("spread", [1.5, 2.5])
def test_no_more_strangers_than_asked_pass_threshold_and_margin(rate: float, spread: float) -> None:
    embeddings, labels = clusters(6, 20, spread=spread)
    trials = run_trials(embeddings, embeddings, labels, leave_one_out(embeddings, embeddings, labels))
    calibration = calibrate(trials, len(labels), 6, rate)
    passed = (trials.similarity >= calibration.threshold) & (trials.lead >= calibration.margin)
    assert passed[trials.stranger].mean() <= rate
    assert "cannot show" not in (calibration.warning or "")
    assert f"{rate:.1%}" in calibration.origin


@pytest.mark.parametrize(("spread", "warned"), [(0.3, False), (2.5, True)])
def test_a_bank_that_hardly_knows_its_own_says_so(spread: float, warned: bool) -> None:
    embeddings, labels = clusters(6, 20, spread=spread)
    trials = run_trials(embeddings, embeddings, labels, leave_one_out(embeddings, embeddings, labels))
    warning = calibrate(trials, len(labels), 6, 0.05).warning or ""
    assert ("of the bank's own photos are named" in warning) == warned


@pytest.mark.parametrize("rate", [0.2, 0.3, 0.5])
def test_a_high_rate_names_all_who_are_clear_of_the_next_and_asks_no_less(rate: float) -> None:
    embeddings, labels = clusters(6, 20, spread=1.5)
    trials = run_trials(embeddings, embeddings, labels, leave_one_out(embeddings, embeddings, labels))
    clear = trials.stranger & (trials.lead >= calibrate(trials, len(labels), 6, rate).margin)
    assert calibrate(trials, len(labels), 6, rate).threshold >= trials.similarity[clear].min()


def test_a_rate_that_the_photos_cannot_show_is_said() -> None:
    embeddings, labels = clusters(4, 10)
    trials = run_trials(embeddings, embeddings, labels, leave_one_out(embeddings, embeddings, labels))
    calibration = calibrate(trials, len(labels), 4, 0.001)
    assert calibration.warning is not None
    assert "cannot show" in calibration.warning
    assert not (trials.similarity[trials.stranger] >= calibration.threshold).any()


@pytest.mark.parametrize(
    ("known", "threshold"),
    [
        pytest.param((0.6, 0.9), 0.45, id="a gap: half of the way to the known"),
        pytest.param((0.2, 0.9), 0.3, id="no gap: where the strangers end"),
    ],
)
def test_the_threshold_lies_in_the_middle_of_the_gap(known: tuple[float, float], threshold: float) -> None:
    similarity = np.concatenate([np.linspace(*known, 60), np.linspace(0.0, 0.3, 60)]).astype(np.float32)
    stranger = np.arange(120) >= 60
    trials = Trials(similarity, np.full(120, -1.0, np.float32), ~stranger, stranger)
    assert calibrate(trials, 60, 3, 0.01).threshold == pytest.approx(threshold, abs=0.02)


@pytest.mark.parametrize(
    ("photos", "small"),
    [
        pytest.param([60], True, id="one member"),
        pytest.param([40, 40], True, id="two members"),
        pytest.param([3] * 6, True, id="few photos of each"),
        pytest.param([500, 20, 3, 3, 3], True, id="few photos of most"),
        pytest.param([10, 10, 10], False, id="just enough"),
        pytest.param([500, 10, 10, 1, 0], False, id="enough of three"),
    ],
)
def test_a_bank_with_few_large_folders_is_too_small(photos: list[int], small: bool) -> None:
    assert too_small(photos) == small


def test_the_default_is_stated() -> None:
    calibration = default_calibration(0.01)
    assert calibration.threshold == Measured.match_threshold
    assert calibration.warning is not None
    assert "3 members with 10 photos each" in calibration.warning


def test_folders_by_occasion_and_not_by_member_are_said() -> None:
    embeddings, people = clusters(6, 5)
    occasions = np.arange(len(people)) % 5  # each folder shows everybody once
    known = leave_one_out(embeddings, embeddings, occasions)
    assert len(find_misplaced(known, occasions)) == len(people)
    calibration = calibrate(run_trials(embeddings, embeddings, occasions, known), len(people), 5, 0.01)
    assert calibration.threshold == Measured.match_threshold
    assert calibration.warning is not None
    assert "a folder of her own" in calibration.warning


def test_confidence_rises_with_similarity_and_tells_right_from_wrong() -> None:
    embeddings, labels = clusters(6, 20, spread=1.2)
    trials = run_trials(embeddings, embeddings, labels, leave_one_out(embeddings, embeddings, labels))
    calibration = calibrate(trials, len(labels), 6, 0.05)
    confidence = calibration.confidence(trials.similarity, trials.lead)
    assert confidence[trials.right].mean() > 0.8
    assert confidence[~trials.right].mean() < 0.2
    assert calibration.confidence(0.9, 0.5) > calibration.confidence(0.2, 0.01)


@pytest.mark.parametrize("seed", range(8))
def test_in_no_bank_does_a_better_score_or_a_longer_lead_speak_against_a_name(seed: int) -> None:
    embeddings, labels = clusters(3, 10, spread=2.5, seed=seed)
    trials = run_trials(embeddings, embeddings, labels, leave_one_out(embeddings, embeddings, labels))
    calibration = calibrate(trials, len(labels), 3, 0.01)
    assert min(calibration.slope, calibration.lead_slope) >= 0
    assert calibration.slope + calibration.lead_slope > 0


def test_one_member_in_two_folders_is_no_stranger_to_either() -> None:
    embeddings, labels = clusters(6, 20, spread=1.0)
    halves = np.where((labels == 5) & (np.arange(len(labels)) % 2 == 1), 6, labels)
    thresholds = []
    for folders in (labels, halves):
        known = leave_one_out(embeddings, embeddings, folders)
        trials = run_trials(embeddings, embeddings, folders, known)
        thresholds.append(calibrate(trials, len(labels), int(folders.max()) + 1, 0.01).threshold)
    assert thresholds[1] == pytest.approx(thresholds[0], abs=0.03)


def test_misplaced_photos_and_one_person_in_two_folders_are_found() -> None:
    embeddings, labels = clusters(5, 12, spread=1.0)
    wrong = labels.copy()
    wrong[[0, 20]] = [3, 4]
    found = find_misplaced(leave_one_out(embeddings, embeddings, wrong), wrong)
    assert found == {0: labels[0], 20: labels[20]}

    split = labels.copy()
    split[labels == 4] = np.where(np.arange((labels == 4).sum()) % 2, 4, 5)
    scores = leave_one_out(embeddings, embeddings, split)
    assert find_same_person(scores, split) == [(4, 5)]
    scores = leave_one_out(embeddings, embeddings, labels)
    assert find_same_person(scores, labels) == []
    assert find_misplaced(scores, labels) == {}


def test_one_photo_of_a_member_in_a_folder_of_its_own_spoils_nothing() -> None:
    """A slip of the mouse: while her folder is away she is no stranger, for that photo shows her."""
    embeddings, labels = clusters(6, 20, spread=0.5)
    typical = int(leave_one_out(embeddings, embeddings, labels).max(axis=1).argmax())
    slipped = labels.copy()
    slipped[typical] = 6
    thresholds = []
    for named in (labels, slipped):
        scores = leave_one_out(embeddings, embeddings, named)
        assert find_misplaced(scores, named) == ({typical: labels[typical]} if named is slipped else {})
        trials = run_trials(embeddings, embeddings, named, scores)
        thresholds.append(calibrate(trials, len(named), int(named.max()) + 1, 0.02).threshold)
    assert thresholds[1] == pytest.approx(thresholds[0], abs=0.03)


@pytest.mark.parametrize(
    "folders",
    [{"A": 20, "B": 20, "C": 1}, {"A": 40, "B": 1, "C": 1}],
    ids=["two and a stray", "one and strays"],
)
def test_strays_beside_one_or_two_members(folders: dict[str, int]) -> None:
    """While she and her strays are away too few are left to play a stranger to."""
    embeddings, labels = clusters(2, 42, spread=0.5)
    of_a, of_b = embeddings[labels == 0], embeddings[labels == 1]
    rows, named = [], []
    for number, (name, count) in enumerate(folders.items()):
        source = of_b if name == "B" and count > 1 else of_a
        rows.append(source[:count] if name == "A" else source[-count - number :][:count])
        named += [number] * count
    faces, who = np.concatenate(rows), np.array(named)
    scores = leave_one_out(faces, faces, who)
    calibration = calibrate(run_trials(faces, faces, who, scores), len(who), 3, 0.01)
    assert calibration.margin < 0.6


def test_a_members_only_photo_is_not_taken_for_anothers() -> None:
    embeddings, labels = clusters(7, 20, spread=1.0)
    kept = (labels < 6) | (np.arange(len(labels)) == np.flatnonzero(labels == 6)[0])
    alone, named = embeddings[kept], labels[kept]
    assert find_misplaced(leave_one_out(alone, alone, named), named) == {}
    two = np.array([0, 1])
    assert find_misplaced(leave_one_out(alone[:2], alone[:2], two), two) == {}


def test_leaving_one_out_is_what_it_says() -> None:
    embeddings, labels = clusters(3, 4)
    scores = leave_one_out(embeddings, embeddings, labels)
    rest = np.arange(len(labels)) != 5
    space = fit_space(embeddings[rest], labels[rest])
    similarities = space.project(embeddings[5:6]) @ space.project(embeddings[rest]).T
    np.testing.assert_allclose(scores[5], member_scores(similarities, labels[rest], 3)[0], atol=1e-5)


@pytest.mark.parametrize("dimension", [8, 128, 512])
@pytest.mark.parametrize(("members", "photos"), [(1, 1), (1, 5), (2, 1), (6, 20)])
def test_any_gallery_has_a_space_with_unit_rows(dimension: int, members: int, photos: int) -> None:
    embeddings, labels = clusters(members, photos, dimension=dimension)
    projected = fit_space(embeddings, labels).project(embeddings)
    assert projected.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(projected, axis=1), 1, atol=1e-4)


def test_the_space_brings_a_members_photos_together() -> None:
    random = np.random.default_rng(0)
    embeddings, labels = clusters(6, 20, spread=0.8)
    nuisance = unit(random.normal(size=(1, embeddings.shape[1])))
    embeddings = unit(embeddings + random.normal(size=(len(labels), 1)).astype(np.float32) * nuisance)
    space = fit_space(embeddings, labels)

    def separation(points: np.ndarray) -> float:
        similarities = points @ points.T
        same = labels[:, None] == labels[None]
        return float((similarities[same].mean() - similarities[~same].mean()) / similarities[~same].std())

    assert separation(space.project(embeddings)) > 1.5 * separation(embeddings)


@pytest.mark.parametrize(
    ("confidence", "right", "error"),
    [
        ([1.0, 1.0, 0.0, 0.0], [True, True, False, False], 0.0),
        ([1.0, 1.0, 1.0, 1.0], [True, True, False, False], 0.5),
        ([0.5, 0.5, 0.5, 0.5], [True, True, False, False], 0.0),
        ([0.0, 0.0, 1.0, 1.0], [True, True, False, False], 1.0),
    ],
)
def test_reliability_of_known_cases(confidence: list[float], right: list[bool], error: float) -> None:
    stranger = np.array([False, False, True, True])
    curve = reliability(np.array(confidence), np.array(right), stranger)
    assert curve.error == pytest.approx(error)
    assert sum(curve.weights) == pytest.approx(1)


def test_small_banks_know_their_members_and_not_their_group_mates(real_gallery: Gallery) -> None:
    for values in small_banks(real_gallery, ((15,), (13,) * 2, (9,) * 3)).values():
        assert values["known"] > 0.6
        assert values["strangers"] < 0.05


def test_a_large_folder_among_small_ones_does_not_take_their_group_mates(real_gallery: Gallery) -> None:
    for values in small_banks(real_gallery, ((16, 16, 3, 3, 3), (8,) * 4, (16, 4, 4, 4, 4))).values():
        assert values["known"] > 0.3
        assert values["strangers"] < 0.05


def test_in_a_video_one_look_names_hardly_more_strangers_than_a_picture(real_gallery: Gallery) -> None:
    """A picture names 0.03 of such photos; where anything above zero was a name, it was 0.12 of tracks."""
    tracks = tracks_named(real_gallery)
    assert tracks[1]["strangers"] < 0.06
    assert tracks[1]["known"] > 0.7
    assert tracks[5]["strangers"] < 0.03
    assert tracks[5]["known"] > 0.95
