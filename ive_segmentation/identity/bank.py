"""The identity bank: a LanceDB table with one row per photo of `Dataset/`, and the gallery read from it."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

# Lance reports every table it creates as a warning.
os.environ.setdefault("LANCE_LOG", "error")

import lancedb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ive_segmentation import images
from ive_segmentation.errors import UserError
from ive_segmentation.identity.faces import FaceModel, FoundFace, unit

TABLE = "photos"
REPORT = b"ive_segmentation.report"
DECODERS = 2
BATCH = 32

Progress = Callable[[int, int, str], None]
Row = dict[str, Any]


class BankError(UserError):
    """The bank cannot be built or read."""


@dataclass(frozen=True)
class LeftOut:
    """A photo that is not in the bank."""

    photo: str
    """Relative path, `Member/file.jpg`."""
    reason: str


@dataclass(frozen=True)
class BankReport:
    """What the bank holds and what its building did."""

    dataset: str
    faces: str
    recogniser: str
    members: dict[str, int]
    """Photos in the bank, per member's folder."""
    left_out: tuple[LeftOut, ...]
    embedded: int
    """Photos that were embedded anew."""
    removed: int
    """Photos of the bank before that are gone."""
    rebuilt: str | None
    """Why nothing of the bank before could be kept."""
    seconds: float
    warnings: tuple[str, ...] = ()

    @property
    def photos(self) -> int:
        """How many photos the bank holds."""
        return sum(self.members.values())

    def to_json(self) -> dict[str, Any]:
        """The report as plain types, with the sum of the photos."""
        return asdict(self) | {"photos": self.photos}


@dataclass(frozen=True, eq=False)
class Gallery:
    """The bank in memory, as matching wants it; rows are photos."""

    embeddings: NDArray[np.float32]
    """(N, D), rows of length one."""
    members: tuple[str, ...]
    """Per row the member's folder name."""
    photos: tuple[str, ...]
    """Per row the path relative to the dataset, `Member/file.jpg`."""
    boxes: NDArray[np.float32]
    """(N, 4) the face in the photo, xyxy in pixels."""
    recogniser: str
    """SHA-256 of the recogniser that made the embeddings."""
    report: BankReport
    names: tuple[str, ...] = field(init=False)
    """The distinct members, sorted."""
    labels: NDArray[np.intp] = field(init=False)
    """(N,) index into `names`."""

    def __post_init__(self) -> None:
        names, labels = np.unique(np.array(self.members, dtype=object).astype(str), return_inverse=True)
        object.__setattr__(self, "names", tuple(str(name) for name in names))
        object.__setattr__(self, "labels", labels.astype(np.intp))


def build_bank(dataset: Path, faces: FaceModel, uri: str, progress: Progress | None = None) -> BankReport:
    """Bring the bank in line with the dataset's photos.

    Unchanged photos are not embedded again. All changes become visible in one LanceDB commit at the end, so a
    process that is killed, or fails, leaves the bank as it was; of two builders at once the later one wins.

    Args:
        dataset: One folder of photos per member.
        faces: The models.
        uri: LanceDB location, a folder or an object-store URI.
        progress: Called with photos done, photos in all, and the photo's relative path.

    Returns:
        What was done.

    Raises:
        BankError: If the dataset holds no usable photo, or the bank cannot be written.
    """
    begun = time.monotonic()
    photos = list(_photos(dataset))
    if not photos:
        raise BankError(
            f"{dataset} holds no photos. Make one folder per member, put that member's photos in it, and build again."
        )
    before, rebuilt = _rows_before(uri, faces)
    rows = list(_embed(dataset, photos, faces, before, progress or _silent))
    embedded = sum(row.pop("new") for row in rows)
    _choose(rows)
    kept = [row for row in rows if row["left_out"] is None]
    if not kept:
        raise BankError(
            f"No photo in {dataset} shows a face that could be used (first: {rows[0]['photo']}: "
            f"{rows[0]['left_out']}). Add photos that show each member's face, and build again."
        )
    members = dict.fromkeys(sorted({row["member"] for row in rows}), 0)
    for row in kept:
        members[row["member"]] += 1
    report = BankReport(
        dataset=str(dataset),
        faces=faces.name,
        recogniser=faces.hash,
        members=members,
        left_out=tuple(LeftOut(row["photo"], row["left_out"]) for row in rows if row["left_out"]),
        embedded=embedded,
        removed=len({row["photo"] for row in before.values()} - {row["photo"] for row in rows}),
        rebuilt=rebuilt,
        seconds=time.monotonic() - begun,
        warnings=tuple(f"{name} has no usable photo." for name, count in members.items() if not count),
    )
    _write(uri, rows, faces, report)
    return report


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
    table = _read(uri)
    report = _report(table)
    if recogniser_hash is not None and report.recogniser != recogniser_hash:
        raise BankError(
            f"The bank {uri} was built with another face recogniser ({report.faces}). "
            "Build it again with the pack you use now, or use that pack."
        )
    rows = [row for row in table.to_pylist() if row["left_out"] is None]
    return Gallery(
        np.array([row["embedding"] for row in rows], np.float32),
        tuple(row["member"] for row in rows),
        tuple(row["photo"] for row in rows),
        np.array([row["box"] for row in rows], np.float32),
        report.recogniser,
        report,
    )


