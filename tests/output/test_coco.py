"""COCO: run lengths that any COCO tool reads, and a data set that pycocotools itself opens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as run_lengths
from pycocotools.coco import COCO

from ive_segmentation.output.coco import Instance, dataset, decode, encode

MASKS = arrays.arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40)))
EXTREMES = {
    "1 x 1, empty": np.zeros((1, 1), bool),
    "1 x 1, full": np.ones((1, 1), bool),
    "empty": np.zeros((30, 50), bool),
    "full": np.ones((30, 50), bool),
    "one row": np.arange(50)[None] % 3 == 0,
    "one column": np.arange(50)[:, None] % 3 == 0,
    "chequered": np.indices((30, 50)).sum(axis=0) % 2 == 0,
    "a large disc": np.hypot(*(np.indices((1500, 2000)) - 700)) < 600,
}


def assert_comes_back(mask: np.ndarray) -> None:
    rle = json.loads(json.dumps(encode(mask)))
    back = decode(rle)
    assert back.dtype == bool
    np.testing.assert_array_equal(back, mask)
    np.testing.assert_array_equal(run_lengths.decode(rle), mask)


@given(MASKS)
def test_any_mask_comes_back(mask: np.ndarray) -> None:
    assert_comes_back(mask)


@pytest.mark.parametrize("mask", EXTREMES.values(), ids=EXTREMES.keys())
def test_extreme_masks_come_back(mask: np.ndarray) -> None:
    assert_comes_back(mask)


def test_how_the_mask_lies_in_memory_does_not_matter() -> None:
    mask = EXTREMES["a large disc"]
    assert encode(np.asfortranarray(mask)) == encode(mask)
    assert encode(mask[::-1][::-1]) == encode(mask)


@pytest.mark.parametrize(
    "rle",
    [
        {},
        {"size": [3, 3]},
        {"size": [3, 3], "counts": None},
        {"size": [3, 3], "counts": [4, 5]},
        {"size": [3, 3], "counts": "1"},  # one pixel of nine
        {"size": [3, 3], "counts": "99"},  # eighteen
        {"size": [3, 3], "counts": "9P"},  # the last number is cut off
        {"size": [3, 3], "counts": "é"},
        {"size": [10**6, 10**6], "counts": "1"},
        {"size": [-3, -3], "counts": "9"},
        {"size": [0, 0], "counts": ""},
        {"size": [9], "counts": "9"},
        {"size": ["3", "3"], "counts": "9"},
        {"size": [3.0, 3.0], "counts": "9"},
    ],
)
def test_what_is_no_mask_is_refused(rle: dict[str, Any]) -> None:
    """pycocotools 2.0.11 ends the process on some of these and gives stray memory for others."""
    with pytest.raises(ValueError, match="run lengths"):
        decode(rle)


@given(st.integers(1, 9), st.integers(1, 9), st.text(max_size=12))
def test_any_text_is_a_mask_or_is_refused(height: int, width: int, counts: str) -> None:
    try:
        mask = decode({"size": [height, width], "counts": counts})
    except ValueError:
        return
    assert mask.shape == (height, width)
    assert mask.dtype == bool


def rectangle(x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    mask = np.zeros((60, 80), bool)
    mask[y1:y2, x1:x2] = True
    return mask


INSTANCES = [
    Instance(rectangle(10, 5, 30, 55), "person", 0.9, "Jang_Wonyoung"),
    Instance(rectangle(12, 20, 28, 40), "shirt", np.float32(0.75), "Jang_Wonyoung"),  # type: ignore[arg-type]
    Instance(rectangle(50, 5, 70, 55), "person", 0.8, None),
]


def test_pycocotools_opens_the_data_set(tmp_path: Path) -> None:
    path = tmp_path / "result.coco.json"
    path.write_text(json.dumps(dataset(INSTANCES, "photo.jpg", (60, 80))))
    coco = COCO(path)
    assert coco.loadImgs(1)[0] == {"id": 1, "file_name": "photo.jpg", "height": 60, "width": 80}
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == ["person", "shirt"]
    assert len(coco.getAnnIds(catIds=coco.getCatIds(catNms=["person"]))) == 2
    for annotation, instance in zip(coco.loadAnns(coco.getAnnIds()), INSTANCES, strict=True):
        np.testing.assert_array_equal(coco.annToMask(annotation), instance.mask)


def test_annotations_measure_in_pixels() -> None:
    person, shirt, stranger = dataset(INSTANCES, "photo.jpg", (60, 80))["annotations"]
    assert person["bbox"] == [10, 5, 20, 50]
    assert person["area"] == 1000
    assert shirt["bbox"] == [12, 20, 16, 20]
    assert shirt["score"] == 0.75
    assert shirt["attributes"] == {"owner": "Jang_Wonyoung"}
    assert stranger["attributes"] == {"owner": None}
    assert [person["id"], shirt["id"], stranger["id"]] == [1, 2, 3]


def test_nothing_found_is_a_data_set_too() -> None:
    empty = dataset([], "photo.jpg", (60, 80))
    assert empty["annotations"] == empty["categories"] == []
    assert len(empty["images"]) == 1
