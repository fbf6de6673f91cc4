"""Cached and batched, SAM 3 says what it says when it is asked plainly."""

from __future__ import annotations

import errno
import os
import shutil
import sysconfig
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import supervision as sv
import torch
from transformers import AutoConfig, Sam3LiteTextModel, Sam3Model, Sam3Processor

from ive_segmentation.segmentation.checkpoints import damaged
from ive_segmentation.segmentation.devices import SegmentationError, choose_device, choose_precision
from ive_segmentation.segmentation.instances import Answer, instances
from ive_segmentation.segmentation.sam3 import Features, Sam3, load_sam3
from ive_segmentation.settings import Settings
from tests.small_sam3 import write_small_lite_text

SIZE = (90, 160)
CONCEPTS = ["person", "white shirt", "microphone"]
IMAGE = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def settings(small_sam3: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    # Random weights are sure of nothing: every query is kept, so that all of them are compared.
    return Settings(
        sam3=str(small_sam3),
        precision="float32",
        device="cpu",
        sam3_threshold=0.0,
        word_cache=tmp_path_factory.mktemp("words"),
    )


@pytest.fixture
def sam3(settings: Settings) -> Sam3:
    return load_sam3(settings)


def plainly(folder: str, resolution: int = 112, **asked: object) -> dict[str, torch.Tensor]:
    """The whole model on pixels, one text at a time, with the library's own post-processing."""
    config = AutoConfig.from_pretrained(folder)
    config.image_size = resolution
    whole = Sam3LiteTextModel if config.model_type == "sam3_lite_text" else Sam3Model
    model, processor = whole.from_pretrained(folder, config=config), Sam3Processor.from_pretrained(folder)
    processor.image_processor.size = {"height": resolution, "width": resolution}
    with torch.inference_mode():
        out = model(**processor(images=IMAGE, return_tensors="pt", **asked))
    answer = processor.post_process_instance_segmentation(out, threshold=0.0, target_sizes=[SIZE])[0]
    order = answer["scores"].argsort(descending=True)
    return {name: values[order] for name, values in answer.items()}


def at_size(answer: Answer, features: Features) -> sv.Detections:
    found = instances(answer, features.size)
    masks, boxes, scores = zip(*found, strict=True) if found else ((), (), ())
    return sv.Detections(
        xyxy=np.array(boxes, np.float32).reshape(-1, 4),
        mask=np.array(masks, bool).reshape(-1, *features.size),
        confidence=np.array(scores, np.float32),
    )


def find(
    sam3: Sam3, features: Features, concepts: Sequence[str], least: float | None = None
) -> list[sv.Detections]:
    return [at_size(answer, features) for answer in sam3.find(features, concepts, least)]


def find_like(sam3: Sam3, features: Features, concept: str, boxes: Sequence[Any]) -> list[sv.Detections]:
    return [at_size(answer, features) for answer in sam3.find_like(features, concept, boxes)]


def assert_same(found: Any, plain: dict[str, torch.Tensor]) -> None:
    seen = plain["masks"].bool().any(dim=(1, 2))
    limits = torch.tensor([SIZE[1], SIZE[0]] * 2)
    np.testing.assert_allclose(found.confidence, plain["scores"][seen], rtol=1e-4)
    np.testing.assert_allclose(found.xyxy, plain["boxes"][seen].clamp(min=0).minimum(limits), atol=1e-2)
    masks = plain["masks"][seen].bool().numpy()
    union, common = (found.mask | masks).sum((1, 2)), (found.mask & masks).sum((1, 2))
    assert (common >= 0.999 * union).all()


def test_cached_and_batched_is_the_same_as_plain(sam3: Sam3, settings: Settings) -> None:
    features = sam3.encode(IMAGE)
    together = find(sam3, features, CONCEPTS)
    assert [len(found) for found in together] == [10, 10, 10]
    for concept, found in zip(CONCEPTS, together, strict=True):
        assert_same(found, plainly(settings.sam3, text=concept))
        assert_same(find(sam3, features, [concept])[0], plainly(settings.sam3, text=concept))


def test_with_the_small_text_encoder_it_is_the_same_as_plain_too(settings: Settings, tmp_path: Path) -> None:
    folder = str(write_small_lite_text(tmp_path, seed=2))  # of the first few, masks are broad
    light = load_sam3(replace(settings, sam3=folder))
    features = light.encode(IMAGE)
    for concept, found in zip(CONCEPTS, find(light, features, CONCEPTS), strict=True):
        assert_same(found, plainly(folder, text=concept))
    box = [10.0, 20.0, 60.0, 80.0]
    (found,) = find_like(light, features, "person", [np.array(box, np.float32)])
    assert_same(found, plainly(folder, text="person", input_boxes=[[box]]))


def test_an_example_box_is_the_same_as_plain(sam3: Sam3, settings: Settings) -> None:
    box = [10.0, 20.0, 60.0, 80.0]
    other = [0.0, 0.0, 30.0, 30.0]
    found = find_like(
        sam3, sam3.encode(IMAGE), "person", [np.array(box, np.float32), np.array(other, np.float32)]
    )
    assert_same(found[0], plainly(settings.sam3, text="person", input_boxes=[[box]]))
    assert_same(found[1], plainly(settings.sam3, text="person", input_boxes=[[other]]))


def test_what_comes_back(sam3: Sam3) -> None:
    found: Any = find(sam3, sam3.encode(IMAGE), ["person"])[0]
    assert found.mask.shape[1:] == SIZE
    assert found.mask.dtype == bool
    assert (np.diff(found.confidence) <= 0).all()
    assert (found.xyxy >= 0).all()
    assert (found.xyxy <= [SIZE[1], SIZE[0]] * 2).all()


def test_nothing_found_is_empty_and_still_has_masks(settings: Settings) -> None:
    sure = load_sam3(replace(settings, sam3_threshold=1.0))
    found: Any = find(sure, sure.encode(IMAGE), ["person"])[0]
    assert len(found) == 0
    assert found.mask.shape == (0, *SIZE)


def test_what_it_is_less_sure_of_is_given_where_it_is_asked_for(sam3: Sam3, settings: Settings) -> None:
    everything: Any = find(sam3, sam3.encode(IMAGE), ["shirt"])[0]
    surest = everything[2].confidence[0] + 1e-6  # two instances reach it
    picky = load_sam3(replace(settings, sam3_threshold=float(surest)))
    features = picky.encode(IMAGE)
    for least, count in ((None, 2), (surest, 2), (everything[5].confidence[0] + 1e-6, 5)):
        found: Any = find(picky, features, ["shirt"], least)[0]
        np.testing.assert_array_equal(found.confidence, everything.confidence[:count])
        np.testing.assert_array_equal(found.mask, everything.mask[:count])


def _count_looks(sam3: Sam3) -> list[None]:
    looks: list[None] = []
    sam3.model.vision_encoder.register_forward_hook(lambda *_: looks.append(None))
    return looks


def test_a_picture_is_looked_at_once(sam3: Sam3) -> None:
    looks = _count_looks(sam3)
    assert sam3.encode(IMAGE) is sam3.encode(IMAGE.copy())
    assert len(looks) == 1
    sam3.encode(IMAGE[:, ::-1])
    assert len(looks) == 2


def test_many_users_with_one_picture_look_once(sam3: Sam3) -> None:
    looks = _count_looks(sam3)
    with ThreadPoolExecutor(4) as users:
        seen = list(users.map(sam3.encode, [IMAGE] * 4))
    assert len(looks) == 1
    assert all(features is seen[0] for features in seen)


def test_kept_pictures_are_bounded_in_bytes(settings: Settings, sam3: Sam3) -> None:
    two = 2 * sam3.encode(IMAGE).nbytes
    bounded = load_sam3(replace(settings, feature_cache_bytes=two))
    looks = _count_looks(bounded)
    pictures = [np.full((8, 8, 3), shade, np.uint8) for shade in (1, 2, 3)]
    for picture in pictures:
        bounded.encode(picture)
    bounded.encode(pictures[2])
    bounded.encode(pictures[1])
    assert len(looks) == 3
    bounded.encode(pictures[0])  # the oldest was let go
    assert len(looks) == 4


def test_a_question_is_answered_once(sam3: Sam3) -> None:
    passes: list[int] = []
    sam3.model.mask_decoder.register_forward_hook(lambda *seen: passes.append(len(seen[2].pred_masks)))
    features = sam3.encode(IMAGE)
    box = np.array([0, 0, 50, 50], np.float32)
    first: list[Any] = find(sam3, features, ["person", "shirt"])
    again: list[Any] = find(sam3, features, ["shirt", "hat", "person"])
    find_like(sam3, features, "person", [box, box])
    find_like(sam3, features, "person", [box])
    assert passes == [2, 1, 1]
    assert (first[0].mask == again[2].mask).all()
    assert (first[1].xyxy == again[0].xyxy).all()


@pytest.mark.parametrize("resolution", [28, 56, 84, 126, 224])
def test_another_resolution_is_the_same_as_plain(resolution: int, settings: Settings) -> None:
    smaller = load_sam3(replace(settings, resolution=resolution))
    assert smaller.resolution == resolution
    (found,) = find(smaller, smaller.encode(IMAGE), ["person"])
    assert_same(found, plainly(settings.sam3, resolution, text="person"))


@pytest.mark.skipif(
    shutil.which("c++") is None or not Path(sysconfig.get_path("include"), "Python.h").exists(),
    reason="on a CPU torch.compile needs a C++ compiler and Python's headers",
)
def test_compiled_is_the_same_as_plain(settings: Settings) -> None:
    compiled = load_sam3(replace(settings, compile=True))
    before = compiled.warm
    (found,) = find(compiled, compiled.encode(IMAGE), ["person"])
    assert (before, compiled.warm) == (False, True)
    assert_same(found, plainly(settings.sam3, text="person"))


@pytest.mark.parametrize(("resolution", "instead"), [(100, 98), (14, 28), (1, 28)])
def test_a_resolution_that_cannot_be(resolution: int, instead: int, settings: Settings) -> None:
    with pytest.raises(SegmentationError, match=f"IVE_RESOLUTION to {instead}"):
        load_sam3(replace(settings, resolution=resolution))


def assert_close(one: Features, other: Features) -> None:
    assert one.size == other.size
    for ours, theirs in zip((*one.levels, one.position), (*other.levels, other.position), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_pictures_looked_at_together(sam3: Sam3, settings: Settings) -> None:
    pictures = [IMAGE, IMAGE[:40, :50], IMAGE[::-1]]
    together = sam3._encode_batch(pictures)
    alone = load_sam3(settings)
    for picture, features in zip(pictures, together, strict=True):
        assert_close(features, alone.encode(picture))


def test_several_pictures_each_once_and_in_order(sam3: Sam3) -> None:
    looks = _count_looks(sam3)
    known = sam3.encode(IMAGE)
    other, first, again = sam3.encode_all([IMAGE[::-1], IMAGE, IMAGE[::-1]])
    assert first is known
    assert again is other
    assert len(looks) == 2
    assert sam3.encode_all([]) == []


def test_out_of_memory_looks_at_fewer_together(sam3: Sam3) -> None:
    tried: list[int] = []

    def check(_module: object, asked: tuple[torch.Tensor]) -> None:
        tried.append(len(asked[0]))
        if len(asked[0]) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")

    sam3.model.vision_encoder.register_forward_pre_hook(check)
    pictures = [IMAGE, IMAGE[::-1], IMAGE[:, ::-1]]
    seen = sam3._in_batches(pictures, 4, sam3._encode_batch)
    assert tried == [3, 2, 1, 1, 1]
    assert [features.size for features in seen] == [SIZE] * 3


def _gpu_is_full() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory")


def _machine_is_full() -> None:
    torch.empty(10**15)


FULL = pytest.mark.parametrize("full", [_gpu_is_full, _machine_is_full])


def _memory_for(sam3: Sam3, batch: int, full: Callable[[], None]) -> None:
    """Let the real model run out of memory beyond a batch size, as a small GPU or machine does."""

    def check(_module: object, _args: object, asked: dict[str, torch.Tensor]) -> None:
        if len(asked["attention_mask"]) > batch:
            full()

    sam3.model.register_forward_pre_hook(check, with_kwargs=True)


@FULL
def test_out_of_memory_makes_smaller_batches(sam3: Sam3, full: Callable[[], None]) -> None:
    features = sam3.encode(IMAGE)
    expected: list[Any] = find(sam3, features, CONCEPTS)
    _memory_for(sam3, 1, full)
    found: list[Any] = find(sam3, features, CONCEPTS)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.confidence, other.confidence, rtol=1e-4)


@FULL
def test_out_of_memory_for_even_one_is_said_and_survived(sam3: Sam3, full: Callable[[], None]) -> None:
    features = sam3.encode(IMAGE)
    _memory_for(sam3, 0, full)
    with pytest.raises(SegmentationError, match="memory is not enough for this picture: close other"):
        find(sam3, features, CONCEPTS)
    sam3.model._forward_pre_hooks.clear()
    sam3.model._forward_pre_hooks_with_kwargs.clear()
    assert len(find(sam3, sam3.encode(IMAGE), CONCEPTS)) == 3


def test_a_phrase_too_long_for_the_text_encoder_is_refused(sam3: Sam3) -> None:
    with pytest.raises(SegmentationError, match="fewer words"):
        find(sam3, sam3.encode(IMAGE), ["very " * 40 + "long shirt"])


@pytest.mark.parametrize("picture", [(1, 1), (3, 500), (500, 3), (37, 53)])
def test_any_size_of_picture(sam3: Sam3, picture: tuple[int, int]) -> None:
    found: Any = find(sam3, sam3.encode(np.zeros((*picture, 3), np.uint8)), ["person"])[0]
    assert found.mask.shape[1:] == picture


def test_bfloat16_finds_what_float32_finds(settings: Settings) -> None:
    half = load_sam3(replace(settings, precision="bfloat16"))
    assert half.dtype == torch.bfloat16
    features = half.encode(IMAGE)
    assert all(len(found) for found in find(half, features, CONCEPTS))
    assert len(find_like(half, features, "person", [np.array([0, 0, 50, 50], np.float32)])[0])


def test_wrong_device_or_precision_is_said() -> None:
    with pytest.raises(SegmentationError, match="IVE_DEVICE"):
        choose_device("abacus")
    with pytest.raises(SegmentationError, match="IVE_PRECISION"):
        choose_precision("float7", torch.device("cpu"))


@pytest.mark.parametrize(
    ("generation", "precision"),
    [((9, 0), torch.bfloat16), ((8, 6), torch.bfloat16), ((7, 5), torch.float32), ((6, 1), torch.float32)],
)
def test_bfloat16_is_for_the_gpus_that_compute_it(
    generation: tuple[int, int], precision: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: generation)
    assert choose_precision("auto", torch.device("cuda")) == precision


def test_a_gpu_that_cannot_compute_leaves_the_work_to_the_cpu(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A card too old for this torch counts as available, and fails at its first kernel."""
    if torch.cuda.is_available():
        pytest.skip("this one can")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cpu")
    assert "SAM 3 runs on the CPU" in caplog.text
    with pytest.raises(SegmentationError, match="cannot be used"):
        choose_device("cuda")

    def silent(_name: str) -> torch.device:
        raise RuntimeError

    monkeypatch.setattr("ive_segmentation.segmentation.devices._computing", silent)
    assert choose_device("auto") == torch.device("cpu")


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError("Cannot allocate memory (os error 12)"), True),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), True),
        (OSError("The paging file is too small for this operation to complete. (os error 1455)"), True),
        (RuntimeError("unable to mmap 8 bytes from file <a>: Cannot allocate memory (12)"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."), True),
        (RuntimeError("unable to mmap 8 bytes from file <a>: No such device (19)"), False),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), False),
        (ValueError("out of memory"), False),
    ],
)
def test_too_little_memory_is_no_damaged_checkpoint(
    error: Exception, *, is_memory: bool, tmp_path: Path
) -> None:
    said = str(damaged(tmp_path, error))
    assert ("memory is not enough" in said) is is_memory
    assert ("damaged" in said) is not is_memory


def test_of_the_kept_pictures_the_one_not_asked_for_longest_goes(settings: Settings, sam3: Sam3) -> None:
    bounded = load_sam3(replace(settings, feature_cache_bytes=2 * sam3.encode(IMAGE).nbytes))
    looks = _count_looks(bounded)
    one, two, three = (np.full((8, 8, 3), shade, np.uint8) for shade in (1, 2, 3))
    for picture in (one, two, one, three, one):
        bounded.encode(picture)
    assert len(looks) == 3
    bounded.encode(two)
    assert len(looks) == 4


def test_questions_go_through_the_decoder_so_many_at_once(settings: Settings) -> None:
    few = load_sam3(replace(settings, questions_per_pass=2))
    passes: list[int] = []
    few.model.mask_decoder.register_forward_hook(lambda *seen: passes.append(len(seen[2].pred_masks)))
    find(few, few.encode(IMAGE), CONCEPTS)
    assert passes == [2, 1]


def test_what_was_answered_counts(settings: Settings) -> None:
    sam3 = load_sam3(settings)
    features = sam3.encode(IMAGE)
    before = features.nbytes
    find(sam3, features, ["person"])
    assert features.nbytes == before + sum(answer.nbytes for answer in features.answers.values()) > before


def test_a_frame_of_a_video_is_not_kept(settings: Settings) -> None:
    sam3 = load_sam3(settings)
    looks = _count_looks(sam3)
    for _ in range(2):
        sam3.encode_uncached(IMAGE)
    assert len(looks) == 2
    assert not sam3._pictures
