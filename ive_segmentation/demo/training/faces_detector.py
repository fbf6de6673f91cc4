"""The face detector of the built-in pack: SCRFD's nine outputs (Guo et al., 2021) from a very small network.

InsightFace reads, for the strides 8, 16 and 32 in turn, two anchors per cell: scores (N, 1), distances from
the cell's corner to the box's four sides (N, 4) and the five keypoints (N, 10), both in strides.
"""

from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ive_segmentation.demo.training.faces_pictures import detector_batch, draw_pictures
from ive_segmentation.demo.training.fitting import Batch, Residual, conv, export, fit

STRIDES = (8, 16, 32)
ANCHORS = (2.0, 4.0)
"""Sides of a cell's two anchors in strides: 16 and 32 px, 32 and 64, 64 and 128; the last takes all above."""
SCORE_SHIFT = 0.708
"""Taken off the logits once trained, so that InsightFace's threshold of 0.5 lies where 0.67 lay. On 800 drawn
scenes (seeds from 1,600,000 and 1,700,000) it finds 99.4% of the faces there and 0.006 false ones per
picture, where 0.62 lay 99.6% and 0.011."""
OCTAVES = 0.75
"""An anchor takes faces whose side is within 2**0.75 of its own; neighbours overlap by half an octave."""
RADIUS = 0.3
"""Share of the face's side round its centre where cells answer for it."""
PIXELS = 16 * 320**2
"""Pixels in a batch, however large its windows are."""
STEPS, SCENES, SEED = 4500, 9000, 0
"""Batches, pictures to learn from, and what weights and batches are drawn by."""
OUTPUTS = [f"{what}_{stride}" for what in ("score", "box", "keypoints") for stride in STRIDES]


