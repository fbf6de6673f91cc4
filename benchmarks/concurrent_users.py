"""Eight users at once on the page, with the same and with different pictures, through `gradio_client`.

Run: python -m benchmarks.concurrent_users [--users 8]

Checks that no picture is encoded twice, that every answer is the one given to the same question alone, that
everyone who waits is told a place in the queue, and that what is kept of pictures stays within its bound;
exits with 1 where one of these does not hold. The model is the demo's checkpoint.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Annotated, Any, NamedTuple

import typer
from gradio_client import Client, handle_file

from ive_segmentation.app import launch
from ive_segmentation.coco import decode
from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.identity.faces import load_faces
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.segmentation.sam3 import load_sam3
from ive_segmentation.settings import Settings
from ive_segmentation.writing import write_png

PROMPTS = ("everyone's shirt", "everyone's shoes", "person", "everyone's shirt", "shirt")
KEPT_PICTURES = 3
"""Pictures for which the feature cache is given room: as many as are asked about at once."""


class Served(NamedTuple):
    """What one user got: the segments, the seconds it took, the worst place in the queue that was shown."""

    segments: list[dict[str, Any]]
    seconds: float
    place: int


def ask(address: str, picture: Path, prompt: str) -> Served:
    """One user: opens the page, asks, and watches the queue."""
    client = Client(address, verbose=False)
    began, place = time.perf_counter(), 0
    job = client.submit(handle_file(str(picture)), prompt, api_name="/segment")
    while not job.done():
        place = max(place, job.status().rank or 0)
        time.sleep(0.02)
    result, _files = job.result()
    return Served(result["segments"], time.perf_counter() - began, place)


def same(got: Sequence[dict[str, Any]], alone: Sequence[dict[str, Any]]) -> bool:
    """Whether two answers are the same; sums in batches of another size may differ in their last digit."""
    if [(one["concept"], one["owner"]) for one in got] != [(one["concept"], one["owner"]) for one in alone]:
        return False
    masks = [(decode(one["mask"]), decode(other["mask"])) for one, other in zip(got, alone, strict=True)]
    return all((one & other).sum() >= 0.999 * (one | other).sum() for one, other in masks)


def peak() -> int:
    """The most memory this process has had so far, bytes (Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def all_at_once(address: str, asked: Sequence[tuple[Path, str]]) -> list[Served]:
    """As many users as questions."""
    with ThreadPoolExecutor(len(asked)) as users:
        return list(users.map(lambda question: ask(address, *question), asked))


def main(users: Annotated[int, typer.Option(help="How many ask at once.")] = 8) -> None:
    """Let users ask at once and print what each of the four promises came to."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        # As the demo does; in bfloat16 a batch of another size moves a mask's edge by a pixel here and there.
        settings = Settings(
            sam3=str(CHECKPOINTS / "sam3"),
            device="cpu",
            precision="float32",
            word_cache=folder / "words",
        )
        faces = load_faces(str(CHECKPOINTS / "faces"), allow_download=False)
        alone = Pipeline(settings=settings, members=(), faces=faces, sam3=load_sam3(settings))

        scenes = [draw_scene(3_000_000 + number) for number in range(2 * KEPT_PICTURES)]
        pictures = [folder / f"{number}.png" for number in range(len(scenes))]
        for picture, scene in zip(pictures, scenes, strict=True):
            write_png(picture, scene.image)
        # Half of the users share the first picture, the others have one of the next two.
        sharing = islice(cycle([0, 1, 0, 2]), users)
        asked = list(zip(sharing, islice(cycle(PROMPTS), users), strict=False))
        expected = [
            alone.segment(scenes[which].image, prompt).to_dict()["segments"] for which, prompt in asked
        ]

        assert alone.sam3 is not None
        # With what was answered about it; the one about which most was.
        one = max(alone.sam3.encode(scene.image).nbytes for scene in scenes[:KEPT_PICTURES])
        sam3: Any = load_sam3(replace(settings, feature_cache_bytes=KEPT_PICTURES * one))
        looks: list[int] = []
        sam3.model.vision_encoder.register_forward_hook(lambda *seen: looks.append(len(seen[1][0])))
        address = launch(replace(alone, sam3=sam3))
        ask(address, pictures[-1], "person")  # what is loaded at the first question is loaded now
        looks.clear()
        before = peak()

        began = time.perf_counter()
        served = all_at_once(address, [(pictures[which], prompt) for which, prompt in asked])
        spent = time.perf_counter() - began
        different = len({which for which, _ in asked})
        alike = [same(got.segments, wanted) for got, wanted in zip(served, expected, strict=True)]
        encoded = sum(looks)
        for late in pictures[KEPT_PICTURES:]:
            all_at_once(address, [(late, "person"), (late, "shirt")])
        kept = sum(features.nbytes for features in sam3._pictures.values())
        grown = peak() - before

        promises = {
            f"pictures encoded: {encoded} for {different} pictures of {users} users": encoded == different,
            f"answers as given alone: {sum(alike)} of {users}": all(alike),
            f"worst place in the queue that was shown: {max(got.place for got in served)}": users < 3
            or max(got.place for got in served) > 0,
            f"kept of {len(pictures)} pictures: {kept / one:.2f} of {KEPT_PICTURES} pictures' room; "
            f"the process's peak grew by {grown / 2**20:.0f} MiB": kept <= KEPT_PICTURES * one * 1.1,
        }
        for words, held in promises.items():
            print(f"{'yes' if held else 'NO ':<4} {words}")
        waits = sorted(got.seconds for got in served)
        print(f"     {spent:.1f} s for all; waited {median(waits):.1f} s (median), {waits[-1]:.1f} s (most)")
    if not all(promises.values()):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
