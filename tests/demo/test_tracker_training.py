"""What teaching the tracker rests on: the library's own way through a clip, and true lessons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Sam3VideoModel, Sam3VideoProcessor

from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.demo.clips import draw_clip
from ive_segmentation.demo.things import CONCEPTS, HELD
from ive_segmentation.demo.training.prompts import PERSON
from ive_segmentation.demo.training.small_sam3 import CELLS, SIDE
from ive_segmentation.demo.training.small_tracker import export, follow, tracking_model
from ive_segmentation.demo.training.store import Labelled, label
from ive_segmentation.demo.training.tracker_train import instances, terms_of, walk

FRAMES = 4


@pytest.fixture(scope="module")
def frames() -> list[Labelled]:
    clip = draw_clip(4_900_006, people=3, seconds=1, fps=8, moves=["walk"])
    return [label(frame.scene, frame.person_ids) for frame in clip][:FRAMES]


@pytest.fixture(scope="module")
def model() -> Sam3VideoModel:
    torch.manual_seed(0)
    return tracking_model(CHECKPOINTS / "sam3").eval()


def flat(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mend the library: pointers as wide as the memory are not split, and keep one axis too many."""
    whole = model.tracker_model._process_object_pointers
    monkeypatch.setattr(
        model.tracker_model,
        "_process_object_pointers",
        lambda offsets, tokens, *rest: whole(offsets, [token.flatten(1) for token in tokens], *rest),
    )


def library(model: Any, processor: Any, pixels: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
    """The masks of one instance in the frames after the first, by the library's own session."""
    session = processor.init_video_session(dtype=torch.float32)
    place = session.obj_id_to_idx(1)
    session.obj_ids = [1]
    session.obj_id_to_prompt_id = {1: 0}
    found = []
    for number, frame in enumerate(pixels):
        session.add_new_frame(frame, number)
        maps, places = model.get_vision_features_for_tracker(
            model.detector_model.get_vision_features(frame[None])
        )
        session.cache.cache_vision_features(number, {"vision_feats": maps, "vision_pos_embeds": places})
        if number == 0:
            session.add_mask_inputs(place, 0, mask[None, None])
            session.obj_with_new_inputs = [1]
            model.tracker_model(inference_session=session, frame_idx=0)
        else:
            masks, _ = model.run_tracker_propagation(session, number, reverse=False)
            model._tracker_update_memories(session, number, masks)
            found.append(masks[0])
    return found


def test_several_instances_go_through_as_the_library_sends_each(
    model: Sam3VideoModel, frames: list[Labelled], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat(model, monkeypatch)
    monkeypatch.setattr(model, "fill_hole_area", 0)
    lesson = walk(frames, 3, np.random.default_rng(1))
    first = lesson.masks[0] >= 0.5
    export(model, tmp_path)
    processor = Sam3VideoProcessor.from_pretrained(tmp_path)
    with torch.inference_mode():
        ours = follow(model, lesson.pixels, first)
        for number, mask in enumerate(first):
            theirs = library(model, processor, lesson.pixels, mask)
            for our, their in zip(ours, theirs, strict=True):
                assert our.present[number] > 0, "a mask that is not there is no comparison"
                # Memories are kept in bfloat16, rounded differently side by side and alone.
                torch.testing.assert_close(our.masks[number], their, atol=0.05, rtol=0.05)


def test_what_was_exported_is_loaded_by_the_library_whole(model: Sam3VideoModel, tmp_path: Path) -> None:
    export(model, tmp_path)
    load: Any = Sam3VideoModel.from_pretrained
    loaded, report = load(tmp_path, dtype=torch.float32, output_loading_info=True)
    assert not report["missing_keys"]
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], weight.bfloat16().float(), atol=0, rtol=0)


def test_a_lesson_s_masks_are_the_persons_and_things_of_the_clip(frames: list[Labelled]) -> None:
    lesson = walk(frames, 4, np.random.default_rng(0))
    assert lesson.pixels.shape == (FRAMES, 3, SIDE, SIDE)
    assert lesson.masks.shape == (FRAMES, 4, CELLS, CELLS)
    for masks, frame in zip(lesson.masks.numpy(), frames, strict=True):
        true = np.array([np.isin(frame.labels, values).mean() for values in instances(frame).values()])
        for mask in masks:
            assert np.abs(true - mask.mean()).min() < 0.004


def test_a_person_is_all_that_is_worn_and_nothing_that_is_held(frames: list[Labelled]) -> None:
    for frame in frames:
        persons = {
            owner: values for (concept, owner), values in instances(frame).items() if concept == PERSON
        }
        assert len(persons) == 3
        for owner, values in persons.items():
            hers = np.flatnonzero(frame.parts[:, 1] == owner)
            concepts = frame.parts[:, 0]
            assert set(values) == {row + 1 for row in hers if CONCEPTS[concepts[row]] not in HELD}
    held = [
        CONCEPTS[concept] for frame in frames for concept in frame.parts[:, 0] if CONCEPTS[concept] in HELD
    ]
    assert held, "a clip in which nobody holds anything shows nothing of this"


def test_only_the_tracker_learns_and_the_memory_teaches_too(frames: list[Labelled]) -> None:
    torch.manual_seed(0)
    model = tracking_model(CHECKPOINTS / "sam3").train()
    sum(terms_of(model, walk(frames, 3, np.random.default_rng(0))).values(), torch.zeros(())).backward()
    assert all(weight.grad is None for weight in model.detector_model.parameters())
    for part in (model.tracker_neck.fpn_layers[0], model.tracker_model.memory_encoder):
        assert all(weight.grad is not None and weight.grad.any() for weight in part.parameters())
    attention = model.tracker_model.memory_attention.layers[0].cross_attn_image
    assert attention.v_proj.weight.grad is not None
    assert attention.v_proj.weight.grad.any()