def _silent(done: int, total: int, photo: str) -> None:
    """Report progress to nobody."""


def _photos(dataset: Path) -> Iterator[Path]:
    if not dataset.is_dir():
        raise BankError(
            f"There is no folder {dataset}. Give the folder that holds one folder of photos per member."
        )
    for member in sorted(
        path for path in dataset.iterdir() if path.is_dir() and not path.name.startswith(".")
    ):
        yield from sorted(
            path for path in member.rglob("*") if path.is_file() and not path.name.startswith(".")
        )


def _rows_before(uri: str, faces: FaceModel) -> tuple[dict[str, Row], str | None]:
    try:
        table = _read(uri)
        recogniser = _report(table).recogniser
    except BankError as error:
        return {}, None if isinstance(
            error.__cause__, FileNotFoundError
        ) else "the bank before could not be read"
    if recogniser != faces.hash:
        return {}, "the bank before was made by another recogniser"
    return {row["hash"]: row for row in table.to_pylist()}, None


def _embed(
    dataset: Path, photos: list[Path], faces: FaceModel, before: dict[str, Row], progress: Progress
) -> Iterator[Row]:
    """One row per photo, in order: known ones from `before`, the others decoded while the models run."""
    waiting: list[tuple[Row, list[FoundFace]]] = []

    def finished() -> Iterator[Row]:
        crops = [face.crop for _, found in waiting for face in found]
        embeddings = iter(faces.embed(crops))
        for row, found in waiting:
            row["faces"] += [
                {
                    "box": face.box.tolist(),
                    "keypoints": face.keypoints.tolist(),
                    "score": face.score,
                    "embedding": next(embeddings).tolist(),
                }
                for face in found
            ]
            yield row
        waiting.clear()

    with ThreadPoolExecutor(DECODERS) as decoders:
        decoded = _ahead(decoders, lambda path: _decode(path, before), photos, DECODERS + 1)
        for done, (path, (digest, image, reason)) in enumerate(zip(photos, decoded, strict=True), 1):
            relative = path.relative_to(dataset)
            row: Row = {
                "photo": relative.as_posix(),
                "member": relative.parts[0],
                "hash": digest,
                "new": digest not in before,
                "faces": [],
                "left_out": reason,
            }
            found: list[FoundFace] = []
            if digest in before:
                row |= {"faces": before[digest]["faces"], "left_out": before[digest]["unusable"]}
            elif image is not None:
                found = faces.find(image)
            row["unusable"] = row["left_out"]
            waiting.append((row, found))
            progress(done, len(photos), row["photo"])
            if sum(len(f) for _, f in waiting) >= BATCH:
                yield from finished()
    yield from finished()


def _decode(path: Path, before: dict[str, Row]) -> tuple[str, NDArray[np.uint8] | None, str | None]:
    try:
        content = path.read_bytes()
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        return (
            "",
            None,
            "removed while the bank was being built" if gone else "cannot be read: " + str(error.strerror),
        )
    digest = hashlib.sha256(content).hexdigest()
    if digest in before:
        return digest, None, None
    try:
        return digest, images.load(content), None
    except images.ImageError as error:
        return digest, None, str(error)


