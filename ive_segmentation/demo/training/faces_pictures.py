"""Drawn faces as the networks see them while they learn: cut, turned, lit and blurred anew."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.demo.seen import FACE_SHOWN
from ive_segmentation.demo.training.fitting import Batch
from ive_segmentation.demo.truth import Scene, box_of

DETECTOR_SIDE = 640
"""The side of the square that `FaceAnalysis` fits a picture into before it looks for faces."""
SHAPES = ((480, 640), (480, 640), (640, 480))
"""Heights and widths of the scenes, in turn."""
ALMOST = 0.36
"""From this visible share on, and below the scenes' own `FACE_SHOWN`, a detector may say either."""
TINY = 9
"""Faces of fewer pixels are neither asked for nor forbidden."""
TRUTHS = ("boxes", "points", "shown", "visible")
"""What is kept of a picture's faces, in the order of `FacePicture`."""
HIDDEN_ODDS = 4.0
"""How much oftener a face is looked at of which nothing is seen than one that nothing hides; in between, in
a line. Half hidden faces are what a detector misses."""
MIRRORED = [1, 0, 2, 4, 3]
"""Which keypoint becomes which when a picture is mirrored (eyes, nose, corners of the mouth)."""


@dataclass(frozen=True)
class FacePicture:
    """A picture and its faces.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        boxes: (N, 4) float32 xyxy, pixels.
        keypoints: (N, 5, 2) float32, pixels, in InsightFace's order; nan where `shown` is False.
        shown: (N,) bool; False where so little less than enough is seen that a detector may say either.
        visible: (N,) float32, the share of the face that nothing hides.
    """

    image: np.ndarray
    boxes: np.ndarray
    keypoints: np.ndarray
    shown: np.ndarray
    visible: np.ndarray


def draw_pictures(path: Path, count: int, seed: int) -> list[FacePicture]:
    """Draw `count` scenes, mostly of strangers, or take them from `path` if they are there.

    Args:
        path: The .npy file that keeps the images; their faces lie beside it as .npz.
        count: How many.
        seed: Of the first scene; the others follow it.

    Returns:
        The pictures, images read from disk as they are used.
    """
    truth = path.with_suffix(".npz")
    if not (path.exists() and truth.exists()):
        unfinished = path.with_suffix(".part")
        pixels = np.lib.format.open_memmap(
            unfinished, "w+", np.uint8, (count, SHAPES[0][0] * SHAPES[0][1] * 3)
        )
        faces: dict[str, np.ndarray] = {}
        for i in tqdm(range(count), desc="drawing scenes", mininterval=5):
            height, width = SHAPES[i % len(SHAPES)]
            picture = face_picture(draw_scene(seed + i, size=(width, height), strangers=0.8))
            pixels[i] = picture.image.reshape(-1)
            truths = picture.boxes, picture.keypoints, picture.shown, picture.visible
            faces |= {f"{what}{i}": truth for what, truth in zip(TRUTHS, truths, strict=True)}
        pixels.flush()
        np.savez(truth, allow_pickle=False, **faces)
        unfinished.rename(path)
    pixels = np.load(path, mmap_mode="r")
    with np.load(truth) as faces:
        return [
            FacePicture(row.reshape(*SHAPES[i % len(SHAPES)], 3), *(faces[f"{what}{i}"] for what in TRUTHS))
            for i, row in enumerate(pixels)
        ]


def face_picture(scene: Scene) -> FacePicture:
    """What a scene shows of faces: those shown, and those almost shown; the others are background."""
    boxes, keypoints, shown, visible = [], [], [], []
    for person in scene.persons:
        if person.face_box is not None and person.keypoints is not None:
            boxes.append(person.face_box)
            keypoints.append(person.keypoints)
            shown.append(True)
            visible.append(person.face_visible)
        elif person.face is not None and ALMOST < person.face_visible < FACE_SHOWN:
            boxes.append(box_of(person.face))
            keypoints.append(np.full((5, 2), np.nan, np.float32))
            shown.append(False)
            visible.append(person.face_visible)
    return FacePicture(
        scene.image,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(keypoints, np.float32).reshape(-1, 5, 2),
        np.array(shown, bool),
        np.array(visible, np.float32),
    )


