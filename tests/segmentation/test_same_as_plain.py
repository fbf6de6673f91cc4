"""On a checkpoint that has learned something, encoded once and asked together is what plain calls say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Sam3Model, Sam3Processor

from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.demo.truth import Scene
from ive_segmentation.segmentation.instances import instances
from ive_segmentation.segmentation.sam3 import load_sam3
from ive_segmentation.settings import Settings

CHECKPOINT = str(CHECKPOINTS / "sam3")
CONCEPTS = ["person", "shirt"]


def plainly(scene: Scene, dtype: torch.dtype) -> dict[str, list[np.ndarray]]:
    """Per concept the masks, with the whole model run for every concept."""
    model, processor = (
        Sam3Model.from_pretrained(CHECKPOINT, dtype=dtype),
        Sam3Processor.from_pretrained(CHECKPOINT),
    )
    cut: Any = processor.post_process_instance_segmentation
    answers: dict[str, list[np.ndarray]] = {}
    for concept in CONCEPTS:
        asked = processor(images=scene.image, text=concept, return_tensors="pt")
        with torch.inference_mode():
            out = model(**asked.to(dtype))
        # The library would round the masks' probabilities to bfloat16 before it cuts them at a half.
        for name in ("pred_masks", "pred_logits", "pred_boxes", "presence_logits"):
            out[name] = out[name].float()
        (found,) = cut(out, threshold=Settings.sam3_threshold, target_sizes=[scene.image.shape[:2]])
        answers[concept] = [mask.bool().numpy() for mask in found["masks"] if mask.any()]
    return answers


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_bfloat16_moves_no_box_and_no_score(trio: Scene, tmp_path: Path) -> None:
    """Its numbers are 1/256 of the picture apart: eleven pixels of a photo's four thousand."""
    answers = {}
    for precision in ("float32", "bfloat16"):
        settings = Settings(sam3=CHECKPOINT, precision=precision, device="cpu", word_cache=tmp_path)
        sam3 = load_sam3(settings)
        answers[precision] = sam3.find(sam3.encode(trio.image), CONCEPTS)
    for exact, rounded in zip(answers["float32"], answers["bfloat16"], strict=True):
        order = [rows.boxes[:, 0].argsort() for rows in (exact, rounded)]
        boxes, other_boxes = exact.boxes[order[0]], rounded.boxes[order[1]]
        torch.testing.assert_close(other_boxes, boxes, atol=0.0015, rtol=0)
        torch.testing.assert_close(rounded.scores[order[1]], exact.scores[order[0]], atol=0.05, rtol=0)


@pytest.mark.parametrize(
    ("precision", "least"), [("float32", 0.999), ("bfloat16", 0.99)], ids=["float32", "bfloat16"]
)
def test_masks_are_those_of_plain_calls(precision: str, least: float, trio: Scene, tmp_path: Path) -> None:
    settings = Settings(sam3=CHECKPOINT, precision=precision, device="cpu", word_cache=tmp_path)
    sam3 = load_sam3(settings)
    plain = plainly(trio, getattr(torch, precision))
    features = sam3.encode(trio.image)
    for concept, answer in zip(CONCEPTS, sam3.find(features, CONCEPTS), strict=True):
        found = instances(answer, features.size)
        assert len(found) == len(plain[concept]) == len(trio.instances(concept))
        for mask, *_ in found:
            assert max(overlap(mask, other) for other in plain[concept]) >= least