class FaceDetector(nn.Module):
    """A convolutional pyramid down to stride 128, whose levels 8, 16 and 32 share one head."""

    def __init__(self) -> None:
        super().__init__()
        width = 32
        self.stem = nn.Sequential(conv(3, 16, 2), conv(16, 24, 2))
        self.down = nn.ModuleList(
            [
                nn.Sequential(conv(24, 32, 2), Residual(32)),
                nn.Sequential(conv(32, 64, 2), Residual(64)),
                nn.Sequential(conv(64, 80, 2), Residual(80)),
                conv(80, 80, 2),
                conv(80, 80, 2),
            ]
        )
        self.lateral = nn.ModuleList([conv(c, width, kernel=1, act=False) for c in (32, 64, 80, 80, 80)])
        self.smooth = nn.ModuleList([conv(width, width) for _ in STRIDES])
        self.tower = conv(width, 48)
        anchors = len(ANCHORS)
        self.score = nn.Conv2d(48, anchors, 1)
        self.box = nn.Conv2d(48, anchors * 4, 1)
        self.keypoints = nn.Conv2d(48, anchors * 10, 1)
        # One cell in a hundred shows a face: starting there keeps the first steps calm (Lin et al., 2017).
        nn.init.constant_(cast(Tensor, self.score.bias), -4.6)
        self.half_sides: Tensor
        self.register_buffer("half_sides", torch.tensor(ANCHORS) / 2, persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Answer for every anchor of a batch.

        Args:
            x: (B, 3, H, W) float32 RGB, (value - 127.5) / 128; sides are multiples of 32.

        Returns:
            Nine tensors in `OUTPUTS`' order: (B * N, 1) scores, as logits while training, then boxes
            (B * N, 4) and keypoints (B * N, 10).
        """
        levels = []
        x = self.stem(x)
        for down in self.down:
            x = down(x)
            levels.append(x)
        top = self.lateral[-1](levels[-1])
        neck = []
        for lateral, level in zip(list(self.lateral)[-2::-1], levels[-2::-1], strict=True):
            top = lateral(level) + functional.interpolate(top, size=level.shape[-2:], mode="nearest")
            neck.append(top)
        scores, boxes, keypoints = [], [], []
        for smooth, level in zip(self.smooth, neck[:0:-1], strict=True):
            seen = self.tower(smooth(level))
            score = self.score(seen).permute(0, 2, 3, 1).reshape(-1, 1)
            scores.append(score if self.training else (score - SCORE_SHIFT).sigmoid())
            cells = self.box(seen).permute(0, 2, 3, 1).unflatten(-1, (len(ANCHORS), 4))
            distance = cells.float().clamp(-4, 3).exp() * self.half_sides[:, None]
            boxes.append(distance.reshape(-1, 4))
            cells = self.keypoints(seen).permute(0, 2, 3, 1).unflatten(-1, (len(ANCHORS), 10))
            keypoints.append((cells.float() * self.half_sides[:, None]).reshape(-1, 10))
        return (*scores, *boxes, *keypoints)


def anchors(height: int, width: int, device: torch.device | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Where the network's answers stand, in its order.

    Args:
        height: Of the image, a multiple of 32.
        width: Likewise.
        device: Where to put them.

    Returns:
        Points (P, 2) xy, sides (P,) and strides (P,), all in pixels.
    """
    points, sides, strides = [], [], []
    for stride in STRIDES:
        y, x = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        cells = torch.stack([x, y], -1).reshape(-1, 2) * float(stride)
        points.append(cells.repeat_interleave(len(ANCHORS), 0))
        sides.append(torch.tensor(ANCHORS).mul(stride).repeat(len(cells)))
        strides.append(torch.full((len(points[-1]),), float(stride)))
    return torch.cat(points).to(device), torch.cat(sides).to(device), torch.cat(strides).to(device)


def assign(
    points: Tensor, sides: Tensor, strides: Tensor, boxes: Tensor, kind: Tensor
) -> tuple[Tensor, Tensor]:
    """Which face every anchor answers for.

    Args:
        points: (P, 2) of `anchors`.
        sides: (P,) of `anchors`.
        strides: (P,) of `anchors`.
        boxes: (B, F, 4) xyxy.
        kind: (B, F) 1 a face, 0 neither face nor background, -1 padding.

    Returns:
        (B, P) index of the face or -1, and (B, P) bool: anchors neither asked nor forbidden to speak.
    """
    low, high = boxes[:, None, :, :2], boxes[:, None, :, 2:]
    face = (high - low).prod(-1).clamp(min=1).sqrt()
    octave = face.log2().clamp(sides.min().log2(), sides.max().log2())
    fits = (octave - sides.log2()[:, None]).abs() <= OCTAVES
    away = (points[:, None] - (low + high) / 2).abs().amax(-1)
    # A cell's corner always lies within half a stride, so that no face is left without an answer.
    near = away <= torch.maximum(RADIUS * face, 0.51 * strides[:, None])
    distance = torch.where(fits & near & (kind == 1)[:, None], away / face, torch.inf)
    nearest, index = distance.min(-1)
    over = ((points[:, None] >= low) & (points[:, None] <= high)).all(-1)
    ignored = (over & (kind == 0)[:, None]).any(-1)
    positive = nearest.isfinite()
    return torch.where(positive, index, -1), ignored & ~positive


def detector_loss(outputs: tuple[Tensor, ...], batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """What the detector is to make small.

    Scores follow the quality focal loss (Li et al., 2020) towards (1 + IoU) / 2, so that a face whose box is
    inexact still passes InsightFace's threshold of 0.5; boxes 1 - IoU from distances (UnitBox, Yu et al.,
    2016); keypoints the mean distance in shares of the face's side.

    Args:
        outputs: Of `FaceDetector` while training.
        batch: Of `detector_batch`.

    Returns:
        The loss and its figures.
    """
    count, _, height, width = batch["image"].shape
    score, box, keypoints = (
        torch.cat([level.float().unflatten(0, (count, -1)) for level in outputs[i : i + 3]], 1)
        for i in (0, 3, 6)
    )
    points, sides, strides = anchors(height, width, score.device)
    index, ignored = assign(points, sides, strides, batch["boxes"], batch["kind"])
    row, cell = (index >= 0).nonzero(as_tuple=True)
    face, at, stride = index[row, cell], points[cell], strides[cell, None]
    true_box = batch["boxes"][row, face]
    true = torch.cat([at - true_box[:, :2], true_box[:, 2:] - at], 1).clamp(min=0.01) / stride
    told = box[row, cell]
    common = torch.minimum(true, told)
    inter = (common[:, 0] + common[:, 2]) * (common[:, 1] + common[:, 3])
    areas = [(d[:, 0] + d[:, 2]) * (d[:, 1] + d[:, 3]) for d in (true, told)]
    iou = inter / (areas[0] + areas[1] - inter)

    quality = torch.zeros_like(score[..., 0])
    quality[row, cell] = (1 + iou.detach()) / 2
    logits = score[..., 0]
    entropy = functional.binary_cross_entropy_with_logits(logits, quality, reduction="none")
    focal = (entropy * (quality - logits.sigmoid()).square())[~ignored].sum()

    true_points = (batch["keypoints"][row, face] - at[:, None]) / stride[..., None]
    off = torch.linalg.vector_norm(keypoints[row, cell].unflatten(1, (5, 2)) - true_points, dim=-1)
    side = (true_box[:, 2:] - true_box[:, :2]).prod(-1).sqrt() / stride[:, 0]
    off = (off / side[:, None]).mean(1)

    found = max(len(row), 1)
    total = (focal + 2 * (1 - iou).sum() + 4 * off.sum()) / found
    figures = {
        "score": focal.item() / found,
        "iou": iou.mean().item() if len(row) else 1.0,
        "keypoints": off.mean().item() if len(row) else 0.0,
    }
    return total, figures


def train_detector(out: Path, work: Path) -> None:
    """Train the detector and write `det.onnx`.

    Args:
        out: Folder of the pack.
        work: Where the scenes (8.3 GB) and the state of an unfinished run are kept.
    """
    for folder in (out, work):
        folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    # What was drawn or learnt of another number is not gone on with.
    pictures = draw_pictures(work / f"scenes-{SCENES}.npy", SCENES, SEED)
    model = FaceDetector().to(memory_format=torch.channels_last)

    def batch(rng: np.random.Generator) -> Batch:
        # InsightFace looks at 128 and at 640 pixels; windows of 320 teach most of the latter for a quarter
        # of the work.
        size = int(rng.choice([128, 320, 640], p=[0.15, 0.5, 0.35]))
        return detector_batch(pictures, rng, size, PIXELS // size**2)

    def loss(tensors: Batch) -> tuple[Tensor, dict[str, float]]:
        images = tensors["image"].contiguous(memory_format=torch.channels_last)
        return detector_loss(model(images), tensors)

    fit(model, batch, loss, steps=STEPS, rate=2e-3, state=work / f"detector-{SCENES}.pt", seed=SEED)
    export(model, torch.zeros(1, 3, 640, 640), out / "det.onnx", OUTPUTS, {2: "height", 3: "width"})
