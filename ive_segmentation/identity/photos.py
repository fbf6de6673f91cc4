"""The photos of the dataset become rows of the bank: read, looked at, and one face of each chosen."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

from ive_segmentation import images
from ive_segmentation.dataset import member_folders, photos_of
from ive_segmentation.identity.faces import FaceModel, FoundFace
from ive_segmentation.identity.quality import sharpness_of
from ive_segmentation.identity.space import unit
from ive_segmentation.identity.store import BankError, Row
from ive_segmentation.patience import Progress
from ive_segmentation.settings import Measured

FACE_COLUMNS = ("box", "keypoints", "score", "sharpness", "plain", "embedding")
AHEAD = 4
"""Photos decoded before they are asked for; each holds its pixels."""
MIRRORED = np.uint64(0x5555555555555555)
"""In each row of a perceptual hash the bits that change in a mirror: of the odd frequencies across."""


@dataclass(frozen=True, eq=False)
class _Photo:
    hash: str = ""
    stamp: str = ""
    look: str | None = None
    image: NDArray[np.uint8] | None = None
    unusable: str | None = None


def list_photos(dataset: Path) -> list[Path]:
    """List the files in the members' folders.

    Args:
        dataset: One folder per member.

    Returns:
        Paths, sorted by member.

    Raises:
        BankError: If there is no such folder or it holds no photo.
        DatasetError: If it may not be looked into.
    """
    if not dataset.is_dir():
        raise BankError(f"There is no folder {dataset}. Give the folder that holds one folder per member.")
    photos = [photo for folder in member_folders(dataset) for photo in photos_of(folder)]
    if not photos:
        raise BankError(
            f"{dataset} holds no photos. Make one folder per member, put photos in it, and start again."
        )
    return photos


def look_at(
    dataset: Path,
    photos: list[Path],
    faces: FaceModel,
    before: list[Row],
    progress: Progress,
    *,
    max_bytes: int,
    max_pixels: int,
) -> Iterator[Row]:
    """Make a row of each photo, with all faces in it; the next photos are decoded while the models run.

    Args:
        dataset: The folder that the rows' paths are relative to.
        photos: Files in it.
        faces: The models.
        before: Rows of an earlier build; their photos are not looked at again, nor read where size and time
            of change are the same.
        progress: Called with the share of photos done, and the one that was.
        max_bytes: Larger files are left out.
        max_pixels: Larger photos are left out.

    Yields:
        Rows in the photos' order; `new` tells whether the photo was looked at.
    """
    waiting: list[tuple[Row, list[FoundFace]]] = []
    with ThreadPoolExecutor(Measured.decoders) as decoders:
        known_as = {row["hash"]: row for row in before}
        unchanged = {(row["photo"], row["stamp"]): row["hash"] for row in before if row["stamp"]}

        def decode(path: Path) -> _Photo:
            stamp = _stamp(path)
            digest = unchanged.get((_as_text(path.relative_to(dataset).as_posix()), stamp))
            photo = _Photo(digest) if digest else _decode(path, known_as, max_bytes, max_pixels)
            return replace(photo, stamp=stamp)

        decoded = _ahead(decoders, decode, photos)
        for done, (path, photo) in enumerate(zip(photos, decoded, strict=True), 1):
            relative = path.relative_to(dataset)
            known = known_as.get(photo.hash)
            row: Row = {
                "photo": _as_text(relative.as_posix()),
                "member": relative.parts[0],
                "hash": photo.hash,
                "stamp": photo.stamp,
                "look": known["look"] if known else photo.look,
                "unusable": photo.unusable,
                "faces": known["faces"] if known else [],
                "new": photo.image is not None,
            }
            waiting.append((row, [] if photo.image is None else faces.find(photo.image)))
            if sum(len(found) for _, found in waiting) >= Measured.embedding_batch:
                yield from _embedded(waiting, faces)
                waiting = []
            progress(done / len(photos), f"Reading {row['photo']}")
    yield from _embedded(waiting, faces)


def _embedded(waiting: list[tuple[Row, list[FoundFace]]], faces: FaceModel) -> Iterator[Row]:
    crops = [face.crop for _, found in waiting for face in found]
    mirrored = [np.ascontiguousarray(crop[:, ::-1]) for crop in crops]
    both = faces.embed([*crops, *mirrored])
    embeddings = zip(both[: len(crops)], unit(both[: len(crops)] + both[len(crops) :]), strict=True)
    for row, found in waiting:
        for face in found:
            plain, gallery = next(embeddings)
            row["faces"].append(
                {
                    "box": face.box.tolist(),
                    "keypoints": face.keypoints.tolist(),
                    "score": face.score,
                    "sharpness": sharpness_of(face.crop),
                    "plain": plain.tolist(),
                    "embedding": gallery.tolist(),
                }
            )
        yield row


def _as_text(name: str) -> str:
    r"""A file's name as it can be kept: what is no text, as from other systems' archives, becomes \xcf."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _stamp(path: Path) -> str:
    """What changes when a file does, or another takes its place; empty if it cannot be told."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _decode(path: Path, before: dict[str, Row], max_bytes: int, max_pixels: int) -> _Photo:
    try:
        if path.stat().st_size > max_bytes:  # not read only to say so, at every start
            return _Photo(unusable=f"larger than {max_bytes / 2**20:g} MiB")
        content = path.read_bytes()
    except FileNotFoundError:
        return _Photo(unusable="taken away while the bank was being built")
    except OSError as error:
        return _Photo(unusable=f"cannot be read ({error.strerror})")
    digest = hashlib.sha256(content).hexdigest()
    if digest in before:
        return _Photo(digest)
    try:
        image = images.load(content, max_upload_bytes=max_bytes, max_pixels=max_pixels)
    except images.ImageError as error:
        return _Photo(digest, unusable=str(error))
    return _Photo(digest, look=perceptual_hash(image), image=image)


def _ahead(pool: ThreadPoolExecutor, work: Callable[[Path], _Photo], paths: list[Path]) -> Iterator[_Photo]:
    """Map in order, with few results in memory."""
    futures = [pool.submit(work, path) for path in paths[:AHEAD]]
    for path in paths[AHEAD:]:
        yield futures.pop(0).result()
        futures.append(pool.submit(work, path))
    for future in futures:
        yield future.result()


def perceptual_hash(image: NDArray[np.uint8]) -> str:
    """Describe what a picture looks like in 64 bits that resizing and re-encoding hardly change.

    The signs of the lowest 8 x 8 frequencies against their median (Zauner, "Implementation and
    Benchmarking of Perceptual Image Hash Functions", 2010).

    Args:
        image: (H, W, 3) uint8, RGB.

    Returns:
        16 hexadecimal digits.
    """
    grey = cv2.cvtColor(cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    low = dctn(grey.astype(np.float32), norm="ortho")[:8, :8].ravel()
    return np.packbits(low > np.median(low)).tobytes().hex()


def choose_faces(rows: list[Row]) -> None:
    """Fill in which face of each photo is its member's, and why a photo is left out.

    Where a photo shows several faces, the one that agrees best with the rest of its folder is taken. Of
    photos that show the same the larger face stays, and of two members' folders the one that it agrees with.

    Args:
        rows: From `look_at`; changed in place.
    """
    for row in rows:
        row["left_out"] = row["unusable"] or (None if row["faces"] else "no face found")
        row.update(dict.fromkeys(FACE_COLUMNS))
    folders: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["left_out"] is None:
            folders[row["member"]].append(row)
    agreeing: list[tuple[float, Row]] = []
    for folder in folders.values():
        for row, centre in zip(folder, _centres(folder), strict=True):
            agreements = [float(centre @ np.array(face["plain"])) for face in row["faces"]]
            best = int(np.argmax(agreements))
            row.update({column: row["faces"][best][column] for column in FACE_COLUMNS})
            # Alone in its folder it agrees with itself, and would push the same photo out of another's.
            alone = len({one["hash"] for one in folder}) == 1
            agreeing.append((-1.0 if alone else agreements[best], row))
    _leave_out_duplicates(sorted(agreeing, key=lambda pair: pair[1]["box"][0] - pair[1]["box"][2]))


def _centres(folder: list[Row]) -> NDArray[Any]:
    """For each photo the direction of its folder's other faces, (N, D) rows of length one.

    Other photos that show one face count, or all others where there is none. Neither the photo itself nor a
    copy of it does: in a folder of three it would be a third of what it is compared with.
    """
    faces = [np.array([face["plain"] for face in row["faces"]]) for row in folder]
    _, same = np.unique([row["hash"] for row in folder], return_inverse=True)
    sums = np.array([each.sum(axis=0) for each in faces])
    alone = np.array([len(each) == 1 for each in faces])
    others = same[:, None] != same
    others |= ~others.any(axis=1, keepdims=True)
    single = others & alone
    return unit(np.where(single.any(axis=1, keepdims=True), single, others) @ sums)


def _leave_out_duplicates(agreeing: list[tuple[float, Row]]) -> None:
    """Leave out all but one of photos that show the same; beside each stands how well it fits its folder."""
    if not agreeing:
        return
    agrees, rows = zip(*agreeing, strict=True)
    looks = np.array([int(row["look"], 16) for row in rows], np.uint64)
    ways = [
        (flipped, np.array([row[face] for row in rows], np.float32))
        for flipped, face in ((np.uint64(0), "plain"), (MIRRORED, "embedding"))
    ]
    kept = np.empty(len(rows), np.intp)
    count = 0
    for number, row in enumerate(rows):
        same: list[int] = []
        for flipped, faces in ways:
            # Of thousands of photos few look alike, and only their faces are compared.
            differing = np.bitwise_count(looks[kept[:count]] ^ looks[number] ^ flipped)
            places = np.flatnonzero(differing <= Measured.duplicate_bits)
            same += places[faces[kept[places]] @ faces[number] >= Measured.duplicate_face].tolist()
        if not same:
            kept[count] = number
            count += 1
            continue
        place = min(same)
        stays, goes = rows[kept[place]], row
        if stays["member"] != goes["member"] and agrees[number] > agrees[kept[place]]:
            stays, goes, kept[place] = goes, stays, number
        kind = "duplicate" if stays["hash"] == goes["hash"] else "near-duplicate"
        goes["left_out"] = f"{kind} of {stays['photo']}"
