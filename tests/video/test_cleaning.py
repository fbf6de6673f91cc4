"""What SAM 3's tracker follows: nothing twice, no holes and no specks, with no code from a hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers.models.sam3_video import modeling_sam3_video as library

from ive_segmentation.segmentation.sam3 import load_sam3
from ive_segmentation.settings import Settings
from ive_segmentation.video.cleaning import clean_here
from ive_segmentation.video.session import SessionTracker
from tests.small_sam3 import write_small_sam3_video


@pytest.fixture(autouse=True)
def cleaning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "cv_utils_kernel", None)  # and back to what it was
    clean_here()


def logits(*windows: tuple[slice, slice]) -> torch.Tensor:
    """Masks of 33 x 32 cells, each a window, (N, 33, 32)."""
    masks = torch.full((len(windows), 33, 32), -9.0)
    for mask, window in zip(masks, windows, strict=True):
        mask[window] = 9.0
    return masks


def test_of_what_is_found_twice_the_surer_one_stays() -> None:
    left, nearly_left, right = np.s_[4:20, 2:12], np.s_[4:20, 2:11], np.s_[4:20, 18:30]
    scores = torch.tensor([0.6, 0.4, 0.7, 0.9])
    kept = library.nms_masks(scores, logits(left, right, right, nearly_left), 0.5, 0.1)
    assert kept.tolist() == [False, False, True, True]


def test_small_holes_are_filled_and_small_specks_go() -> None:
    mask = logits(np.s_[2:30, 2:30])[:, None]
    mask[..., 10, 10] = -9.0  # a hole
    mask[..., 14:20, 14:20] = -9.0  # what she looks through
    mask[..., 32, 0] = 9.0  # a speck
    clean = library.fill_holes_in_mask_scores(mask, 16)[0, 0] > 0
    assert [bool(clean[at]) for at in ((10, 10), (16, 16), (32, 0), (5, 5))] == [True, False, False, True]


def test_who_is_found_twice_is_one_track(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_small_sam3_video(tmp_path / "sam3")
    sam3 = load_sam3(Settings(sam3=str(folder), device="cpu", precision="float32", word_cache=tmp_path))
    plainly = sam3.model.forward

    def twice(*given: Any, **named: Any) -> Any:
        out = plainly(*given, **named)
        out.pred_logits[:], out.presence_logits[:], out.pred_masks[:] = -9.0, 9.0, -9.0
        for query, (width, logit) in enumerate([(20, 3.0), (18, 4.0)]):
            out.pred_logits[:, query] = logit
            out.pred_masks[:, query, 4:24, 4 : 4 + width] = 9.0
        return out

    monkeypatch.setattr(sam3.model, "forward", twice)
    tracker = SessionTracker(sam3, ["person"])
    seen = [tracker.follow(np.full((112, 112, 3), 80, np.uint8)) for _ in range(3)]
    assert [len(tracked) for tracked in seen] == [1, 1, 1]
    assert {tracked[0].track for tracked in seen} == {seen[0][0].track}
