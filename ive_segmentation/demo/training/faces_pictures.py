"""Drawn faces as the detector and the recogniser see them while they learn: cut, turned, lit and blurred anew."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ive_segmentation.demo.training.fitting import Batch

DETECTOR_SIDE = 640
"""The side of the square that `FaceAnalysis` fits a picture into before it looks for faces."""
MIRRORED = [1, 0, 2, 4, 3]
"""Which keypoint becomes which when a picture is mirrored (eyes, nose, corners of the mouth)."""


@dataclass(frozen=True)
class FacePicture:
    """A picture and its faces.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        boxes: (N, 4) float32 xyxy, pixels.
        keypoints: (N, 5, 2) float32, pixels, in InsightFace's order.
        clear: (N,) bool; False where it would be unfair to ask for the face and to forbid it (almost all hidden).
    """

    image: np.ndarray
    boxes: np.ndarray
    keypoints: np.ndarray
    clear: np.ndarray


def detector_batch(pictures: list[FacePicture], rng: np.random.Generator, size: int, count: int) -> Batch:
    """Windows out of random pictures, with their faces.

    Args:
        pictures: what to cut from.
        rng: decides everything.
        size: side of the square windows in pixels.
        count: how many.

    Returns:
        image (B, 3, S, S) float32 as the detector wants it; boxes (B, F, 4) and keypoints (B, F, 5, 2) float32 in
        pixels of the window; kind (B, F) int64: 1 a face, 0 neither face nor background, -1 padding.
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
    # From the whole picture in the window up to (and a little beyond) the size that FaceAnalysis looks at.
    scale = whole * np.exp(rng.uniform(np.log(0.9 * size / DETECTOR_SIDE), np.log(1.2)))
    slack = np.array([width, height]) * scale - size
    corner = rng.uniform(np.minimum(slack, 0) * 0.5, np.maximum(slack, 0)) * (rng.random() < 0.8)
    if len(picture.boxes) and rng.random() < 0.7:
        box = picture.boxes[int(rng.integers(len(picture.boxes)))] * scale
        corner = (box[:2] + box[2:]) / 2 - rng.uniform(0.15, 0.85, 2) * size
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
    inside = np.clip(corners, 0, size)
    share = np.prod(inside[:, 1] - inside[:, 0], -1) / np.prod(corners[:, 1] - corners[:, 0], -1)
    kind = np.where((share > 0.75) & picture.clear, 1, 0)
    kept = share > 0.1
    return shaded(image, rng), corners.reshape(-1, 4)[kept], points[kept], kind[kept]


def shaded(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture (H, W, 3) uint8 in another light, sometimes soft, grainy, grey or a poor JPEG."""
    out = image.astype(np.float32)
    if rng.random() < 0.3:
        sigma = rng.uniform(0.3, 0.9)
        out = cv2.GaussianBlur(out, (0, 0), sigma)
    if rng.random() < 0.6:
        out = out * rng.uniform(0.75, 1.25, 3).mean() + rng.uniform(-20, 20)
        out = out * rng.uniform(0.93, 1.07, 3).astype(np.float32)
    if rng.random() < 0.3:
        # One value per pixel drawn once for the whole run would be a pattern to learn: draw per picture.
        out += rng.standard_normal(out.shape, np.float32) * rng.uniform(1, 8)
    if rng.random() < 0.05:
        out[:] = out.mean(-1, keepdims=True)
    out = np.clip(out, 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        quality = int(rng.integers(45, 90))
        out = cv2.imdecode(cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    return out
