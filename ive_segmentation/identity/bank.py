"""The identity bank: built from the photos, checked and calibrated on itself."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from ive_segmentation.dataset import member_folders
from ive_segmentation.demo import is_built_in
from ive_segmentation.demo.drawn import refuse_photos_in
from ive_segmentation.errors import typed
from ive_segmentation.identity import store
from ive_segmentation.identity.calibration import (
    RULE,
    Calibration,
    calibrate,
    default_calibration,
    leave_one_out,
    run_trials,
)
from ive_segmentation.identity.faces import FaceModel
from ive_segmentation.identity.gallery import REPORT, BankReport, LeftOut, report_of
from ive_segmentation.identity.misplaced import find_misplaced, find_same_person
from ive_segmentation.identity.photos import choose_faces, list_photos, look_at
from ive_segmentation.identity.space import Floats, too_small
from ive_segmentation.identity.store import BankError, NoBankError, Row, UnwritableBankError
from ive_segmentation.language.members import name_key
from ive_segmentation.patience import Progress, silent
from ive_segmentation.settings import Measured, Settings

ATTEMPTS = 5
LOOK = 1
"""Raised whenever photos are read, or faces found or embedded, otherwise: older banks read theirs again."""


def build_bank(
    dataset: Path,
    faces: FaceModel,
    uri: str,
    progress: Progress = silent,
    *,
    false_accepts: float = Settings.false_accept_rate,
    max_bytes: int = Settings.max_upload_bytes,
    max_pixels: int = Settings.max_pixels,
) -> BankReport:
    """Bring the bank in line with the dataset's photos.

    Unchanged photos are not looked at again. All changes become visible in one commit at the end, so a
    process that is killed, or fails, leaves the bank as it was. When another process has changed the
    bank meanwhile, the photos are listed again, so that the last to finish has seen them all.

    Args:
        dataset: One folder of photos per member.
        faces: The models.
        uri: LanceDB location, a folder or an object-store URI.
        progress: Called with the share of photos done (0 to 1) and what is being done.
        false_accepts: Share of strangers' faces that may be named; the bank calibrates itself to it.
        max_bytes: Larger files are left out, but for those that the bank holds already.
        max_pixels: Larger photos are left out, but for those that the bank holds already.

    Returns:
        What the bank holds and what was done.

    Raises:
        BankError: If the dataset holds no usable photo, or the bank cannot be written.
        NotDrawnError: If the models are built-in ones, and the photos are real.
        DatasetError: If the dataset folder may not be looked into.
    """
    if is_built_in(faces.name):
        refuse_photos_in(dataset, max_bytes=max_bytes, max_pixels=max_pixels)
    begun = time.monotonic()
    for _ in range(ATTEMPTS):
        version = store.version(uri)
        before, last, rebuilt = _before(uri, faces)
        # What could not be used is looked at again: the limits may be others by now.
        known = [row for row in before if row["hash"] and not row["unusable"]]
        rows = list(
            look_at(
                dataset, list_photos(dataset), faces, known, progress,
                max_bytes=max_bytes, max_pixels=max_pixels,
            )
        )  # fmt: skip
        embedded = sum(row.pop("new") for row in rows)
        if last and _is_in_line(last, before, rows, dataset, false_accepts):
            _stamp(uri, version, before, rows, faces, last)
            return replace(last, embedded=0, removed=0, rebuilt=None, seconds=time.monotonic() - begun)
        progress(1.0, "Comparing the photos with each other")
        choose_faces(rows)
        progress(1.0, "Learning how alike is alike enough")
        counts = _count(rows, dataset)
        calibration, warnings = _examine(rows, counts, dataset, false_accepts)
        report = BankReport(
            dataset=os.path.realpath(dataset),
            faces=faces.name,
            recogniser=faces.hash,
            members=counts,
            left_out=tuple(LeftOut(row["photo"], row["left_out"]) for row in rows if row["left_out"]),
            embedded=embedded,
            removed=len({row["photo"] for row in before} - {row["photo"] for row in rows}),
            rebuilt=rebuilt,
            calibration=calibration,
            warnings=tuple(warnings),
            seconds=time.monotonic() - begun,
            look=LOOK,
        )
        if store.version(uri) == version:
            break
    _write(uri, rows, faces, report)
    return report


def refuse_other_people(uri: str, dataset: Path) -> None:
    """Keep a bank from losing people whom another dataset gave it.

    Args:
        uri: LanceDB location.
        dataset: What the bank is to be brought in line with.

    Raises:
        BankError: If it holds members of another dataset who are not in this one.
        DatasetError: If the dataset folder may not be looked into.
    """
    try:
        report = report_of(store.read(uri), uri)
    except BankError:  # nothing is lost
        return
    others = sorted(set(report.members) - {folder.name for folder in member_folders(dataset)})
    if others and report.dataset != os.path.realpath(dataset):
        raise BankError(
            f"The bank {uri} was made of {report.dataset} and knows people who are not in {dataset}: "
            f"{', '.join(others)}. Choose another bank, or make this one anew: "
            f"`{typed(store.BUILD, '--dataset', str(dataset), '--bank', uri)}`."
        )


def forget_abandoned(banks: Path) -> None:
    """Delete the banks of datasets that no longer exist: no build would ever do it.

    Args:
        banks: The folder that holds a bank for each dataset.
    """
    for bank in banks.glob("*"):
        try:
            report = report_of(store.read(str(bank)), str(bank))
            is_gone = not Path(report.dataset).is_dir()
        except BankError:  # of another version, or being written: whoever builds it next sees to it
            continue
        except OSError:  # what may not be looked at, or is on a disk that does not answer, is not gone
            continue
        if is_gone:
            shutil.rmtree(bank, ignore_errors=True)


def _matrix(rows: Sequence[Row], column: str) -> Floats:
    return np.array([row[column] for row in rows], np.float32)


def _before(uri: str, faces: FaceModel) -> tuple[list[Row], BankReport | None, str | None]:
    """Rows and report of the bank as it is, or why they cannot be used."""
    try:
        table = store.read(uri)
        report = report_of(table, uri)
    except NoBankError:
        return [], None, None
    except BankError:
        return [], None, "the bank before could not be read"
    if report.recogniser != faces.hash:
        return [], None, f"the bank before was made by another face recogniser ({report.faces})"
    if report.look != LOOK:
        return [], None, "an earlier version of this program read photos otherwise"
    # One of an earlier version has no stamps.
    return [{"stamp": None} | row for row in table.to_pylist()], report, None


def _stamp(
    uri: str, version: int | None, before: list[Row], rows: list[Row], faces: FaceModel, report: BankReport
) -> None:
    """Note in an unchanged bank when its photos' files last changed, so that they are not read again."""
    if [row["stamp"] for row in before] == [row["stamp"] for row in rows]:
        store.forget_versions_before(uri)
        return
    stamped = [old | {"stamp": new["stamp"]} for old, new in zip(before, rows, strict=True)]
    if store.version(uri) == version:  # else another process has built it anew, and these are not its rows
        with suppress(UnwritableBankError):  # then they are read again the next time
            _write(uri, stamped, faces, report, attempts=1)