def _ahead(
    pool: ThreadPoolExecutor, work: Callable[[Path], Any], items: list[Path], ahead: int
) -> Iterator[Any]:
    """Map in order, never more than `ahead` results in memory."""
    futures = [pool.submit(work, item) for item in items[:ahead]]
    for item in items[ahead:]:
        yield futures.pop(0).result()
        futures.append(pool.submit(work, item))
    for future in futures:
        yield future.result()


def _choose(rows: Iterable[Row]) -> None:
    """Fill in which face of each photo is its member's, and which photos stay out."""
    rows = list(rows)
    first: dict[str, str] = {}
    for row in rows:
        if row["left_out"] is None and not row["faces"]:
            row["left_out"] = "no face found"
        if row["left_out"] is None and row["hash"] in first:
            row["left_out"] = f"duplicate of {first[row['hash']]}"
        first.setdefault(row["hash"], row["photo"])
    for row in rows:
        row |= {"box": None, "keypoints": None, "score": None, "embedding": None}
    usable = [row for row in rows if row["left_out"] is None]
    for member in {row["member"] for row in usable}:
        mine = [row for row in usable if row["member"] == member]
        alone = [row["faces"][0]["embedding"] for row in mine if len(row["faces"]) == 1]
        everyone = [face["embedding"] for row in mine for face in row["faces"]]
        centre = unit(np.mean(np.array(alone or everyone, np.float32), axis=0))
        for row in mine:
            best = max(row["faces"], key=lambda face: float(np.dot(centre, face["embedding"])))
            row |= {key: best[key] for key in ("box", "keypoints", "score", "embedding")}


def _schema(dimension: int, metadata: dict[bytes, bytes]) -> pa.Schema:
    number = pa.float32()
    face = [
        ("box", pa.list_(number, 4)),
        ("keypoints", pa.list_(pa.list_(number, 2), 5)),
        ("score", number),
        ("embedding", pa.list_(number, dimension)),
    ]
    text = [
        (name, pa.string())
        for name in ("photo", "member", "hash", "left_out", "unusable", "pack", "recogniser")
    ]
    return pa.schema([*text, *face, ("faces", pa.list_(pa.struct(face)))], metadata=metadata)


def _write(uri: str, rows: list[Row], faces: FaceModel, report: BankReport) -> None:
    schema = _schema(faces.dimension, {REPORT: json.dumps(report.to_json()).encode()})
    rows = [row | {"pack": faces.name, "recogniser": faces.hash} for row in rows]
    try:
        database = lancedb.connect(uri)
        table = database.create_table(
            TABLE, pa.Table.from_pylist(rows, schema=schema), mode="overwrite", on_bad_vectors="null"
        )
        table.optimize(cleanup_older_than=timedelta(minutes=1))
    except Exception as error:  # LanceDB raises RuntimeError, ValueError and OSError for the same things
        raise BankError(
            f"The bank {uri} cannot be written ({_short(error)}). Free space or give another place, and build again."
        ) from error


def _read(uri: str) -> pa.Table:
    try:
        database = lancedb.connect(uri)
        if TABLE not in database.list_tables().tables:
            raise FileNotFoundError(uri)
        return database.open_table(TABLE).to_arrow()
    except FileNotFoundError as error:
        raise BankError(
            f"There is no bank at {uri} yet. Build it: `python -m ive_segmentation bank build`."
        ) from error
    except Exception as error:  # as in `_write`
        raise BankError(f"The bank {uri} is damaged ({_short(error)}). Build it again.") from error


def _report(table: pa.Table) -> BankReport:
    try:
        values = json.loads(table.schema.metadata[REPORT])
        values.pop("photos")
        values["left_out"] = tuple(LeftOut(**item) for item in values["left_out"])
        values["warnings"] = tuple(values["warnings"])
        return BankReport(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise BankError("The bank was written by another version of this program. Build it again.") from error


def _short(error: Exception) -> str:
    return str(error).split("\n", 1)[0].split(", /", 1)[0][:120] or type(error).__name__
