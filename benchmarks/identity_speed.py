"""Time against the plain loop: `python -m benchmarks.identity_speed DATASET --faces PACK`.

The plain way is `for photo: FaceAnalysis.get(photo)` with the same two models. Both are timed in one run,
by turns, so that a busy machine slows both.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
import warnings
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from insightface.app import FaceAnalysis

from benchmarks.identity_accuracy import tiles
from ive_segmentation import images
from ive_segmentation.identity.bank import build_bank
from ive_segmentation.identity.faces import load_faces
from ive_segmentation.identity.gallery import load_gallery
from ive_segmentation.identity.matching import match_faces
from ive_segmentation.identity.packs import find_pack
from ive_segmentation.identity.photos import list_photos
from ive_segmentation.settings import Settings

PAUSE = 0.1
"""Seconds between two turns: ONNX Runtime's threads spin on for a while after plain work is done, and would
take the cores from whatever is timed next."""


def plain_models(pack: str) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        models = FaceAnalysis(
            name=str(find_pack(pack).absolute()), allowed_modules=["detection", "recognition"]
        )
        models.prepare(ctx_id=0)
    return models


def by_turns(
    rounds: int, plain: Callable[[], object], ours: Callable[[], object]
) -> tuple[list[float], list[float]]:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for work, spent in zip((plain, ours), times, strict=True):
            time.sleep(PAUSE)
            begun = time.perf_counter()
            work()
            spent.append(time.perf_counter() - begun)
    return times


def six_faces(dataset: Path, gallery: Any, models: Any, path: Path) -> None:
    """Write a picture with six faces: one photo of each of six members (or of fewer, in turn)."""
    photos: list[str] = []
    for turn in range(6):
        for name in range(len(gallery.names)):
            rows = np.flatnonzero(gallery.labels == name)
            photos.append(gallery.photos[rows[turn % len(rows)]])
    pictures = (images.load(dataset / photo) for photo in photos)
    alone = (picture for picture in pictures if len(models.find(picture)) == 1)
    cv2.imwrite(str(path), tiles([*islice(alone, 6)])[:, :, ::-1])


def main(
    dataset: Annotated[Path, typer.Argument(help="A folder with one folder of photos per person.")],
    faces: Annotated[str, typer.Option(help="Face pack: a name or a folder.")] = Settings.faces,
    rounds: Annotated[int, typer.Option(help="How often each way is timed.")] = 3,
) -> None:
    warnings.filterwarnings("ignore", category=FutureWarning)
    plain, models = plain_models(faces), load_faces(faces)
    photos = list_photos(dataset)

    def plain_loop() -> None:
        for photo in photos:
            picture = cv2.imread(str(photo))
            if picture is not None:
                plain.get(picture)

    with tempfile.TemporaryDirectory() as folder:
        builds = iter(range(rounds))

        def build() -> None:
            build_bank(dataset, models, f"{folder}/{next(builds)}")

        loop, built = by_turns(rounds, plain_loop, build)
        bank = f"{folder}/0"
        again = build_bank(dataset, models, bank).seconds
        print(f"{len(photos)} photos: plain loop {min(loop):.2f} s, bank built in {min(built):.2f} s")
        print(f"  ratio {min(built) / min(loop):.2f} (rounds {_rounds(built, loop)}; to reach: 0.70)")
        print(f"  built again unchanged: {again / min(built):.3f} of the first build (to reach: 0.05)")

        gallery = load_gallery(bank, models.hash)
        picture = Path(folder) / "six.jpg"
        six_faces(dataset, gallery, models, picture)
        print(f"A picture with {len(models.find(images.load(picture)))} faces:")
        loop, ours = by_turns(
            rounds * 10,
            lambda: plain.get(cv2.imread(str(picture))),
            lambda: match_faces(models.detect(images.load(picture)), gallery),
        )
        print(f"  plain {min(loop) * 1e3:.1f} ms, identified in {min(ours) * 1e3:.1f} ms")
        best = min(ours) / min(loop)
        print(f"  ratio {_median(ours, loop):.2f} of the medians ({best:.2f} of the best; to reach: 0.60)")


def _rounds(ours: list[float], plain: list[float]) -> str:
    return ", ".join(f"{one / other:.2f}" for one, other in zip(ours, plain, strict=True))


def _median(ours: list[float], plain: list[float]) -> float:
    return float(np.median(ours) / np.median(plain))


if __name__ == "__main__":
    typer.run(main)
