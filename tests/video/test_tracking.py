"""Tracks: the same number as long as it is the same instance, in memory that does not grow."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import supervision as sv
import torch
from safetensors.torch import load_file, save_file
from trackers.utils.iou import IoU
from transformers import Sam3VideoModel, Sam3VideoProcessor

from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.demo.truth import Scene
from ive_segmentation.segmentation.checkpoints import CheckpointError
from ive_segmentation.segmentation.instances import Instance
from ive_segmentation.segmentation.rounding import keep_boxes_exact
from ive_segmentation.segmentation.sam3 import Features, Sam3, load_sam3
from ive_segmentation.segmentation.weights import TRACKER
from ive_segmentation.settings import Measured, Settings
from ive_segmentation.video.detected import DetectedTracker, Join, Seen
from ive_segmentation.video.session import MEMORY, POINTER, SessionTracker
from ive_segmentation.video.tracking import make_tracker
from ive_segmentation.video.tracks import Tracked
from tests.small_sam3 import write_small_sam3_video

CONCEPTS = ["person", "shirt"]
SIZE = (90, 120)
Image = npt.NDArray[np.uint8]


def frame(number: int) -> Image:
    """Two blocks on a dark floor, a little further to the right in every frame."""
    image = np.full((*SIZE, 3), 40, np.uint8)
    image[20:70, 20 + number : 50 + number] = (200, 30, 30)
    image[30:80, 70:100] = (30, 200, 30 + number)
    return image


@pytest.fixture(scope="module")
def sam3_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a detector and tracker of the real architecture; every fourth frame conditions the memory."""
    return write_small_sam3_video(tmp_path_factory.mktemp("sam3_video"), recondition_every_nth_frame=4)


def load(folder: Path, words: Path, **settings: Any) -> Sam3:
    return load_sam3(
        Settings(sam3=str(folder), device="cpu", word_cache=words, **{"precision": "float32", **settings})
    )


@pytest.fixture
def sam3(sam3_video: Path, tmp_path: Path) -> Sam3:
    return load(sam3_video, tmp_path)