def detector_batch(pictures: list[FacePicture], rng: np.random.Generator, size: int, count: int) -> Batch:
    """Windows out of random pictures, with their faces.

    Args:
        pictures: What to cut from.
        rng: Decides everything.
        size: Side of the square windows in pixels.
        count: How many.

    Returns:
        image (B, 3, S, S) float32 as the detector wants it; boxes (B, F, 4) and keypoints (B, F, 5, 2)
        float32 in pixels of the window; kind (B, F) int64: 1 a face, 0 neither face nor background, -1
        padding.
    """
    windows = [_window(pictures[int(rng.integers(len(pictures)))], rng, size) for _ in range(count)]
    most = max(1, *(len(kind) for _, _, _, kind in windows))
    boxes, keypoints = np.zeros((count, most, 4), np.float32), np.zeros((count, most, 5, 2), np.float32)
    kinds = np.full((count, most), -1)
    for row, (_, box, points, kind) in enumerate(windows):
        boxes[row, : len(kind)], keypoints[row, : len(kind)], kinds[row, : len(kind)] = box, points, kind
    images = np.stack([image for image, _, _, _ in windows]).transpose(0, 3, 1, 2)
    return {
        "image": (torch.from_numpy(np.ascontiguousarray(images)).float() - 127.5) / 128,
        "boxes": torch.from_numpy(boxes),
        "keypoints": torch.from_numpy(keypoints),
        "kind": torch.from_numpy(kinds),
    }


def _window(
    picture: FacePicture, rng: np.random.Generator, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """One window: image, boxes, keypoints, kinds."""
    height, width = picture.image.shape[:2]
    whole = DETECTOR_SIDE / max(height, width)
    scale = whole * np.exp(rng.uniform(np.log(0.8 * size / DETECTOR_SIDE), np.log(1.3)))
    chosen = None
    if len(picture.boxes) and rng.random() < 0.7:
        # Faces of all sizes alike, from 16 px to almost the whole window; those that fit into
        # smaller windows need not be shown in the largest.
        odds = HIDDEN_ODDS - (HIDDEN_ODDS - 1) * picture.visible
        chosen = picture.boxes[int(rng.choice(len(picture.boxes), p=odds / odds.sum()))]
        least = size / 20 if size < DETECTOR_SIDE else size / 4
        side = np.exp(rng.uniform(np.log(least), np.log(0.95 * size)))
        scale = float(np.clip(side / np.sqrt(np.prod(chosen[2:] - chosen[:2])), 0.3, 2.5))
    slack = np.array([width, height]) * scale - size
    if chosen is None:
        corner = rng.uniform(np.minimum(slack, 0) * 0.5, np.maximum(slack, 0)) * (rng.random() < 0.8)
    else:
        corner = (chosen[:2] + chosen[2:]) / 2 * scale - rng.uniform(0.15, 0.85, 2) * size
        corner = np.clip(corner, np.minimum(slack, 0), np.maximum(slack, 0))
    matrix = np.array([[scale, 0, -corner[0]], [0, scale, -corner[1]]])
    mirrored = rng.random() < 0.5
    if mirrored:
        matrix = np.array([[-1.0, 0, size - 1], [0, 1, 0]]) @ np.vstack([matrix, [0, 0, 1]])
    image = cv2.warpAffine(picture.image, matrix, (size, size), flags=cv2.INTER_LINEAR)
    points = picture.keypoints @ matrix[:, :2].T + matrix[:, 2]
    corners = picture.boxes.reshape(-1, 2, 2) @ matrix[:, :2].T + matrix[:, 2]
    if mirrored:
        points, corners = points[:, MIRRORED], np.stack([corners[:, ::-1, 0], corners[..., 1]], -1)
    # Inside a window the scene's own rule holds: a face is shown when its five keypoints are. At the window's
    # very edge either answer will do.
    depth = np.minimum(points, size - points).min((1, 2))
    edge = 0.03 * np.linalg.norm(corners[:, 1] - corners[:, 0], axis=-1)
    sides = np.sqrt(np.prod(corners[:, 1] - corners[:, 0], -1))
    kind = np.where(picture.shown & (depth > edge) & (sides > TINY), 1, 0)
    kept = ~(depth < -edge)
    inside = np.clip(corners, 0, size).reshape(-1, 4)
    return shaded(image, rng), inside[kept], points[kept], kind[kept]


def shaded(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture (H, W, 3) uint8 in another light, sometimes soft, grainy, grey or a poor JPEG."""
    out: np.ndarray = image.astype(np.float32)
    if rng.random() < 0.3:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.3, 0.9))
    if rng.random() < 0.6:
        gain = rng.uniform(0.85, 1.15) * rng.uniform(0.93, 1.07, 3).astype(np.float32)
        out = out * gain + rng.uniform(-20, 20)
    if rng.random() < 0.3:
        out = out + rng.standard_normal(out.shape, np.float32) * rng.uniform(1, 8)
    if rng.random() < 0.05:
        out = np.broadcast_to(out.mean(-1, keepdims=True), out.shape)
    out = np.clip(out, 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        code = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 90))])[1]
        out = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))
    return out