def _is_in_line(
    last: BankReport, before: list[Row], rows: list[Row], dataset: Path, false_accepts: float
) -> bool:
    """Whether the bank was made of these very photos and folders, and calibrated as it would be now."""
    return (
        last.dataset == os.path.realpath(dataset)
        and _same(before, rows)
        and set(last.members) == {folder.name for folder in member_folders(dataset)}
        and (last.calibration.false_accepts, last.calibration.rule) == (false_accepts, RULE)
    )


def _same(before: list[Row], rows: list[Row]) -> bool:
    columns = ("photo", "hash", "unusable")
    return [[row[name] for name in columns] for row in before] == [
        [row[name] for name in columns] for row in rows
    ]


def _count(rows: list[Row], dataset: Path) -> dict[str, int]:
    counts = dict.fromkeys((folder.name for folder in member_folders(dataset)), 0)
    for row in rows:
        counts[row["member"]] = counts.get(row["member"], 0) + (row["left_out"] is None)
    return counts


def _examine(
    rows: list[Row], counts: dict[str, int], dataset: Path, false_accepts: float
) -> tuple[Calibration, list[str]]:
    """Calibrate the bank on itself, and say what is odd about it."""
    kept = [row for row in rows if row["left_out"] is None]
    if not kept:
        raise BankError(
            f"No photo in {dataset} can be used ({rows[0]['photo']}: {rows[0]['left_out']}). "
            "Add photos that show each member's face, and build again."
        )
    names, labels = np.unique([row["member"] for row in kept], return_inverse=True)
    probes, gallery = _matrix(kept, "plain"), _matrix(kept, "embedding")
    scores = leave_one_out(probes, gallery, labels)
    if too_small(counts.values()):
        calibration = default_calibration(false_accepts)
    else:
        trials = run_trials(probes, gallery, labels, scores)
        calibration = calibrate(trials, len(kept), len(names), false_accepts)
    warnings = _odd_folders(counts)
    if len(kept) >= Measured.telling_photos:
        for row, member in find_misplaced(scores, labels).items():
            photo = kept[row]["photo"]
            warnings.append(f"{photo} looks more like {names[member]}: is it in the right folder?")
        for one, other in find_same_person(scores, labels):
            both = f"{names[one]} and {names[other]}"
            warnings.append(f"{both} look like the same person: put their photos in one folder.")
    if calibration.warning:
        warnings.append(calibration.warning)
    return calibration, warnings


def _odd_folders(counts: dict[str, int]) -> list[str]:
    """Warn of folders with too few usable photos, and of folders whose names are spellings of one name."""
    none = [f"{name} has no usable photo: nobody can be named {name}." for name in counts if not counts[name]]
    one = [f"{name} has one usable photo; add some." for name in counts if counts[name] == 1]
    alike: dict[str, list[str]] = defaultdict(list)
    for name in counts:
        alike[name_key(name)].append(name)
    same = [
        f"{' and '.join(folders)} are one name: put their photos in one folder."
        for folders in alike.values()
        if len(folders) > 1
    ]
    return [*none, *one, *same]


def _write(
    uri: str, rows: list[Row], faces: FaceModel, report: BankReport, attempts: int = store.ATTEMPTS
) -> None:
    rows = [row | {"pack": faces.name, "recogniser": faces.hash} for row in rows]
    store.write(uri, rows, faces.dimension, {REPORT: json.dumps(report.to_dict()).encode()}, attempts)
