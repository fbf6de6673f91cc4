"""Masks as COCO run lengths, and what was found as a COCO data set of one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import supervision as sv
from pycocotools import mask as run_lengths


@dataclass(frozen=True, eq=False)
class Instance:
    """One thing or person that was found.

    Attributes:
        mask: bool (H, W).
        category: What it is: "person", "shirt".
        score: How sure the detector is, 0 to 1.
        owner: Folder of the member it is or belongs to; None for Unknown and nobody's.
    """

    mask: np.ndarray
    category: str
    score: float
    owner: str | None


def encode(mask: np.ndarray) -> dict[str, Any]:
    """Turn a mask into COCO's compressed run lengths.

    Args:
        mask: bool (H, W).

    Returns:
        `{"size": [H, W], "counts": text}`, ready for JSON.
    """
    rle = run_lengths.encode(np.asfortranarray(mask, np.uint8))
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode("ascii")}


def decode(rle: dict[str, Any]) -> np.ndarray:
    """Turn COCO's compressed run lengths back into the mask.

    Args:
        rle: As `encode` gives it.

    Returns:
        bool (H, W).

    Raises:
        ValueError: If it is no such dictionary, or the run lengths do not fill the size.
    """
    # supervision's decoder checks what it reads; pycocotools' gives stray memory or ends the process.
    match rle:
        case {"size": [int(height), int(width)], "counts": str(counts)} if min(height, width) > 0:
            try:
                return sv.rle_to_mask(counts, (width, height))
            except (ValueError, OverflowError) as error:
                raise ValueError("the run lengths do not fill the size of the mask") from error
    raise ValueError("not a mask in COCO run lengths")


def dataset(instances: Sequence[Instance], file_name: str, size: tuple[int, int]) -> dict[str, Any]:
    """Describe what was found in one picture in the format of COCO's instance annotations.

    Args:
        instances: What was found.
        file_name: The picture's.
        size: Its height and width in pixels.

    Returns:
        A dictionary ready for JSON: `images`, `categories` and `annotations`, the latter with `bbox` as
        (x, y, width, height) in pixels, `area` in pixels, `segmentation` as run lengths, `score`, and
        under `attributes` the `owner`.
    """
    names = sorted({instance.category for instance in instances})
    annotations = []
    for number, instance in enumerate(instances, start=1):
        rle = encode(instance.mask)
        annotations.append(
            {
                "id": number,
                "image_id": 1,
                "category_id": names.index(instance.category) + 1,
                "segmentation": rle,
                "area": int(run_lengths.area(rle)),
                "bbox": [float(value) for value in run_lengths.toBbox(rle)],
                "iscrowd": 0,
                "score": float(instance.score),
                "attributes": {"owner": instance.owner},
            }
        )
    return {
        "images": [{"id": 1, "file_name": file_name, "height": size[0], "width": size[1]}],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, start=1)],
        "annotations": annotations,
    }
