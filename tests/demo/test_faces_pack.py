"""The built-in face pack, loaded by InsightFace itself from its folder and shown people it has never met."""

from __future__ import annotations

import numpy as np
import pytest
from insightface.app import FaceAnalysis
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from insightface.model_zoo.scrfd import SCRFD
from supervision import box_iou_batch

from ive_segmentation.demo.identities import stranger
from ive_segmentation.demo.people import draw_face
from ive_segmentation.demo.scenes import draw_scene
from tests.conftest import REPOSITORY

PACK = REPOSITORY / "ive_segmentation" / "demo" / "checkpoints" / "faces"
UNSEEN = 1_500_000
"""First seed of scenes and people that neither the training nor the benchmark draws."""


@pytest.fixture(scope="module")
def pack() -> FaceAnalysis:
    models = FaceAnalysis(name=str(PACK), providers=["CPUExecutionProvider"])
    # InsightFace looks at 128 and at 640 pixels where it is told nothing, as the program does.
    models.prepare(ctx_id=-1)
    return models


def test_insightface_takes_the_files_for_what_they_are(pack: FaceAnalysis) -> None:
    detector, recogniser = pack.models["detection"], pack.models["recognition"]
    assert isinstance(detector, SCRFD)
    assert detector.use_kps
    assert detector.static_input_size is None
    assert isinstance(recogniser, ArcFaceONNX)
    assert recogniser.input_size == (112, 112)
    # Any other pair would mean that InsightFace took our first operations for a normalisation of our own.
    assert (recogniser.input_mean, recogniser.input_std) == (127.5, 127.5)
    assert sum(path.stat().st_size for path in PACK.glob("*.onnx")) < 6_000_000


def test_faces_of_unseen_scenes_are_found_with_their_keypoints(pack: FaceAnalysis) -> None:
    shown = found = spurious = 0
    errors = []
    for seed in range(UNSEEN, UNSEEN + 30):
        scene = draw_scene(seed)
        boxes, points = pack.det_model.detect(scene.image[:, :, ::-1])
        spurious += len(boxes)
        for person in scene.persons:
            if person.face_box is None or person.keypoints is None:
                continue
            shown += 1
            overlap = box_iou_batch(person.face_box[None], boxes[:, :4])[0]
            if overlap.max(initial=0) < 0.5:
                continue
            found, spurious = found + 1, spurious - 1
            side = np.sqrt(np.prod(person.face_box[2:] - person.face_box[:2]))
            errors.append(np.linalg.norm(points[overlap.argmax()] - person.keypoints, axis=1).mean() / side)
    assert shown > 60
    assert found / shown >= 0.97
    assert spurious <= 2
    assert np.median(errors) < 0.07


def test_people_who_face_away_have_no_face(pack: FaceAnalysis) -> None:
    away = [draw_scene(seed, away=1.0).image for seed in range(UNSEEN, UNSEEN + 10)]
    assert sum(len(pack.det_model.detect(image[:, :, ::-1])[0]) for image in away) == 0


@pytest.mark.parametrize(
    ("side", "unit"), [(640, 14), (640, 30), (640, 90), (640, 200), (640, 300), (200, 70), (1600, 200)]
)
def test_faces_of_every_size_are_found(pack: FaceAnalysis, side: int, unit: float) -> None:
    """From 24 px to close-ups that fill the frame; `unit` is half a head's width in a picture of `side`."""
    rng = np.random.default_rng(UNSEEN)
    found = 0
    for _ in range(10):
        image, keypoints = draw_face(rng, stranger(rng), size=side, unit=unit)
        _, points = pack.det_model.detect(image[:, :, ::-1])
        found += len(points) == 1 and np.linalg.norm(points[0] - keypoints, axis=1).max() < 0.4 * unit
    assert found >= 9


def test_unseen_people_are_told_apart(pack: FaceAnalysis) -> None:
    rng = np.random.default_rng(UNSEEN)
    names, embeddings = [], []
    for name in range(12):
        who = stranger(rng)
        for _ in range(5):
            image, _ = draw_face(rng, who, size=320, unit=60)
            faces = pack.get(image[:, :, ::-1])
            if faces:
                names.append(name)
                embeddings.append(faces[0].normed_embedding)
    assert len(names) >= 58
    vectors = np.stack(embeddings)
    assert vectors.shape[1] == 512
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -1)
    nearest = np.array(names)[similarity.argmax(1)]
    assert (nearest == names).mean() >= 0.95
    same = np.equal.outer(names, names) & ~np.eye(len(names), dtype=bool)
    assert similarity[same].mean() > 0.6
    assert similarity[~np.equal.outer(names, names)].mean() < 0.2
