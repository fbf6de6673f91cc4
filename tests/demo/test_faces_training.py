"""The rules by which the face pack learns: who answers for a face, what a window shows, how a run goes on."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from insightface.model_zoo.scrfd import SCRFD

from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.demo.training import fitting
from ive_segmentation.demo.training.faces_detector import anchors, assign, detector_loss
from ive_segmentation.demo.training.faces_pictures import TINY, detector_batch, face_picture
from ive_segmentation.demo.training.fitting import Batch, fit
from tests.demo.test_faces_pack import PACK

SIDE = 320


def test_anchors_stand_where_insightface_reads_them() -> None:
    detector = SCRFD(str(PACK / "det.onnx"))
    detector.forward(np.zeros((64, 96, 3), np.uint8), 0.5)
    centres = [detector.center_cache[64 // stride, 96 // stride, stride] for stride in (8, 16, 32)]
    np.testing.assert_array_equal(anchors(64, 96)[0].numpy(), np.concatenate(centres))


@given(x=st.floats(0, SIDE), y=st.floats(0, SIDE), side=st.floats(TINY, SIDE), aspect=st.floats(0.6, 1.6))
@settings(max_examples=60, deadline=None)
def test_every_face_has_an_anchor_near_its_own_size(x: float, y: float, side: float, aspect: float) -> None:
    half = torch.tensor([side * aspect**0.5, side / aspect**0.5]) / 2
    centre = torch.tensor([x, y]).clamp(half[0].item() / 2, SIDE - 16)
    points, sides, strides = anchors(SIDE, SIDE)
    box = torch.cat([centre - half, centre + half])[None, None]
    index, _ = assign(points, sides, strides, box, torch.ones(1, 1, dtype=torch.int64))
    chosen = index[0] == 0
    assert chosen.any()
    own = np.clip(side, float(sides.min()), float(sides.max()))
    assert ((sides[chosen] / own).log2().abs() < 1).all()


def test_two_faces_share_no_anchor_and_an_unfair_one_asks_for_none() -> None:
    points, sides, strides = anchors(SIDE, SIDE)
    boxes = torch.tensor([[[40.0, 40, 104, 104], [72, 40, 136, 104], [200, 200, 264, 264], [0, 0, 0, 0]]])
    index, ignored = assign(points, sides, strides, boxes, torch.tensor([[1, 1, 0, -1]]))
    assert set(index.unique().tolist()) == {-1, 0, 1}
    here = ((points >= 200) & (points <= 264)).all(1)
    assert torch.equal(ignored[0], here)
    for face in (0, 1):
        own = points[index[0] == face]
        other = boxes[0, 1 - face]
        away = (own - (other[:2] + other[2:]) / 2).abs().amax(1)
        assert (away >= (own - (boxes[0, face, :2] + boxes[0, face, 2:]) / 2).abs().amax(1)).all()


def test_the_truth_itself_costs_nothing_but_silence() -> None:
    """Boxes and keypoints put into the network's own coordinates by hand are read back without error."""
    batch = {
        "image": torch.zeros(1, 3, SIDE, SIDE),
        "boxes": torch.tensor([[[90.0, 60, 190, 180]]]),
        "keypoints": torch.tensor([[[[120.0, 100], [160, 100], [140, 125], [125, 150], [155, 150]]]]),
        "kind": torch.ones(1, 1, dtype=torch.int64),
    }
    points, sides, strides = anchors(SIDE, SIDE)
    index, _ = assign(points, sides, strides, batch["boxes"], batch["kind"])
    box = batch["boxes"][0, 0]
    distances = torch.cat([points - box[:2], box[2:] - points], 1) / strides[:, None]
    shapes = (batch["keypoints"][0, 0][None] - points[:, None]).flatten(1) / strides[:, None]
    scores = torch.where(index[0] == 0, 20.0, -20.0)[:, None]
    counts = [int((strides == stride).sum()) for stride in (8, 16, 32)]
    outputs = tuple(part for whole in (scores, distances, shapes) for part in whole.split(counts))
    loss, figures = detector_loss(outputs, batch)
    assert loss.item() == pytest.approx(0, abs=1e-4)
    assert figures["iou"] == pytest.approx(1, abs=1e-4)


def test_windows_hold_their_faces_keypoints() -> None:
    pictures = [face_picture(draw_scene(seed)) for seed in range(4)]
    batch = detector_batch(pictures, np.random.default_rng(0), SIDE, 24)
    faces = batch["kind"] == 1
    assert faces.sum() > 12
    assert ((batch["keypoints"][faces] > 0) & (batch["keypoints"][faces] < SIDE)).all()
    low, high = batch["boxes"][faces].split(2, 1)
    assert (batch["keypoints"][faces] >= low[:, None] - 2).all()
    assert (batch["keypoints"][faces] <= high[:, None] + 2).all()
    # InsightFace's order: the eye on the picture's left comes first, mirrored windows included.
    assert (batch["keypoints"][faces][:, 0, 0] < batch["keypoints"][faces][:, 1, 0]).all()


def run(state: Path, stop_at: int | None = None) -> torch.Tensor:
    """Learn to add four numbers, pulling the plug after `stop_at` steps; the weights that were learnt."""
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 1)
    losses: list[float] = []

    def batch(rng: np.random.Generator) -> Batch:
        x = torch.from_numpy(rng.standard_normal((8, 4), np.float32))
        return {"x": x, "y": x.sum(1, keepdim=True)}

    def loss(tensors: Batch) -> tuple[torch.Tensor, dict[str, float]]:
        if len(losses) == stop_at:
            raise KeyboardInterrupt
        value = (model(tensors["x"]).float() - tensors["y"]).square().mean()
        losses.append(value.item())
        return value, {"loss": value.item()}

    with contextlib.suppress(KeyboardInterrupt):
        fit(model, batch, loss, steps=40, rate=0.1, state=state, seed=3, every=10)
    return model.weight.detach()


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole.pt")
    half = run(tmp_path / "stopped.pt", stop_at=25)
    assert not torch.allclose(half, whole)
    torch.testing.assert_close(run(tmp_path / "stopped.pt"), whole)


def test_what_is_trained_is_written_as_onnx_that_runs_at_any_size(tmp_path: Path) -> None:
    network = fitting.conv(3, 2).eval()
    example = torch.rand(1, 3, 32, 32)
    fitting.export(network, example, tmp_path / "net.onnx", ["out"], {2: "height", 3: "width"})
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    larger = torch.rand(1, 3, 48, 64)
    (out,) = session.run(None, {"input": larger.numpy()})
    np.testing.assert_allclose(out, network(larger).detach().numpy(), atol=1e-5)
