"""A phrase is encoded once ever per checkpoint, whatever happens to the file that keeps it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer

from ive_segmentation.segmentation.devices import SegmentationError
from ive_segmentation.segmentation.words import LENGTH, Reader
from tests.small_sam3 import write_small_sam3

CPU = torch.device("cpu")


def new_reader(checkpoint: Path, cache: Path, dtype: torch.dtype = torch.float32) -> Reader:
    return Reader(checkpoint, AutoTokenizer.from_pretrained(checkpoint), CPU, dtype, cache)


def loaded(reader: Reader) -> bool:
    return reader._encoder is not None


def test_the_text_encoder_is_loaded_for_unknown_words_only(small_sam3: Path, tmp_path: Path) -> None:
    first = new_reader(small_sam3, tmp_path)
    assert not loaded(first)
    shirt = first.read("white shirt")
    assert loaded(first)
    assert first.read("white shirt") is shirt
    assert shirt.embedding.shape[:2] == shirt.attention.shape == (1, LENGTH)

    later = new_reader(small_sam3, tmp_path)
    again = later.read("white shirt")
    assert not loaded(later)
    assert torch.equal(again.embedding, shirt.embedding)
    assert torch.equal(again.attention, shirt.attention)
    assert not torch.equal(later.read("white shirts").embedding, shirt.embedding)
    assert loaded(later)


def test_words_of_another_checkpoint_or_precision_are_not_taken(small_sam3: Path, tmp_path: Path) -> None:
    ours = new_reader(small_sam3, tmp_path / "cache").read("hat").embedding
    other = write_small_sam3(tmp_path / "other", seed=1)
    theirs = new_reader(other, tmp_path / "cache").read("hat").embedding
    assert not torch.equal(theirs, ours)
    assert (
        new_reader(small_sam3, tmp_path / "cache", torch.bfloat16).read("hat").embedding.dtype
        == torch.bfloat16
    )

    write_small_sam3(other, seed=2)  # the same folder, names and sizes, other weights
    assert not torch.equal(new_reader(other, tmp_path / "cache").read("hat").embedding, theirs)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:-5]),
        lambda file: save_file({"embedding": torch.zeros(1, 3, 32)}, file),
        lambda file: save_file({"embedding": torch.zeros(1, LENGTH, 32, dtype=torch.float16)}, file),
        lambda file: save_file({"another": torch.zeros(1)}, file),
        lambda file: (file.unlink(), file.mkdir()),
    ],
)
def test_a_damaged_file_is_written_again(
    damage: Callable[[Path], object], small_sam3: Path, tmp_path: Path
) -> None:
    expected = new_reader(small_sam3, tmp_path).read("hat").embedding
    (file,) = tmp_path.rglob("*.safetensors")
    damage(file)
    assert torch.equal(new_reader(small_sam3, tmp_path).read("hat").embedding, expected)


def test_nothing_is_kept_where_nothing_can_be_written(small_sam3: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    reader = new_reader(small_sam3, tmp_path / "file")
    assert reader.read("hat").embedding.shape[1] == LENGTH


def test_files_do_not_tell_what_was_asked(small_sam3: Path, tmp_path: Path) -> None:
    new_reader(small_sam3, tmp_path).read("secret crown")
    (file,) = [Path(folder) / name for folder, _, names in os.walk(tmp_path) for name in names]
    assert "crown" not in str(file)
    assert b"crown" not in file.read_bytes()


def test_a_phrase_too_long_is_refused_before_anything_is_loaded(small_sam3: Path, tmp_path: Path) -> None:
    reader = new_reader(small_sam3, tmp_path)
    with pytest.raises(SegmentationError, match="fewer words"):
        reader.read("very " * 40 + "long shirt")
    assert not loaded(reader)