class Plainly:
    """The library's own documented loop over a stream of frames, with nothing let go."""

    def __init__(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        self._model = Sam3VideoModel.from_pretrained(folder, dtype=dtype)
        keep_boxes_exact(self._model.detector_model)
        self._processor = Sam3VideoProcessor.from_pretrained(folder)
        self.session = self._processor.init_video_session(dtype=dtype)
        self._processor.add_text_prompt(self.session, CONCEPTS)

    def follow(self, image: Image) -> dict[int, tuple[str, npt.NDArray[np.bool_]]]:
        inputs = self._processor(images=image, return_tensors="pt")
        out = self._model(self.session, frame=inputs.pixel_values[0])
        found = self._processor.postprocess_outputs(self.session, out, original_sizes=inputs.original_sizes)
        concepts = {one: concept for concept, each in found["prompt_to_obj_ids"].items() for one in each}
        return {
            track: (concepts[track], mask)
            for track, mask in zip(found["object_ids"].tolist(), found["masks"].numpy(), strict=True)
            if mask.any()
        }


def assert_same(found: Sequence[Tracked], plain: dict[int, tuple[str, npt.NDArray[np.bool_]]]) -> None:
    assert {one.track: one.concept for one in found} == {
        track: concept for track, (concept, _) in plain.items()
    }
    for one in found:
        np.testing.assert_array_equal(one.mask, plain[one.track][1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_tracks_are_those_of_the_library_s_own_loop(
    dtype: torch.dtype, sam3_video: Path, tmp_path: Path
) -> None:
    tracker = make_tracker(load(sam3_video, tmp_path, precision=str(dtype).split(".")[1]), CONCEPTS)
    plain = Plainly(sam3_video, dtype)
    for number in range(10):
        found = tracker.follow(frame(number))
        assert found
        assert_same(found, plain.follow(frame(number)))
        for one in found:
            rows, columns = np.flatnonzero(one.mask.any(1)), np.flatnonzero(one.mask.any(0))
            assert one.mask.shape == SIZE
            assert one.box.tolist() == [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
            assert 0 <= one.score <= 1


def size_of(thing: Any) -> int:
    """Bytes of the tensors within, and the number of everything else within."""
    if isinstance(thing, torch.Tensor):
        return thing.untyped_storage().nbytes()
    if isinstance(thing, dict):
        return 1 + sum(size_of(each) for pair in thing.items() for each in pair)
    if isinstance(thing, (list, tuple, set)):
        return 1 + sum(size_of(each) for each in thing)
    return 1 + sum(size_of(each) for each in getattr(thing, "__dict__", {}).values())


GROWING = {
    "processed_frames",
    "frames_tracked_per_obj",
    "output_dict_per_obj",
    "obj_id_to_tracker_score_frame_wise",
    "suppressed_obj_ids",
    "unmatched_frame_inds",
    "overlap_pair_to_frame_inds",
}
"""What the library's session lets grow with the frames."""


def test_a_session_begins_with_all_memory_there_is(sam3: Sam3) -> None:
    sam3.encode(frame(0))
    assert sam3._pictures
    SessionTracker(sam3, CONCEPTS)
    assert not sam3._pictures


def test_a_session_does_not_grow_and_says_the_same(sam3: Sam3, sam3_video: Path) -> None:
    """Fails where another version of the library keeps more, keeps it elsewhere, or reads further back."""
    tracker, plain = SessionTracker(sam3, CONCEPTS), Plainly(sam3_video)
    config = tracker._model.config.tracker_config
    sizes: list[dict[str, int]] = []
    for number in range(41):
        found = tracker.follow(frame(number))
        assert_same(found, plain.follow(frame(number)))
        for outputs in plain.session.output_dict_per_obj.values():  # Meta's tracker reads no more of them
            for past in sorted(outputs["cond_frame_outputs"])[: -config.max_cond_frame_num]:
                del outputs["cond_frame_outputs"][past]
        if number in (24, 40):
            for session in (tracker._session, plain.session):
                sizes.append({name: size_of(part) for name, part in vars(session).items()})
    ours, theirs, ours_later, theirs_later = sizes
    assert {name for name in theirs if theirs_later[name] > theirs[name]} == GROWING
    assert {name for name in ours if ours_later[name] > ours[name]} == {"processed_frames"}
    assert ours_later["processed_frames"] - ours["processed_frames"] == 2 * 16  # the number, and no frame

    for outputs in tracker._session.output_dict_per_obj.values():
        kept = [*outputs["cond_frame_outputs"].values(), *outputs["non_cond_frame_outputs"].values()]
        whole = [output for output in kept if output.keys() == set(MEMORY)]
        assert all(output.keys() == set(POINTER) for output in kept if output.keys() != set(MEMORY))
        assert len(whole) <= config.max_cond_frame_num + config.num_maskmem - 1
        assert len(outputs["cond_frame_outputs"]) == config.max_cond_frame_num
        assert len(outputs["non_cond_frame_outputs"]) < config.max_object_pointers_in_encoder


def test_what_is_gone_is_followed_no_longer(sam3: Sam3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sure that nothing is there any more, the tracker has every mask empty from its second frame on."""
    monkeypatch.setattr(Measured, "unseen_frames", 5)
    tracker = SessionTracker(sam3, CONCEPTS)
    tracker._model.tracker_model.mask_decoder.pred_obj_score_head.proj_out.bias.data.fill_(-20)
    tracks: list[set[int]] = []
    for number in range(20):
        tracks.append({one.track for one in tracker.follow(frame(number))})
        session = tracker._session
        alive = set(session.obj_ids)
        assert len(alive) <= 4
        for notes in (session.obj_id_to_score, session.obj_first_frame_idx, session.trk_keep_alive):
            assert notes.keys() <= alive
        for each in (session.output_dict_per_obj, session.frames_tracked_per_obj, tracker._seen):
            assert len(each) <= len(alive)
    seen = [each for each in tracks if each]
    assert len(seen) == 4  # found anew after five frames, each time under new numbers
    assert all(not one & other for one, other in itertools.combinations(seen, 2))


def test_new_tracks_that_follow_what_another_does_are_a_mistake(tmp_path: Path) -> None:
    """As `transformers` has it for whole videos; for frames one by one it does nothing about them."""
    folder = write_small_sam3_video(
        tmp_path, hotstart_delay=8, hotstart_dup_thresh=4, hotstart_unmatch_thresh=8, det_nms_thresh=1.0
    )
    tracker, plain = SessionTracker(load(folder, tmp_path), CONCEPTS), Plainly(folder)
    for number in range(12):
        tracker.follow(frame(number))
        plain.follow(frame(number))
        for pair, frames in tracker._session.overlap_pair_to_frame_inds.items():
            assert pair[1] in tracker._session.obj_ids
            assert len(frames) < 4
    assert len(tracker._session.obj_ids) < len(plain.session.obj_ids)
    assert max(len(frames) for frames in plain.session.overlap_pair_to_frame_inds.values()) >= 4


def test_a_cut_begins_a_new_session_with_new_numbers(sam3: Sam3, tmp_path: Path) -> None:
    tracker = make_tracker(sam3, CONCEPTS)
    first = [tracker.follow(frame(number)) for number in range(4)]
    tracker.cut()
    again = [tracker.follow(frame(number)) for number in range(4)]
    earlier = {one.track for found in first for one in found}
    assert not earlier & {one.track for found in again for one in found}
    for one, other in zip(itertools.chain(*first), itertools.chain(*again), strict=True):
        assert one.concept == other.concept
        np.testing.assert_array_equal(one.mask, other.mask)


def test_it_is_asked_to_be_as_sure_as_for_pictures(sam3_video: Path, tmp_path: Path) -> None:
    sure = [
        SessionTracker(load(sam3_video, tmp_path, sam3_threshold=threshold), CONCEPTS)
        for threshold in (0.1, 0.5, 0.999)
    ]
    assert [0 < tracker._model.new_det_thresh < 0.2 - 1e-6 for tracker in sure] == [True, False, False]
    assert sure[1]._model.score_threshold_detection == pytest.approx(0.2)  # the checkpoint's own
    assert [bool(tracker.follow(frame(0))) for tracker in sure] == [True, True, False]


def test_the_detector_is_loaded_once(sam3: Sam3) -> None:
    tracker = SessionTracker(sam3, CONCEPTS)
    shared = {weight.data_ptr() for weight in sam3.model.parameters()}
    own = [weight for weight in tracker._model.parameters() if weight.data_ptr() not in shared]
    assert shared
    assert sum(weight.numel() for weight in own) == sum(
        weight.numel()
        for part in (tracker._model.tracker_model, tracker._model.tracker_neck)
        for weight in part.parameters()
    )


def test_another_resolution(sam3_video: Path, tmp_path: Path) -> None:
    tracker = make_tracker(load(sam3_video, tmp_path, resolution=56), CONCEPTS)
    for number in range(3):
        assert {one.mask.shape for one in tracker.follow(frame(number))} == {SIZE}


def without(folder: Path, *names: str) -> Path:
    """Take weights out of a checkpoint."""
    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if not name.startswith(names)}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_the_checkpoint_chooses_the_tracker(sam3_video: Path, small_sam3: Path, tmp_path: Path) -> None:
    assert isinstance(make_tracker(load(sam3_video, tmp_path), CONCEPTS), SessionTracker)
    assert isinstance(make_tracker(load(small_sam3, tmp_path), CONCEPTS), DetectedTracker)
    detector = without(Path(shutil.copytree(sam3_video, tmp_path / "detector")), *TRACKER)
    assert isinstance(make_tracker(load(detector, tmp_path), CONCEPTS), DetectedTracker)


def test_half_a_tracker_is_refused(sam3_video: Path, tmp_path: Path) -> None:
    folder = without(
        Path(shutil.copytree(sam3_video, tmp_path / "half")), "tracker_model.memory_attention.layer_norm"
    )
    with pytest.raises(CheckpointError, match="2 weights are missing"):
        make_tracker(load(folder, tmp_path), CONCEPTS)


# Detections joined


def figure(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def crowd(scene: Scene, seed: int) -> Iterator[dict[int, Seen]]:
    """Three drawn people sway in front of each other, as dancers do: 60 frames of what good detections are.

    Yields:
        By person what is visible, in changing order, boxes some pixels off; nobody who is nearly hidden.
    """
    random = np.random.default_rng(seed)
    shapes = [figure(person.mask) for person in scene.persons]
    height, width = scene.image.shape[:2]
    places, sways = random.uniform(0, 220, 3), random.uniform(80, 200, 3)
    turns, starts = random.uniform(20, 40, 3), random.uniform(0, 2 * np.pi, 3)
    for number in range(60):
        layers = np.full((height, width), -1)
        lefts = places + sways * (1 + np.sin(2 * np.pi * number / turns + starts))
        for person, shape in enumerate(shapes):
            left = round(np.clip(lefts[person], 0, width - shape.shape[1]))
            layers[height - shape.shape[0] :, left : left + shape.shape[1]][shape] = person
        found = {}
        for person in random.permutation(3):
            mask = layers == person
            if mask.sum() > 0.15 * shapes[person].sum():
                seen = sv.mask_to_xyxy(mask[None])[0] + random.normal(0, 2, 4)
                found[int(person)] = Seen.of(Instance(mask, seen.astype(np.float32), 0.9))
        yield found


def changes(join: Join, frames: Iterator[dict[int, Seen]]) -> int:
    """How often somebody's number changes."""
    last: dict[int, int | None] = {}
    count = 0
    for found in frames:
        now = dict(zip(found, join.join(list(found.values())), strict=True))
        count += sum(last.get(person, number) != number for person, number in now.items())
        last.update(now)
    return count


def test_people_who_cross_keep_their_numbers() -> None:
    """With boxes, as OC-SORT compares them unless told, eight times as many changes."""
    members = ("Jang_Wonyoung", "An_Yujin", "Naoi_Rei")
    wide = draw_scene(101, members=members, shot="medium", size=(640, 480), away=0, hidden=0)
    by_masks = by_boxes = 0
    for seed in range(8):
        by_masks += changes(Join(itertools.count(), 0.5), crowd(wide, seed))
        plain = Join(itertools.count(), 0.5)
        plain._tracker.iou = IoU()
        by_boxes += changes(plain, crowd(wide, seed))
    assert by_masks <= 6
    assert by_boxes >= 36


def box(left: float, score: float = 0.9) -> Seen:
    mask = np.zeros((48, 64), bool)
    mask[10:40, round(left) : round(left) + 12] = True
    return Seen.of(Instance(mask, np.array([left, 10, left + 12, 40], np.float32), score))


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([[]], [[]]),
        ([[], [5], [5]], [[], [0], [0]]),
        ([[5, 40], [41, 6], [7, 42]], [[0, 1], [1, 0], [0, 1]]),
        ([[5, 5], [5, 5]], [[0, 1], [0, 1]]),
        ([[5], [], [], [5]], [[0], [], [], [0]]),
        ([[5], [45], [5]], [[0], [1], [0]]),
        ([[5], *[[]] * (Measured.lost_frames + 1), [5]], [[0], *[[]] * (Measured.lost_frames + 1), [1]]),
    ],
    ids=["nothing", "comes", "two", "twice the same box", "hidden", "jump and back", "gone for long"],
)
def test_joining(frames: list[list[float]], expected: list[list[int]]) -> None:
    join = Join(itertools.count(), 0.5)
    numbers = [join.join([box(left) for left in found]) for found in frames]
    assert numbers == expected


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param([[(5, 0.3)], [(6, 0.9)]], [[None], [0]], id="a doubt begins nothing"),
        pytest.param([[(5, 0.9)], [(6, 0.3)], [(7, 0.3)]], [[0], [0], [0]], id="and goes on what was there"),
        pytest.param([[(5, 0.9)], [(40, 0.3)]], [[0], [None]], id="but only there"),
        pytest.param([[(5, 0.9)], [(11, 0.9), (2, 0.3)]], [[0], [0, None]], id="where nothing surer does"),
        pytest.param([[(5, 0.9), (20, 0.9)], [(19, 0.3), (6, 0.9)]], [[0, 1], [1, 0]], id="each its own"),
    ],
)
def test_what_is_less_sure_counts_where_it_was_followed_until_now(
    frames: list[list[tuple[float, float]]], expected: list[list[int | None]]
) -> None:
    join = Join(itertools.count(), 0.5)
    assert [join.join([box(*each) for each in found]) for found in frames] == expected


@pytest.mark.parametrize(
    ("frames", "found", "expected"),
    [
        pytest.param([], [5], [], id="nobody was there"),
        pytest.param([[5, 40]], [40, 5], [1, 1], id="as before"),
        pytest.param([[5, 40]], [5], [1, 0], id="one is gone"),
        pytest.param([[5]], [8], [9 / 15], id="a step aside"),
        pytest.param([[5, 10]], [10], [0, 1], id="one for each"),
        pytest.param([[5], []], [40], [], id="gone before"),
    ],
)
def test_agreement_with_the_frame_before(
    frames: list[list[float]], found: list[float], expected: list[float]
) -> None:
    join = Join(itertools.count(), 0.5)
    for each in frames:
        join.join([box(left) for left in each])
    assert join.agreement([box(left) for left in found]) == pytest.approx(expected)


def test_a_thing_of_a_few_pixels_in_a_large_frame_is_followed() -> None:
    join = Join(itertools.count(), 0.5)
    for number in range(20):
        mask = np.zeros((2160, 3840), bool)
        mask[1000:1006, 2000 + number : 2006 + number] = True
        thing = Instance(mask, np.array([2000 + number, 1000, 2006 + number, 1006], np.float32), 0.9)
        assert join.join([Seen.of(thing)]) == [0]


def test_what_is_found_twice_is_one_track(small_sam3: Path, tmp_path: Path) -> None:
    """Queries that have learnt nothing answer with much the same mask over and over."""
    sam3 = load(small_sam3, tmp_path, sam3_threshold=0.0)
    (found,) = sam3.find(sam3.encode_uncached(frame(0)), ["person"])
    kept = np.stack([one.mask for one in make_tracker(sam3, ["person"]).follow(frame(0))])
    overlaps = sv.mask_iou_batch(kept, kept) - np.eye(len(kept))
    assert 0 < len(kept) < len(found.scores)
    assert overlaps.max() < Measured.same_instance


def test_detections_of_a_picture_that_moves(trio: Scene, tmp_path: Path) -> None:
    sam3 = load(CHECKPOINTS / "sam3", tmp_path)
    tracker = make_tracker(sam3, CONCEPTS)
    numbers: dict[tuple[str, int], set[int]] = {}
    for shift in (0, 1, 2, 3, 2, 1):
        found = tracker.follow(np.roll(trio.image, shift, axis=1))
        assert {one.mask.shape for one in found} == {trio.image.shape[:2]}
        assert len({one.track for one in found}) == len(found)
        for concept in CONCEPTS:
            for place, truth in enumerate(trio.instances(concept)):
                nearest = max(
                    (one for one in found if one.concept == concept),
                    key=lambda one: float((one.mask & np.roll(truth, shift, axis=1)).sum()),
                )
                numbers.setdefault((concept, place), set()).add(nearest.track)
    assert len(set(itertools.chain(*numbers.values()))) == len(numbers) == 6
    before = set(itertools.chain(*numbers.values()))
    tracker.cut()
    assert not before & {one.track for one in tracker.follow(trio.image)}
    assert not sam3._pictures  # frames are not kept


@pytest.mark.parametrize("turned", [False, True])
def test_whichever_look_agrees_more_with_the_frame_before_counts(turned: bool, tmp_path: Path) -> None:
    """Of these six the built-in SAM 3 misses one, and finds her in a mirror. A seventh person left."""
    scene = draw_scene(1_900_077, size=(640, 480))
    way = -1 if turned else 1
    sam3 = load(CHECKPOINTS / "sam3", tmp_path)
    image = np.ascontiguousarray(scene.image[:, ::way])
    truth = np.stack([person.mask[:, ::way] for person in scene.persons])

    def least_overlap(found: Sequence[Tracked]) -> float:
        """Of the people where they are best found."""
        masks = np.stack([np.zeros_like(truth[0]), *(one.mask for one in found)])
        return float(sv.mask_iou_batch(truth, masks).max(1).min())

    assert (least_overlap(DetectedTracker(sam3, ["person"]).follow(image)) < 0.5) != turned

    gone = np.zeros(image.shape[:2], bool)
    gone[:40] = ~truth[:, :40].any(axis=0)
    masks = [*truth, gone]
    boxes = sv.mask_to_xyxy(np.stack(masks)).astype(np.float32)
    tracker = DetectedTracker(sam3, ["person"])
    before = [Seen.of(Instance(mask, box, 0.9)) for mask, box in zip(masks, boxes, strict=True)]
    numbers = tracker._joins["person"].join(before)
    found = tracker.follow(image)
    assert least_overlap(found) > 0.8
    assert {one.track for one in found} == {*numbers[:-1]}
    better = DetectedTracker(sam3, ["person"]).follow(np.ascontiguousarray(scene.image[:, ::-1]))
    seen = np.array([one.box for one in better])
    if not turned:
        seen[:, [0, 2]] = image.shape[1] - seen[:, [2, 0]]
    drawn = np.array([one.box for one in found])
    np.testing.assert_allclose(drawn[drawn[:, 0].argsort()], seen[seen[:, 0].argsort()], atol=0.01)


def looks_of(sam3: Sam3, monkeypatch: pytest.MonkeyPatch) -> list[Image]:
    """A list that every picture is put into that SAM 3 looks at from now on."""
    looks: list[Image] = []
    encode = sam3.encode_uncached

    def noted(image: Image) -> Features:
        looks.append(image)
        return encode(image)

    monkeypatch.setattr(sam3, "encode_uncached", noted)
    return looks


def test_who_is_as_before_is_looked_for_once(
    trio: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam3 = load(CHECKPOINTS / "sam3", tmp_path)
    looks = looks_of(sam3, monkeypatch)
    tracker = DetectedTracker(sam3, CONCEPTS)
    for shift in (0, 1, 2):
        tracker.follow(np.roll(trio.image, shift, axis=1))
    assert len(looks) == 3
    tracker.follow(np.zeros_like(trio.image))
    assert len(looks) == 5


def test_a_thing_that_is_not_as_before_is_looked_for_once(
    trio: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam3 = load(CHECKPOINTS / "sam3", tmp_path)
    looks = looks_of(sam3, monkeypatch)
    tracker = DetectedTracker(sam3, ["shirt"])
    assert tracker.follow(trio.image)
    tracker.follow(np.zeros_like(trio.image))
    assert len(looks) == 2
