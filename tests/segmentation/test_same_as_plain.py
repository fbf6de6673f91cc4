"""On a checkpoint that has learned something, encoded once and asked together is what plain calls say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Sam3Model, Sam3Processor

from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.segmentation.sam3 import load_sam3
from ive_segmentation.settings import Settings

CHECKPOINT = CHECKPOINTS / "sam3"
CONCEPTS = ["person", "shirt", "shoe"]
SCENES = [draw_scene(4_000_000 + number) for number in range(6)]


def plainly(dtype: torch.dtype) -> list[dict[str, list[np.ndarray]]]:
    """Per scene and concept the masks, with the whole model run for every concept."""
    model, processor = (
        Sam3Model.from_pretrained(CHECKPOINT, dtype=dtype),
        Sam3Processor.from_pretrained(CHECKPOINT),
    )
    cut: Any = processor.post_process_instance_segmentation
    answers: list[dict[str, list[np.ndarray]]] = []
    for scene in SCENES:
        answers.append({})
        for concept in CONCEPTS:
            asked = processor(images=scene.image, text=concept, return_tensors="pt")
            with torch.inference_mode():
                out = model(**asked.to(dtype))
            # The library would round the masks' probabilities to bfloat16 before it cuts them at a half.
            for name in ("pred_masks", "pred_logits", "pred_boxes", "presence_logits"):
                out[name] = out[name].float()
            (found,) = cut(out, threshold=Settings.sam3_threshold, target_sizes=[scene.image.shape[:2]])
            answers[-1][concept] = [mask.bool().numpy() for mask in found["masks"] if mask.any()]
    return answers


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize(
    ("precision", "least"), [("float32", 0.999), ("bfloat16", 0.99)], ids=["float32", "bfloat16"]
)
def test_masks_are_those_of_plain_calls(precision: str, least: float, tmp_path: Path) -> None:
    sam3 = load_sam3(Settings(sam3=str(CHECKPOINT), precision=precision, device="cpu", word_cache=tmp_path))
    compared = 0
    for scene, plain in zip(SCENES, plainly(getattr(torch, precision)), strict=True):
        together: list[Any] = sam3.find(sam3.encode(scene.image), CONCEPTS)
        for concept, found in zip(CONCEPTS, together, strict=True):
            assert len(found) == len(plain[concept])
            for mask in found.mask:
                assert max(overlap(mask, other) for other in plain[concept]) >= least
            compared += len(found)
    assert compared > 20
