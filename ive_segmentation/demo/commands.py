"""The commands of the drawn world: `python -m ive_segmentation demo scene|clip|dataset|train`."""

import json
import time
from dataclasses import replace
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from ive_segmentation.demo import MOST_PICTURES, PICTURES
from ive_segmentation.errors import UserError
from ive_segmentation.settings import CACHE
from ive_segmentation.writing import refuse_folder, write_errors, write_png, write_whole, written_whole

demo_app = typer.Typer(
    help="A drawn world with exact truth, for a first run and for tests.", no_args_is_help=True
)

Out = Annotated[Path, typer.Option(help="Folder to write to; made where it is missing.")]
People = Annotated[int | None, typer.Option(min=1, max=6, help="How many; by default the seed decides.")]


class Part(StrEnum):
    """What `train` can train."""

    faces = "faces"
    sam3 = "sam3"
    both = "both"


class TrainingError(UserError):
    """Something that only training needs is not there."""


@demo_app.command()
def scene(
    out: Out,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same picture.")] = 0,
    people: People = None,
    width: Annotated[int, typer.Option(min=96, max=4096)] = 960,
    height: Annotated[int, typer.Option(min=96, max=4096)] = 720,
) -> None:
    """Draw one group picture: scene.png, and its exact truth as COCO in truth.json."""
    from ive_segmentation.demo.scenes import draw_scene
    from ive_segmentation.demo.truth import to_coco

    drawn = draw_scene(seed, people=people, size=(width, height))
    write_png(out / "scene.png", drawn.image)
    write_whole(out / "truth.json", json.dumps(to_coco(drawn)).encode())
    typer.echo(f"{out / 'scene.png'}: {len(drawn.persons)} persons, {len(drawn.things)} things")


@demo_app.command()
def clip(
    out: Out,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same clip.")] = 0,
    people: People = None,
    seconds: Annotated[float, typer.Option(min=1, max=600)] = 5.0,
    width: Annotated[int, typer.Option(min=96, max=4096)] = 480,
    height: Annotated[int, typer.Option(min=96, max=4096)] = 360,
) -> None:
    """Draw a clip in which people move: clip.mp4, and the exact truth of every frame in truth.json."""
    from ive_segmentation.demo.clips import FPS, draw_clip
    from ive_segmentation.demo.filming import film

    # H.264 halves both sides for its colours.
    frames = draw_clip(seed, people, seconds, (width // 2 * 2, height // 2 * 2), FPS)
    with written_whole(out / "clip.mp4") as part, write_errors(out / "clip.mp4"):
        truth = film(part, frames, FPS)
    write_whole(out / "truth.json", json.dumps(truth).encode())
    shots = truth["frames"][-1]["shot"] + 1
    typer.echo(f"{out / 'clip.mp4'}: {len(truth['frames'])} frames, shots: {shots}")


@demo_app.command()
def dataset(
    out: Out,
    pictures: Annotated[
        int, typer.Option(min=1, max=MOST_PICTURES, help="Pictures of each member.")
    ] = PICTURES,
) -> None:
    """Draw the six members' solo pictures in the layout of Dataset/. They show nobody real."""
    from ive_segmentation.demo.dataset import draw_dataset

    refuse_folder(out, [])
    with write_errors(out):
        draw_dataset(out, pictures)
    typer.echo(f"{out}: {pictures} drawn pictures of each member")


@demo_app.command()
def train(
    out: Annotated[Path, typer.Option(help="Folder for the checkpoints: sam3/ and faces/ in it.")],
    part: Annotated[Part, typer.Option(help="Which of the two.")] = Part.both,
    work: Annotated[Path, typer.Option(help="Where drawn pictures and unfinished runs are kept.")] = (
        CACHE / "demo-training"
    ),
    scenes: Annotated[int | None, typer.Option(min=250, help="Scenes SAM 3 learns from.")] = None,
    frames: Annotated[int | None, typer.Option(min=250, help="Frames of clips SAM 3 learns from.")] = None,
    crossings: Annotated[int | None, typer.Option(min=250, help="Frames in which one hides another.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Of each of SAM 3's two lessons.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="Stop SAM 3 early; a rerun goes on.")] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a SAM 3 like the built-in one to go on from.", exists=True, file_okay=False
        ),
    ] = None,
) -> None:
    """Train checkpoints like the built-in ones, from nothing or going on; a rerun goes on where it stopped.

    SAM 3 has two recipes: one for a GPU, and one for two cores that takes some two hours.
    """
    from ive_segmentation.demo.training import (
        faces_detector,
        faces_recogniser,
        sam3_train,
        store,
        workers,
    )

    if part in (Part.faces, Part.both) and find_spec("onnxscript") is None:
        raise TrainingError(
            "The face pack is written with the package onnxscript, which is not installed. "
            "Install requirements-dev.txt and start again."
        )
    if part in (Part.faces, Part.both):
        faces_detector.train_detector(out / "faces", work / "faces")
        faces_recogniser.train_recogniser(out / "faces", work / "faces")
    if part in (Part.sam3, Part.both):
        recipe = sam3_train.recipe(steps)
        said = {"scenes": scenes, "clips": frames, "crossings": crossings}
        wanted = {kind: said[kind] or count for kind, count in recipe.drawn.items()}
        shards = store.draw_ahead(work / "sam3-pictures", wanted)
        deadline = time.time() + minutes * 60 if minutes else None
        if start is None:
            begun = work / "sam3"
            lesson = sam3_train.beginning(shards, begun, recipe.first)
            if not workers.learn(lesson, recipe.first.pace, work / "sam3-first.state", deadline):
                return
            lesson, pace = sam3_train.going_on(shards, out / "sam3", begun, recipe.then), recipe.then.pace
        else:
            lesson = sam3_train.refining(shards, out / "sam3", start)
            pace = replace(sam3_train.GOING_ON, steps=steps or sam3_train.GOING_ON.steps)
        workers.learn(lesson, pace, work / "sam3.state", deadline)
