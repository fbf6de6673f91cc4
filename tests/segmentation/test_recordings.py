"""A recorded pass gives what the plain one gives; sizes kept at hand change nothing."""

from pathlib import Path

import pytest
import torch

from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.segmentation.recordings import Recordings, keep_sizes_at_hand
from ive_segmentation.segmentation.sam3 import Question, load_sam3
from ive_segmentation.segmentation.weights import load_part
from ive_segmentation.settings import Settings

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="records on a GPU only")


def test_size_at_hand_is_the_one_asked_of_the_gpu() -> None:
    plain = load_part(CHECKPOINTS / "sam3", torch.float32, text=False).detr_encoder
    features, places = torch.rand(2, 64, 5, 7), torch.rand(2, 64, 5, 7)
    expected = plain._prepare_multilevel_features([features], [places])
    keep_sizes_at_hand(plain)
    for ours, theirs in zip(plain._prepare_multilevel_features([features], [places]), expected, strict=True):
        assert torch.equal(ours, theirs)


def test_without_a_gpu_a_pass_is_simply_called() -> None:
    called = []

    def work(tensor: torch.Tensor) -> tuple[torch.Tensor]:
        called.append(tensor)
        return (tensor + 1,)

    recordings = Recordings(torch.device("cpu"))
    for _ in range(3):
        assert recordings.run(work, torch.ones(1))[0] == 2
    assert len(called) == 3


@gpu
def test_recorded_passes_answer_as_plain_ones(tmp_path: Path) -> None:
    demo = str(CHECKPOINTS / "sam3")
    sam3 = load_sam3(
        Settings(sam3=demo, precision="float32", device="cuda", sam3_threshold=0.3, word_cache=tmp_path)
    )
    for seed, concepts in ((7, ["person"]), (8, ["shirt"]), (9, ["person", "shoe"])):
        image = draw_scene(seed).image
        pixels = sam3.pixels([image])
        for recorded, plain in zip(
            sam3._recordings.run(sam3._vision_features, pixels), sam3._vision_features(pixels), strict=True
        ):
            torch.testing.assert_close(recorded, plain, rtol=1e-3, atol=1e-3)
        features = sam3.encode(image)
        answers = sam3._decode(features, [Question(concept) for concept in concepts])
        recordings, sam3._recordings = sam3._recordings, Recordings(torch.device("cpu"))
        plainly = sam3._decode(features, [Question(concept) for concept in concepts])
        sam3._recordings = recordings
        for one, other in zip(answers, plainly, strict=True):
            assert len(one.scores)
            torch.testing.assert_close(one.scores, other.scores, rtol=1e-3, atol=1e-3)
            torch.testing.assert_close(one.boxes, other.boxes, rtol=1e-3, atol=1e-3)
            torch.testing.assert_close(one.logits, other.logits, rtol=1e-2, atol=1e-2)
    made = list(sam3._recordings._made.values())
    assert len(made) == 3
    assert all(made), "a pass could not be recorded"
