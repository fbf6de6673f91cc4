"""A phrase is encoded once ever per checkpoint, whatever happens to the file that keeps it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer

from ive_segmentation.segmentation.checkpoints import CheckpointError
from ive_segmentation.segmentation.devices import SegmentationError
from ive_segmentation.segmentation.words import LENGTH, Reader
from tests.small_sam3 import write_small_sam3

CPU = torch.device("cpu")


def new_reader(checkpoint: Path, cache: Path, dtype: torch.dtype = torch.float32) -> Reader:
    return Reader(checkpoint, AutoTokenizer.from_pretrained(checkpoint), CPU, dtype, cache)


def test_the_text_encoder_is_loaded_for_unknown_words_only(small_sam3: Path, tmp_path: Path) -> None:
    checkpoint = Path(shutil.copytree(small_sam3, tmp_path / "sam3"))
    first = new_reader(checkpoint, tmp_path / "cache")
    shirt, hat, again = first.read(["white shirt", "hat", "white shirt"])
    assert again is shirt
    assert first.read(["white shirt"]) == [shirt]
    assert not torch.equal(hat.embedding, shirt.embedding)
    assert shirt.embedding.shape[:2] == shirt.attention.shape == (1, LENGTH)

    later = new_reader(checkpoint, tmp_path / "cache")
    (checkpoint / "model.safetensors").unlink()
    (known,) = later.read(["white shirt"])
    assert torch.equal(known.embedding, shirt.embedding)
    assert torch.equal(known.attention, shirt.attention)
    with pytest.raises(CheckpointError):
        later.read(["white shirt", "white shirts"])


def test_words_of_another_checkpoint_or_precision_are_not_taken(small_sam3: Path, tmp_path: Path) -> None:
    ours = new_reader(small_sam3, tmp_path / "cache").read(["hat"])[0].embedding
    other = write_small_sam3(tmp_path / "other", seed=1)
    theirs = new_reader(other, tmp_path / "cache").read(["hat"])[0].embedding
    assert not torch.equal(theirs, ours)
    assert (
        new_reader(small_sam3, tmp_path / "cache", torch.bfloat16).read(["hat"])[0].embedding.dtype
        == torch.bfloat16
    )

    write_small_sam3(other, seed=2)  # the same folder, names and sizes, other weights
    assert not torch.equal(new_reader(other, tmp_path / "cache").read(["hat"])[0].embedding, theirs)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:-5]),
        lambda file: save_file({"embedding": torch.zeros(1, 3, 32)}, file),
        lambda file: save_file({"embedding": torch.zeros(1, LENGTH, 32, dtype=torch.float16)}, file),
        lambda file: save_file({"another": torch.zeros(1)}, file),
        lambda file: file.write_bytes(file.read_bytes()[:-4] + bytes(4)),
        lambda file: (file.unlink(), file.mkdir()),
    ],
)
def test_a_damaged_file_is_written_again(
    damage: Callable[[Path], object], small_sam3: Path, tmp_path: Path
) -> None:
    expected = new_reader(small_sam3, tmp_path).read(["hat"])[0].embedding
    (file,) = tmp_path.rglob("*.safetensors")
    damage(file)
    assert torch.equal(new_reader(small_sam3, tmp_path).read(["hat"])[0].embedding, expected)


def test_nothing_is_kept_where_nothing_can_be_written(small_sam3: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    reader = new_reader(small_sam3, tmp_path / "file")
    assert reader.read(["hat"])[0].embedding.shape[1] == LENGTH


def test_files_do_not_tell_what_was_asked(small_sam3: Path, tmp_path: Path) -> None:
    new_reader(small_sam3, tmp_path).read(["secret crown"])
    (file,) = [Path(folder) / name for folder, _, names in os.walk(tmp_path) for name in names]
    assert "crown" not in str(file)
    assert b"crown" not in file.read_bytes()


def test_a_phrase_too_long_is_refused(small_sam3: Path, tmp_path: Path) -> None:
    with pytest.raises(SegmentationError, match="fewer words"):
        new_reader(small_sam3, tmp_path).read(["hat", "very " * 40 + "long shirt"])
