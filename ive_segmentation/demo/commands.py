"""The commands of the drawn world: `python -m ive_segmentation demo scene|dataset|train`."""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ive_segmentation.demo.dataset import MOST, PICTURES, draw_dataset
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.demo.truth import to_coco
from ive_segmentation.errors import UserError
from ive_segmentation.output.writing import write_png, write_whole
from ive_segmentation.settings import CACHE

demo_app = typer.Typer(help="A drawn world with exact truth, for a first run and for tests.", no_args_is_help=True)

Out = Annotated[Path, typer.Option(help="Folder to write to; made where it is missing.")]


class TrainingPackagesError(UserError):
    """A package that only training needs is not installed."""


@demo_app.command()
def scene(
    out: Out,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same picture.")] = 0,
    people: Annotated[int | None, typer.Option(min=1, max=6, help="How many; by default the seed decides.")] = None,
    width: Annotated[int, typer.Option(min=96, max=4096)] = 960,
    height: Annotated[int, typer.Option(min=96, max=4096)] = 720,
) -> None:
    """Draw one group picture: scene.png, and its exact truth as COCO in truth.json."""
    drawn = draw_scene(seed, people=people, size=(width, height))
    write_png(out / "scene.png", drawn.image)
    write_whole(out / "truth.json", json.dumps(to_coco(drawn)).encode())
    typer.echo(f"{out / 'scene.png'}: {len(drawn.persons)} persons, {len(drawn.things)} things")


@demo_app.command()
def dataset(
    out: Out,
    pictures: Annotated[int, typer.Option(min=1, max=MOST, help="Pictures of each member.")] = PICTURES,
) -> None:
    """Draw the six members' solo pictures in the layout of Dataset/. They show nobody real."""
    draw_dataset(out, pictures)
    typer.echo(f"{out}: {pictures} drawn pictures of each member")


@demo_app.command()
def train(
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint; training goes on where it stopped.")],
    part: Annotated[str, typer.Option(help="sam3, or faces.")] = "sam3",
    scenes: Annotated[Path, typer.Option(help="Where scenes drawn ahead are kept.")] = CACHE / "demo-scenes",
    count: Annotated[int, typer.Option(min=250, help="Scenes to draw ahead.")] = 12_000,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps; by default the recipe's.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="Stop early after this long; a rerun goes on.")] = None,
) -> None:
    """Train the built-in checkpoints from nothing (two hours and a half on two cores, minutes on a GPU)."""
    try:
        from ive_segmentation.demo.training import sam3_train, store  # noqa: PLC0415 -- never at run time
    except ModuleNotFoundError as error:
        raise TrainingPackagesError(
            f"Training needs the package {error.name}. Install requirements-dev.txt and start again."
        ) from error
    recipe = sam3_train.Recipe() if steps is None else sam3_train.Recipe(steps=steps)
    shards = store.draw_ahead(scenes, count)
    sam3_train.train(shards, out, recipe, None if minutes is None else minutes * 60)
