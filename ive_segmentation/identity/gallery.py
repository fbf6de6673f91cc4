"""The bank in memory: what it holds and how it was built, and the space in which faces are compared."""

from __future__ import annotations

import json
from collections.abc import Container
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ive_segmentation.identity import store
from ive_segmentation.identity.calibration import (
    RULE,
    Calibration,
    Trials,
    default_calibration,
    leave_one_out,
    run_trials,
)
from ive_segmentation.identity.space import Floats, Labels, Space, centring, fit_space, too_small, unit
from ive_segmentation.identity.store import BankError

REPORT = b"ive_segmentation.report"
"""The report's place beside the bank's table."""


@dataclass(frozen=True)
class LeftOut:
    """A photo that is not in the bank."""

    photo: str
    """Relative path, `Member/file.jpg`."""
    reason: str
    """Why, in words."""


@dataclass(frozen=True)
class BankReport:
    """What the bank holds and what its building did."""

    dataset: str
    """The folder of photos, absolute, links resolved."""
    faces: str
    """The face pack, as it was asked for."""
    recogniser: str
    """SHA-256 of its recogniser."""
    members: dict[str, int]
    """Photos in the bank, per member's folder."""
    left_out: tuple[LeftOut, ...]
    """Photos of the dataset that are not in the bank."""
    embedded: int
    """Photos that were looked at anew."""
    removed: int
    """Photos that the previous bank held and the dataset no longer does."""
    rebuilt: str | None
    """Why nothing of the previous bank could be kept, or None."""
    calibration: Calibration
    """What a score means in this bank."""
    warnings: tuple[str, ...]
    """Sentences for the user: what is odd about the folders, or about the calibration."""
    seconds: float
    """Wall time of the build."""
    look: int = 0
    """`LOOK` of the program that read the photos; 0 in banks from before it was kept."""

    @property
    def photos(self) -> int:
        """How many photos the bank holds."""
        return sum(self.members.values())

    @property
    def read(self) -> str:
        """How many photos were looked at for it, in words; those that were left out too."""
        return f"{self.embedded or 'none'} read anew"

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON types, with the sum of the photos."""
        return asdict(self) | {"photos": self.photos}


@dataclass(frozen=True, eq=False, repr=False)  # its arrays would fill pages
class Gallery:
    """The bank in memory; rows are photos."""

    embeddings: Floats
    """(N, D), rows of length one: each face averaged with its mirror image."""
    plain: Floats
    """(N, D), rows of length one: each face as a new picture would show it."""
    members: tuple[str, ...]
    """Per row the member's folder name."""
    photos: tuple[str, ...]
    """Per row the path relative to the dataset, `Member/file.jpg`."""
    boxes: Floats
    """(N, 4) the face in the photo, xyxy in pixels."""
    keypoints: Floats
    """(N, 5, 2) its keypoints, in pixels."""
    sharpness: Floats
    """(N,) variance of the Laplacian of the upright face."""
    face_counts: NDArray[np.intp]
    """(N,) how many faces the photo shows."""
    report: BankReport
    """Of the build that made it."""
    names: tuple[str, ...] = field(init=False)
    """The distinct members, sorted."""
    labels: Labels = field(init=False)
    """(N,) index into `names`."""
    space: Space = field(init=False)
    """Where faces are compared."""
    points: Floats = field(init=False)
    """(N, D) the embeddings in that space."""
    centres: Floats = field(init=False)
    """(K, D) the mean of each member's points, of length one."""
    rows: tuple[NDArray[np.intp], ...] = field(init=False)
    """Per member its rows."""

    def __post_init__(self) -> None:
        folders, places = np.unique(np.array(self.members, dtype=np.str_), return_inverse=True)
        names, labels = tuple(map(str, folders)), places.astype(np.intp)
        # As in the whole bank, also where some of its photos are taken out, because its threshold stays.
        there = set(names)
        share = centring(count for member, count in self.report.members.items() if member in there)
        space = fit_space(self.embeddings, labels, share)
        points = space.project(self.embeddings)
        bounds = np.cumsum(np.bincount(labels))[:-1]
        rows = tuple(np.split(np.argsort(labels, kind="stable"), bounds))
        centres = unit(np.stack([points[own].mean(axis=0) for own in rows]))
        vars(self).update(names=names, labels=labels, space=space, points=points, rows=rows, centres=centres)

    @property
    def calibration(self) -> Calibration:
        """What a score means in this bank."""
        return self.report.calibration

    @cached_property
    def left_one_out(self) -> Floats:
        """(N, K) the members' scores of each photo, as if it were new."""
        return leave_one_out(self.plain, self.embeddings, self.labels)

    @cached_property
    def trials(self) -> Trials:
        """Each photo as a known face and as a stranger's."""
        return run_trials(self.plain, self.embeddings, self.labels, self.left_one_out)

    def without(self, photos: Container[str]) -> Gallery:
        """The gallery as if it had never held some photos; the calibration stays as it is.

        Args:
            photos: Relative paths.

        Returns:
            The gallery of the others, its space fitted to them.
        """
        rows = [row for row, photo in enumerate(self.photos) if photo not in photos]
        return Gallery(
            self.embeddings[rows],
            self.plain[rows],
            tuple(self.members[row] for row in rows),
            tuple(self.photos[row] for row in rows),
            self.boxes[rows],
            self.keypoints[rows],
            self.sharpness[rows],
            self.face_counts[rows],
            self.report,
        )


