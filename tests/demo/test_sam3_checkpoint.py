"""The built-in SAM 3 checkpoint: in SAM 3's own format, and it knows scenes it has never seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import Sam3Model, Sam3Processor

from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.segmentation.sam3 import Sam3, load_sam3
from ive_segmentation.settings import Settings

CHECKPOINT = CHECKPOINTS / "sam3"
UNSEEN = 1_600_000
"""First seed of scenes that neither training nor the benchmark draws."""

PEOPLE_TOGETHER = 0.5
"""Least mean IoU of all persons found with all persons drawn."""


@pytest.fixture(scope="module")
def sam3() -> Sam3:
    return load_sam3(Settings(sam3=str(CHECKPOINT), device="cpu"))


def test_transformers_loads_it_unchanged() -> None:
    model, report = Sam3Model.from_pretrained(
        CHECKPOINT, dtype=torch.float32, use_safetensors=True, output_loading_info=True
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert not report["mismatched_keys"]
    processor = Sam3Processor.from_pretrained(CHECKPOINT)
    image = draw_scene(UNSEEN, people=2, shot="medium").image
    inputs = processor(images=image, text="person", return_tensors="pt")
    with torch.inference_mode():
        outputs = model.eval()(**inputs)
    (found,) = processor.post_process_instance_segmentation(
        outputs, threshold=0.5, mask_threshold=0.5, target_sizes=[image.shape[:2]]
    )
    assert len(found["masks"])
    assert found["masks"].shape[1:] == image.shape[:2]


def test_it_is_small_enough_to_ship() -> None:
    assert sum(file.stat().st_size for file in CHECKPOINT.iterdir()) < 10_000_000
    assert not [file for file in CHECKPOINT.iterdir() if file.suffix not in (".json", ".safetensors", ".txt")]


def test_people_are_told_from_their_surroundings(sam3: Sam3) -> None:
    # Which pixel is whose it hardly knows yet (the model card has the figures): all persons together.
    shared = []
    for seed in range(UNSEEN, UNSEEN + 8):
        scene = draw_scene(seed, people=2, shot="medium", away=0, hidden=0)
        (found,) = sam3.find(sam3.encode(scene.image), ["person"])
        assert isinstance(found.mask, np.ndarray)
        truth, ours = np.logical_or.reduce(scene.instances("person")), found.mask.any(0)
        shared.append(np.sum(truth & ours) / np.sum(truth | ours))
    assert np.mean(shared) >= PEOPLE_TOGETHER


def test_what_was_never_drawn_is_not_found(sam3: Sam3) -> None:
    found = 0
    for seed in range(UNSEEN, UNSEEN + 8):
        (answer,) = sam3.find(sam3.encode(draw_scene(seed).image), ["kite"])
        found += len(answer)
    assert found <= 1
