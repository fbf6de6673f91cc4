"""When the drawn demo stands in for what is not there yet, and what it is made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ive_segmentation.dataset import has_photos
from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.settings import CACHE, Settings, bank_of


def wants_demo(settings: Settings) -> bool:
    """Whether nothing was given to work on: no photos, and no model or bank of the user's own choice.

    Args:
        settings: Reads dataset, bank, faces and sam3.

    Returns:
        True where the drawn demo should stand in.

    Raises:
        DatasetError: If the dataset folder may not be looked into.
    """
    chosen = (
        settings.faces != Settings.faces
        or settings.sam3 != Settings.sam3
        or settings.bank != bank_of(settings.dataset)
    )
    return not chosen and settings.dataset.is_dir() and not has_photos(settings.dataset)


def demo_notice(dataset: Path) -> str:
    """Say that the demo stands in, and what the real thing needs.

    Args:
        dataset: The user's folder, which holds no photos.

    Returns:
        Two sentences.
    """
    place = "Dataset/" if dataset == Settings.dataset else dataset
    return (
        "This is the demo: drawn members, and built-in models that know nothing else. For the real thing put "
        f"photos into {place} (one folder per member), get SAM 3, and start again; the README says "
        "how."
    )


def demo_settings(settings: Settings) -> Settings:
    """Point the settings at the drawn members and the built-in checkpoints.

    Args:
        settings: The user's settings; what does not depend on the checkpoints stays.

    Returns:
        Settings whose dataset, bank, faces and sam3 are the demo's. The small SAM 3 computes in float32,
        which costs it nothing, and looks at pictures as it was trained.

    Raises:
        WriteError: If the members cannot be drawn into the user's cache.
    """
    # Drawing takes as long to import as all else that reads a prompt, and is rarely wanted.
    from ive_segmentation.demo.dataset import draw_dataset_once  # noqa: PLC0415

    return replace(
        settings,
        dataset=draw_dataset_once(CACHE / "demo"),
        bank=str(CACHE / "demo-bank"),
        faces=str(CHECKPOINTS / "faces"),
        sam3=str(CHECKPOINTS / "sam3"),
        precision="float32",
        resolution=0,
    )
