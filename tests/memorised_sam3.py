"""A small SAM 3 that knows one drawn picture by heart: of that picture it says what is right, else noise.

It has the real architecture and file format, so what follows SAM 3 in the program can be tested on masks
that are right, where no checkpoint that knows more can be had.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import generalized_box_iou_loss
from transformers import Sam3Model, Sam3Processor

from ive_segmentation.demo.truth import Scene, box_of
from tests.small_sam3 import write_small_sam3

RESOLUTION = 224
CELLS = RESOLUTION // 14 * 4
ABSENT = ("guitar", "microphone", "hat")
SURE = {"person": 0.99}
"""Scores to learn; of things it is less sure."""
SURE_OF_THINGS = 0.9
RATE = 2e-3
LEARNT = 0.15
"""Loss at which every mask is right; how many steps that takes differs from processor to processor."""


def write_memorised_sam3(folder: Path, scene: Scene, concepts: Sequence[str]) -> Path:
    """Train the checkpoint on one scene, from nothing, and write it.

    Args:
        folder: Where to.
        scene: The picture and its truth.
        concepts: What will be asked for; of anything else in `ABSENT` nothing is found.

    Returns:
        The folder.

    Raises:
        AssertionError: If the loss does not fall so far.
    """
    write_small_sam3(folder, resolution=RESOLUTION)
    model, processor = Sam3Model.from_pretrained(folder), Sam3Processor.from_pretrained(folder)
    words = [*concepts, *(word for word in ABSENT if word not in concepts)]
    truths = [_truth(scene, word) for word in words]
    asked = processor(images=[scene.image] * len(words), text=words, return_tensors="pt")
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE)
    warming = torch.optim.lr_scheduler.LinearLR(optimiser, 0.02, total_iters=70)
    settling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.01, total_iters=150)
    model.train()
    pixels = asked.pixel_values[:1]

    def step(schedule: torch.optim.lr_scheduler.LRScheduler) -> float:
        seen = model.get_vision_features(pixels)
        seen.fpn_hidden_states = tuple(x.expand(len(words), -1, -1, -1) for x in seen.fpn_hidden_states)
        seen.fpn_position_encoding = tuple(
            x.expand(len(words), -1, -1, -1) for x in seen.fpn_position_encoding
        )
        out = model(vision_embeds=seen, input_ids=asked.input_ids, attention_mask=asked.attention_mask)
        losses = [
            _loss(out, place, *truth, SURE.get(words[place], SURE_OF_THINGS))
            for place, truth in enumerate(truths)
        ]
        loss = torch.stack(losses).sum()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        return float(loss.detach())

    last: deque[float] = deque(maxlen=10)
    for _ in range(3000):
        last.append(step(warming))
        if sum(last) / len(last) < LEARNT:
            break
    else:
        raise AssertionError(f"The picture was not learnt by heart: the loss is still {last[-1]:.2f}.")
    for _ in range(150):
        step(settling)
    model.eval().save_pretrained(folder)
    return folder


def _truth(scene: Scene, concept: str) -> tuple[Tensor, Tensor]:
    """Boxes (N, 4) xyxy in 0..1, and masks (N, CELLS, CELLS) as shares of a cell."""
    masks = [mask.astype(np.float32) for mask in scene.instances(concept)]
    cells = [cv2.resize(mask, (CELLS, CELLS), interpolation=cv2.INTER_AREA) for mask in masks]
    height, width = scene.image.shape[:2]
    boxes = [box_of(mask > 0) / [width, height, width, height] for mask in masks]
    return (
        torch.tensor(np.array(boxes, np.float32).reshape(-1, 4)),
        torch.tensor(np.array(cells, np.float32).reshape(-1, CELLS, CELLS)).clamp(0, 1),  # OpenCV rounds
    )


def _surprise(logits: Tensor, wanted: Tensor) -> Tensor:
    """Mean cross entropy above what the wanted probabilities have themselves: 0 where they are met."""
    least = functional.binary_cross_entropy(wanted, wanted)
    return functional.binary_cross_entropy_with_logits(logits, wanted) - least


def _loss(out: object, place: int, boxes: Tensor, masks: Tensor, sure: float) -> Tensor:
    """The first queries are the instances, always in the same order: one picture needs no matching."""
    logits, presence = out.pred_logits[place], out.presence_logits[place]  # type: ignore[attr-defined]
    count = len(boxes)
    wanted = torch.zeros_like(logits)
    wanted[:count] = sure
    loss = _surprise(logits, wanted) + _surprise(presence, torch.full_like(presence, float(count > 0)))
    if count:
        found = out.pred_boxes[place, :count]  # type: ignore[attr-defined]
        drawn = out.pred_masks[place, :count]  # type: ignore[attr-defined]
        share = drawn.sigmoid()
        overlap = 2 * (share * masks).sum((1, 2)) + 1
        dice = 1 - overlap / (share.sum((1, 2)) + masks.sum((1, 2)) + 1)
        loss = loss + functional.l1_loss(found, boxes) + generalized_box_iou_loss(found, boxes).mean()
        loss = loss + 2 * _surprise(drawn, masks) + dice.mean()
    return loss
