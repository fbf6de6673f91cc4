"""The gallery's health, on the real photos: what is planted is found, and little else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ive_segmentation.identity.audit import Audit, audit
from ive_segmentation.identity.gallery import Gallery
from ive_segmentation.identity.quality import turn_and_nod
from ive_segmentation.settings import Measured
from tests.identity.galleries import cluster_gallery


def kinds(report: Audit, kind: str) -> set[str]:
    return {finding.photo for finding in report.findings if finding.kind == kind}


@pytest.mark.parametrize("seed", range(3))
def test_of_ten_swapped_photos_nine_are_found_with_few_false_alarms(real_gallery: Gallery, seed: int) -> None:
    random = np.random.default_rng(seed)
    wrong_already = kinds(audit(real_gallery), "wrong folder")
    members = list(real_gallery.members)
    rows = [row for row, photo in enumerate(real_gallery.photos) if photo not in wrong_already]
    planted = random.choice(rows, 10, replace=False)
    for row in planted:
        members[row] = random.choice([name for name in real_gallery.names if name != members[row]])
    found = [
        finding
        for finding in audit(replace(real_gallery, members=tuple(members))).findings
        if finding.kind == "wrong folder"
    ]
    truth = {real_gallery.photos[row]: real_gallery.members[row] for row in planted}
    named = [finding for finding in found if finding.photo in truth]
    assert len(named) >= 9
    assert sum(finding.resembles == truth[finding.photo] for finding in named) >= 8
    assert len(found) - len(named) <= 3


def test_the_real_photos_as_they_are(real_gallery: Gallery) -> None:
    report = audit(real_gallery)
    wrong = kinds(report, "wrong folder")
    assert "Kim_Jiwon/Kim_Jiwon_019.jpg" in wrong
    assert len(wrong) <= 3
    assert len(kinds(report, "duplicate")) == 4
    assert "Naoi_Rei/Naoi_Rei_004.jpg" in kinds(report, "several faces")
    assert kinds(report, "left out") == {"Jang_Wonyoung/Jang_Wonyoung_014.jpg"}
    assert len(kinds(report, "extreme pose")) <= 8
    assert all(finding.reason for finding in report.findings)


@pytest.mark.parametrize(
    ("points", "turn", "nod"),
    [
        ([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], 0.0, 0.5),
        ([[30, 40], [70, 40], [60, 60], [35, 80], [65, 80]], 0.25, 0.5),
        ([[30, 40], [70, 40], [40, 60], [35, 80], [65, 80]], -0.25, 0.5),
        ([[30, 40], [70, 40], [50, 48], [35, 80], [65, 80]], 0.0, 0.2),
        ([[50, 50], [50, 50], [50, 50], [50, 50], [50, 50]], 0.0, 0.0),
    ],
)
def test_turn_and_nod(points: list[list[int]], turn: float, nod: float) -> None:
    for angle in (0, 30, 90):  # a tilted head is neither turned nor nodded
        c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        tilted = np.array(points, np.float32) @ np.array([[c, s], [-s, c]], np.float32)
        assert turn_and_nod(tilted) == pytest.approx((turn, nod), abs=1e-4)


def test_poor_photos_and_one_sided_members_are_named() -> None:
    gallery = cluster_gallery(3, 5)
    boxes, sharpness, counts = gallery.boxes.copy(), gallery.sharpness.copy(), gallery.face_counts.copy()
    keypoints = gallery.keypoints.copy()
    boxes[0, 2] = Measured.small_face - 1
    sharpness[1] = Measured.blurred_face - 1
    counts[2] = 2
    keypoints[3, 2, 0] += 25
    keypoints[4, 2, 1] = 45
    report = audit(
        replace(gallery, boxes=boxes, sharpness=sharpness, face_counts=counts, keypoints=keypoints)
    )
    assert [(finding.photo, finding.kind) for finding in report.findings] == [
        ("A/2.jpg", "several faces"),
        ("A/0.jpg", "small"),
        ("A/1.jpg", "blurred"),
        ("A/3.jpg", "extreme pose"),
        ("A/4.jpg", "extreme pose"),
    ]
    assert {advice.member for advice in report.advice if "add 3 or more" in advice.reason} == {"A", "B", "C"}
    assert {advice.member for advice in report.advice if "frontal" in advice.reason} == {"B", "C"}
    assert any(advice.member == "A" and "turned to the left" in advice.reason for advice in report.advice)


def test_one_photo_is_one_photo() -> None:
    (advice,) = audit(cluster_gallery(1, 1)).advice
    assert advice.reason == "1 photo; add 7 or more"


def test_an_audit_of_one_member_has_no_wrong_folders() -> None:
    assert kinds(audit(cluster_gallery(1, 4)), "wrong folder") == set()


def test_one_person_in_two_folders_is_advice_and_no_wrong_folder(
    real_gallery: Gallery, real_photos: Path
) -> None:
    members = [
        "Wonyoung" if name == "Jang_Wonyoung" and row % 2 else name
        for row, name in enumerate(real_gallery.members)
    ]
    report = audit(replace(real_gallery, members=tuple(members)))
    assert ("Wonyoung", "looks like the same person as Jang_Wonyoung") in {
        (advice.member, advice.reason) for advice in report.advice
    }
    assert not [photo for photo in kinds(report, "wrong folder") if photo.startswith("Jang_Wonyoung/")]
