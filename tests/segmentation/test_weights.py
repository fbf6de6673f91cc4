"""Half a checkpoint at a time, in every layout `transformers` reads, and never a weight made up."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import Sam3LiteTextModel, Sam3Model

from ive_segmentation.segmentation.checkpoints import CheckpointError
from ive_segmentation.segmentation.weights import TEXT, fingerprint, load_part
from tests.small_sam3 import write_small_lite_text

PIXELS = torch.rand(1, 3, 112, 112, generator=torch.Generator().manual_seed(0))
TOKENS = torch.arange(32)[None]


def as_saved(folder: Path) -> Path:
    return folder


def as_video(folder: Path) -> Path:
    """facebook/sam3's own layout: the detector beside a tracker, in one file."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({"model_type": "sam3_video", "detector_config": config}))
    weights = load_file(folder / "model.safetensors")
    detector = {f"detector_model.{name}": weight for name, weight in weights.items()}
    save_file(
        {**detector, "tracker_model.memory": torch.ones(3), "tracker_neck.conv": torch.ones(3)},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    return folder


def as_shards(folder: Path) -> Path:
    Sam3Model.from_pretrained(folder).save_pretrained(folder, max_shard_size="200KB")
    (folder / "model.safetensors").unlink()
    assert len(list(folder.glob("*.safetensors"))) > 1
    return folder


def as_bfloat16(folder: Path) -> Path:
    Sam3Model.from_pretrained(folder, dtype=torch.bfloat16).save_pretrained(folder)
    return folder


@pytest.fixture
def copy(small_sam3: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_sam3, tmp_path / "sam3"))


@pytest.mark.parametrize("layout", [as_saved, as_video, as_shards, as_bfloat16, write_small_lite_text])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_two_parts_are_the_whole(layout: Any, dtype: torch.dtype, copy: Path) -> None:
    folder = layout(copy)
    whole = Sam3LiteTextModel if layout is write_small_lite_text else Sam3Model
    plain = whole.from_pretrained(folder, dtype=dtype)
    eyes, text = load_part(folder, dtype, text=False), load_part(folder, dtype, text=True)
    assert all(getattr(eyes, name) is None for name in TEXT)
    assert text.vision_encoder is None
    assert {weight.dtype for part in (eyes, text) for weight in part.parameters()} == {dtype}
    assert eyes.num_parameters() + text.num_parameters() == plain.num_parameters()
    with torch.inference_mode():
        seen = eyes.get_vision_features(PIXELS.to(dtype)).last_hidden_state
        assert torch.equal(seen, plain.get_vision_features(PIXELS.to(dtype)).last_hidden_state)
        read = text.get_text_features(TOKENS).pooler_output
        assert torch.equal(read, plain.get_text_features(TOKENS).pooler_output)


@pytest.mark.parametrize(
    ("lost", "text"), [("mask_decoder", False), ("text_encoder", True), ("text_projection", True)]
)
def test_missing_weights_are_refused_when_their_part_is_loaded(lost: str, text: bool, copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    weights.pop(next(name for name in weights if lost in name))
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    load_part(copy, torch.float32, text=not text)
    with pytest.raises(CheckpointError, match="1 weights are missing"):
        load_part(copy, torch.float32, text=text)


def test_weights_in_metas_own_names_are_no_damage(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    own = {f"detector.backbone.{name}": weight for name, weight in weights.items()}
    save_file(own, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="Meta's own program"):
        load_part(copy, torch.float32, text=False)


def test_fingerprint_of_a_copy_or_a_new_file_is_another(small_sam3: Path, copy: Path) -> None:
    before = fingerprint(copy)
    assert fingerprint(small_sam3) == fingerprint(small_sam3)
    assert before != fingerprint(small_sam3)
    save_file(load_file(copy / "model.safetensors"), copy / "model.safetensors", metadata={"format": "pt"})
    assert fingerprint(copy) != before
