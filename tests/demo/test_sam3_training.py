"""What training rests on: it sees the model as `Sam3Model.forward` does, and its targets are the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Sam3Model

from ive_segmentation.demo.clips import draw_clip
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.demo.things import CONCEPTS
from ive_segmentation.demo.training import store
from ive_segmentation.demo.training.attention import plain_attention
from ive_segmentation.demo.training.batches import (
    GRIP,
    Batches,
    _light,
    cut,
    hand_stress,
    normalised,
    resized,
    targets,
)
from ive_segmentation.demo.training.losses import mask_losses, padded
from ive_segmentation.demo.training.prompts import HIDING, PERSON, SYNONYMS, answers, ask, crowded, tiny
from ive_segmentation.demo.training.sam3_train import (
    ON_CPU,
    ON_GPU,
    Recipe,
    Sam3Lesson,
    Student,
    beginning,
    refining,
)
from ive_segmentation.demo.training.small_sam3 import (
    SIDE,
    cells,
    config,
    go_on_from,
    processor,
    run_every_layer,
)
from ive_segmentation.demo.training.store import CLIP_FRAMES, KINDS, Store, label
from ive_segmentation.demo.training.workers import Pace, Shares, prepared


@pytest.mark.parametrize("with_box", [False, True])
def test_the_last_layer_is_the_model_s_own_output(with_box: bool) -> None:
    torch.manual_seed(0)
    model = Sam3Model(config()).eval()
    inputs = processor()(images=draw_scene(5).image, text="shirt", return_tensors="pt")
    text = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    box = (torch.tensor([[[0.4, 0.5, 0.2, 0.6]]]), torch.tensor([[1]])) if with_box else None
    boxes = {"input_boxes": box[0], "input_boxes_labels": box[1]} if box else {}
    with torch.inference_mode():
        plain = model(pixel_values=inputs.pixel_values, **text, **boxes)
        seen = model.get_vision_features(inputs.pixel_values)
        ours = run_every_layer(model, seen.fpn_hidden_states[:-1], seen.fpn_position_encoding[:-1], text, box)
    assert ours.embeddings is not None
    assert ours.pixels is not None
    assert ours.offsets is not None
    masks = torch.einsum("nqc,nchw->nqhw", ours.embeddings[-1], ours.pixels) + ours.offsets[-1][..., None]
    torch.testing.assert_close(masks, plain.pred_masks, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(ours.boxes[-1], plain.pred_boxes, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(ours.logits[-1], plain.pred_logits, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(ours.presence[-1], plain.presence_logits, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(ours.semantic, plain.semantic_seg, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [pytest.param(torch.float32, 1e-5, id="fp32"), pytest.param(torch.bfloat16, 0.02, id="bf16")],
)
def test_plain_attention_is_attention(dtype: torch.dtype, tolerance: float) -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, 3, tokens, 8, dtype=dtype) for tokens in (5, 7, 7))
    mask = torch.where(torch.rand(2, 1, 5, 7) < 0.3, torch.finfo(torch.float32).min, 0.0)
    ours, _ = plain_attention(torch.nn.Identity(), query, key, value, mask, scaling=0.5)
    theirs = torch.nn.functional.scaled_dot_product_attention(
        query.float(), key.float(), value.float(), mask, scale=0.5
    )
    torch.testing.assert_close(ours.transpose(1, 2).float(), theirs, atol=tolerance, rtol=0)


def test_pictures_are_prepared_as_the_shipped_processor_does() -> None:
    image = draw_scene(5, size=(SIDE, SIDE)).image
    theirs = processor()(images=image, text="shirt", return_tensors="pt").pixel_values[0]
    ours = normalised(torch.from_numpy(image).permute(2, 0, 1))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("concept", CONCEPTS)
def test_the_label_map_holds_the_scene_s_own_masks(concept: str) -> None:
    asked = 0
    for seed in range(2_000_000, 2_000_006):
        scene = draw_scene(seed, holding=0.6)
        drawn = label(scene)
        ours = [np.isin(drawn.labels, values) for values in answers(drawn.parts, concept)]
        theirs = scene.instances(concept)
        asked += len(theirs)
        assert {mask.tobytes() for mask in ours if mask.any()} == {mask.tobytes() for mask in theirs}
    assert asked


def test_a_colour_asks_for_the_things_of_that_colour() -> None:
    scene = draw_scene(2_000_003, people=5, shot="wide")
    drawn = label(scene)
    for colour in {thing.colour for thing in scene.things if thing.concept == "shirt"}:
        assert colour is not None
        expected = sum(thing.concept == "shirt" and thing.colour == colour for thing in scene.things)
        assert len(answers(drawn.parts, "shirt", colour)) == expected


def test_cuts_keep_boxes_round_their_masks() -> None:
    rng = np.random.default_rng(0)
    drawn = label(draw_scene(2_000_001, people=4))
    for _ in range(20):
        scene = resized(cut(drawn, rng), SIDE)
        for asked in ask(rng, scene.parts, 4):
            boxes, masks = targets(scene.labels, asked.answers, cells(SIDE))
            assert len(boxes) == len(masks)
            for (x0, y0, x1, y1), mask in zip((boxes * cells(SIDE)).tolist(), masks, strict=True):
                inside = mask[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))]
                assert torch.isclose(inside.sum().float(), mask.sum().float(), rtol=1e-3)


def test_held_things_of_which_little_is_seen_are_sought() -> None:
    names = ("microphone", "bag", "necklace", "phone")
    parts = np.array([[CONCEPTS.index(name), 0, -1] for name in names], np.int16)
    assert tiny(parts, np.array([0.001, 0.01, 0.001, 0.0019])) == {"microphone", "phone"}

    def share(*sought: str) -> float:
        rng = np.random.default_rng(0)
        return float(np.mean([ask(rng, parts, 1, sought=sought)[0].words == "necklace" for _ in range(600)]))

    assert share("necklace") > 1.5 * share()


def test_a_person_counts_more_near_what_is_held() -> None:
    labels = np.zeros((100, 100), np.uint8)
    labels[:, 20:60] = 1  # somebody
    labels[50:54, 38:42] = 2  # what she holds
    parts = np.array([[PERSON, 0, -1], [CONCEPTS.index("microphone"), 0, -1]])
    stress = hand_stress(labels, parts).numpy()
    assert set(np.unique(stress)) == {1.0, 1 + GRIP}
    assert (stress[labels != 1] == 1).all()  # neither the thing itself nor what is nobody's
    assert stress[48, 40] == stress[52, 36] == 1 + GRIP  # two cells above it, and beside it
    assert stress[44, 40] == stress[52, 30] == 1


def test_a_cut_that_shows_nothing_still_asks() -> None:
    asked = ask(np.random.default_rng(0), np.zeros((0, 3), np.int16), 3)
    assert [each.answers for each in asked] == [(), (), ()]


@pytest.mark.parametrize("side", [SIDE, SIDE // 2])
def test_a_checkpoint_of_any_resolution_can_be_gone_on_from(side: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    first = Sam3Model(config(side))
    first.save_pretrained(tmp_path)
    model = Sam3Model(config())
    go_on_from(model, tmp_path)
    places = "vision_encoder.backbone.embeddings.position_embeddings"
    for name, weight in model.state_dict().items():
        if name != places:
            assert torch.equal(weight, first.state_dict()[name])
    old, new = first.get_parameter(places), model.get_parameter(places)
    if old.shape == new.shape:
        torch.testing.assert_close(new, old)
    else:  # four places where one was: their mean is the one, up to the smoothing of the cubic
        square = new[0].T.unflatten(1, (SIDE // 14, SIDE // 14))
        means = torch.nn.functional.avg_pool2d(square, 2).flatten(1).T
        assert torch.nn.functional.cosine_similarity(means, old[0]).min() > 0.8


def test_half_of_what_a_checkpoint_knew_stays(tmp_path: Path) -> None:
    torch.manual_seed(0)
    before = Sam3Model(config(SIDE))
    before.save_pretrained(tmp_path / "before")
    lesson = refining([], tmp_path / "after", tmp_path / "before")
    student = Student(SIDE, lesson.helpers)
    go_on_from(student.model, tmp_path / "before")
    for weight in student.model.parameters():
        weight.data += 1
    lesson.finish(student)
    after = Sam3Model.from_pretrained(tmp_path / "after", dtype=torch.float32)
    for weight, known in zip(after.parameters(), before.parameters(), strict=True):
        torch.testing.assert_close(weight, known + 0.5, atol=0.02, rtol=0.02)


@pytest.mark.parametrize("recipe", [ON_CPU, ON_GPU])
def test_each_recipe_begins_with_fewer_pixels_and_takes_up_no_run_of_the_other(
    recipe: Recipe, tmp_path: Path
) -> None:
    lesson = beginning([], tmp_path, recipe.first)
    assert 0 < lesson.glimpse < lesson.search < recipe.first.pace.steps
    assert recipe.first.side < recipe.then.side
    origins = {beginning([], tmp_path, one.first).origin for one in (ON_CPU, ON_GPU)}
    assert len(origins) == 2


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param((40, 0, 60, 40), False, id="side by side"),
        pytest.param((25, 0, 45, 40), False, id="a quarter shared"),
        pytest.param((15, 5, 35, 40), True, id="three quarters shared"),
        pytest.param((12, 10, 20, 20), True, id="a small one before a large one"),
    ],
)
def test_where_one_stands_before_the_other_it_is_crowded(
    other: tuple[int, int, int, int], expected: bool
) -> None:
    labels = np.zeros((40, 60), np.uint8)
    labels[0:40, 10:30] = 1
    x0, y0, x1, y1 = other
    labels[y0:y1, x0:x1] = 2
    # The first is seen left of the other, or round it: her box is what can still be seen of her.
    assert crowded(labels, ((1,), (2,))) is expected


def test_frames_of_a_clip_keep_the_numbers_of_its_people() -> None:
    walk = draw_clip(5, people=3, seconds=2, fps=4, moves=["leave"])
    assert len({frame.person_ids for frame in walk}) > 1, "who has left moves the others' places in the list"
    for frame in draw_clip(5, people=3, seconds=2, fps=4, moves=["leave"]):
        drawn = label(frame.scene, frame.person_ids)
        for number, person in zip(frame.person_ids, frame.scene.persons, strict=True):
            hers = np.flatnonzero(drawn.parts[:, 1] == number) + 1
            assert person.mask[np.isin(drawn.labels, hers)].mean() > 0.7  # the rest is what she holds
    assert len(list(KINDS["clips"](0, CLIP_FRAMES))) == CLIP_FRAMES


def test_crossings_are_the_frames_in_which_one_hides_much_of_another() -> None:
    drawn = list(KINDS["crossings"](0, 3))
    assert len(drawn) == 3
    assert all(crowded(one.labels, answers(one.parts, "person"), HIDING) for one in drawn)


def test_in_a_crossing_a_person_whose_face_is_hidden_counts_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SHARD", 4)
    shown = Store([store._write_shard(tmp_path, "crossings", 12)])
    for seed in range(6):
        batch = Batches(shown, SIDE, cells(SIDE), 4, hidden=3.0).batch(np.random.default_rng(seed), 4)
        persons = {"person", *SYNONYMS["person"]}
        counted = [
            (words in persons, float(weight))
            for words, weights in zip(batch.words, batch.weights.split(batch.counts), strict=True)
            for weight in weights
        ]
        assert {weight for person, weight in counted if not person} <= {1.0}
        if {weight for person, weight in counted if person} == {1.0, 3.0}:
            return
    pytest.fail("in none of the pictures was somebody's face hidden, and somebody's seen")


def test_light_is_the_same_on_every_pixel() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    for seed in range(5):
        lit, rng = _light(image, np.random.default_rng(seed)), np.random.default_rng(seed)
        gain = rng.normal(1, 0.05, 3) * rng.normal(1, 0.12)
        expected = np.clip(image * gain + rng.normal(0, 10), 0, 255)
        np.testing.assert_allclose(lit, expected, atol=0.51)


@pytest.mark.parametrize("counts", [[2, 0, 3], [0, 0], [1], [4, 1, 0, 2]])
@pytest.mark.parametrize("most", [2, 20])
def test_what_prompts_have_is_laid_side_by_side(counts: list[int], most: int) -> None:
    values = torch.arange(2.0 * sum(counts)).reshape(-1, 2)
    table = padded(values, counts, most, filler=-1)
    assert table.shape == (len(counts), max(1, min(most, max(counts))), 2)
    for row, hers in zip(table, values.split(counts), strict=True):
        kept = hers[:most]
        assert torch.equal(row[: len(kept)], kept)
        assert (row[len(kept) :] == -1).all()


def test_a_step_on_drawn_scenes_has_every_term_and_a_gradient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SHARD", 2)
    shard = store._write_shard(tmp_path, "scenes", 0)
    lesson = Sam3Lesson([shard], tmp_path / "out", side=SIDE // 3, pictures=2)
    torch.manual_seed(0)
    student = lesson.begin()
    (batch,) = prepared(Shares(lesson, Pace(steps=1, rate=1.0), rank=0, first=0), processes=0)
    assert batch.pixels.dtype == torch.uint8
    assert sum(batch.counts) == len(batch.boxes) == len(batch.masks)
    assert len(batch.counts) == len(batch.words) == lesson.pictures * lesson.prompts
    shares: list[float] = []

    def seen(*given: Any) -> dict[str, torch.Tensor]:
        shares.append(float(given[3].max()))
        return mask_losses(*given)

    monkeypatch.setattr("ive_segmentation.demo.training.losses.mask_losses", seen)
    terms = lesson.terms(student, 0, batch)
    assert shares == [1.0], "a cell that is all theirs counts once"
    assert {"class", "box", "giou", "presence", "mask", "dice", "dense"} <= terms.keys()
    torch.stack(list(terms.values())).sum().backward()
    assert student.model.vision_encoder.backbone.embeddings.position_embeddings.grad.abs().sum() > 0