def load_gallery(uri: str, recogniser_hash: str | None = None) -> Gallery:
    """Read the bank.

    Args:
        uri: LanceDB location, a folder or an object-store URI.
        recogniser_hash: The recogniser whose faces will be matched; a bank by another one is refused.

    Returns:
        The gallery.

    Raises:
        BankError: If there is no bank, it is damaged, or another recogniser made it.
    """
    table = store.read(uri)
    report = report_of(table, uri)
    if recogniser_hash is not None and report.recogniser != recogniser_hash:
        raise BankError(
            f"The bank {uri} was built with another face recogniser ({report.faces}). "
            "Build it again with the pack you use now, or use that pack."
        )
    learned = report.calibration
    if learned.rule != RULE and too_small(report.members.values()):
        # It calibrated itself in another space than a bank of this size has now.
        report = replace(report, calibration=default_calibration(learned.false_accepts))
    kept = table.filter(pc.is_null(table["left_out"]))
    return Gallery(
        embeddings=_numbers(kept, "embedding"),
        plain=_numbers(kept, "plain"),
        members=tuple(kept["member"].to_pylist()),
        photos=tuple(kept["photo"].to_pylist()),
        boxes=_numbers(kept, "box"),
        keypoints=_numbers(kept, "keypoints").reshape(-1, 5, 2),
        sharpness=_numbers(kept, "sharpness").ravel(),
        face_counts=pc.list_value_length(kept["faces"]).to_numpy().astype(np.intp),
        report=report,
    )


def report_of(table: pa.Table, uri: str) -> BankReport:
    """Read what is kept beside the bank's table.

    Args:
        table: From `store.read`.
        uri: Where it was read, for the message.

    Returns:
        The report of the build that wrote it.

    Raises:
        BankError: If another version of the program wrote it.
    """
    try:
        values = json.loads(table.schema.metadata[REPORT])
        values.pop("photos")
        values["left_out"] = tuple(LeftOut(**item) for item in values["left_out"])
        values["warnings"] = tuple(values["warnings"])
        values["calibration"] = Calibration(**values["calibration"])
        return BankReport(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise BankError(
            f"The bank {uri} was written by another version of this program. Build it again."
        ) from error


def _numbers(table: pa.Table, column: str) -> Floats:
    """(rows, ...) of a column, however deep its lists are."""
    values = table[column].combine_chunks()
    while pa.types.is_fixed_size_list(values.type):
        values = values.flatten()
    return np.asarray(values, np.float32).reshape(table.num_rows, -1)
