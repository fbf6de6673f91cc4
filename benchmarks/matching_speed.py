"""Matching against small and large banks: `python -m benchmarks.matching_speed --faces PACK PICTURE`.

Times `match_faces` for six faces against galleries of made-up rows, and prints its share of identifying
the picture. For the large gallery it also prints how often the shortlist finds the best member that comparing
with every row finds, and time and recall of LanceDB's own index on the same rows.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import lancedb
import numpy as np
import pyarrow as pa
import typer
from lancedb.index import IvfFlat

from ive_segmentation import images
from ive_segmentation.identity.calibration import default_calibration
from ive_segmentation.identity.faces import load_faces
from ive_segmentation.identity.gallery import BankReport, Gallery
from ive_segmentation.identity.matching import match_faces
from ive_segmentation.identity.space import member_scores, unit
from ive_segmentation.settings import Measured, Settings

FACES = 6
NEAREST = 50
ROUNDS = 15
PARTITIONS = 256
PROBES = 16
SIZES = ((180, 6), (100_000, 1000))
"""Rows and members."""


def made_up(rows: int, members: int, dimension: int) -> tuple[Gallery, Any]:
    """A gallery of clusters, and six faces of six of its members."""
    random = np.random.default_rng(0)
    centres = unit(random.normal(size=(members, dimension)))
    labels = np.sort(np.arange(rows) % members)

    def faces(of: Any) -> Any:
        return unit(centres[of] + unit(random.normal(size=(len(of), dimension))))

    names = [f"member_{label:05d}" for label in range(members)]
    calibration = default_calibration(Settings.false_accept_rate)
    counts = dict(zip(names, np.bincount(labels).tolist(), strict=True))
    report = BankReport(
        "made up", "made up", "", counts, (), rows, 0, None, calibration, warnings=(), seconds=0.0
    )
    embeddings = faces(labels)
    gallery = Gallery(
        embeddings=embeddings,
        plain=embeddings,
        members=tuple(names[label] for label in labels),
        photos=tuple(f"{names[label]}/{row}.jpg" for row, label in enumerate(labels)),
        boxes=np.zeros((rows, 4), np.float32),
        keypoints=np.zeros((rows, 5, 2), np.float32),
        sharpness=np.zeros(rows, np.float32),
        face_counts=np.ones(rows, np.intp),
        report=report,
    )
    return gallery, faces(random.choice(members, (200, FACES) if members > FACES else (200, members)).ravel())


def best_time(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def shortlist_recall(gallery: Gallery, faces: Any) -> float:
    """How often the shortlist's best member is the best of all."""
    points = gallery.space.project(faces)
    exact = member_scores(points @ gallery.points.T, gallery.labels, len(gallery.names)).argmax(axis=1)
    found = [match_faces(face[None], gallery)[0].candidate for face in faces]
    return float(np.mean([gallery.names[k] == name for k, name in zip(exact, found, strict=True)]))


def lance_index(gallery: Gallery, faces: Any) -> tuple[float, float]:
    """Time for six faces, and recall of the nearest rows, of LanceDB's IVF index."""
    points, probes = gallery.points, gallery.space.project(faces)
    with tempfile.TemporaryDirectory() as folder:
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(points.ravel()), points.shape[1])
        table = lancedb.connect(folder).create_table(
            "rows", pa.table({"row": range(len(points)), "point": vectors})
        )
        table.create_index("point", config=IvfFlat(distance_type="dot", num_partitions=PARTITIONS))

        def search() -> Any:
            query: Any = table.search(probes[:FACES], vector_column_name="point")
            return (
                query.distance_type("dot")
                .nprobes(PROBES)
                .limit(NEAREST)
                .select(["row", "_distance"])
                .to_arrow()
            )

        found = search().to_pydict()
        exact = np.argsort(-(probes[:FACES] @ points.T), axis=1)[:, :NEAREST]
        pairs = set(zip(found["query_index"], found["row"], strict=True))
        hits = sum((face, int(row)) in pairs for face in range(FACES) for row in exact[face])
        return best_time(search), hits / exact.size


def main(
    picture: Annotated[Path, typer.Argument(help="A picture with about six faces.")],
    faces: Annotated[str, typer.Option(help="Face pack: a name or a folder.")] = Settings.faces,
) -> None:
    models = load_faces(faces)
    seen = len(models.find(images.load(picture)))
    looking = best_time(lambda: models.detect(images.load(picture)))
    print(f"Reading a picture, finding and embedding its {seen} faces: {looking * 1e3:.1f} ms")
    for rows, members in SIZES:
        gallery, probes = made_up(rows, members, models.dimension)
        spent = best_time(partial(match_faces, probes[:FACES], gallery))
        share = spent / (spent + looking)
        print(f"{rows} rows, {members} members: six faces in {spent * 1e3:.2f} ms, {share:.1%} of it all")
        if members > Measured.shortlist:
            recall = shortlist_recall(gallery, probes[:200])
            print(f"  shortlist of {Measured.shortlist}: best member of all found for {recall:.1%} of faces")
            index, nearest = lance_index(gallery, probes)
            print(f"  LanceDB IVF_FLAT: {index * 1e3:.2f} ms, recall of the {NEAREST} nearest {nearest:.1%}")


if __name__ == "__main__":
    typer.run(main)
