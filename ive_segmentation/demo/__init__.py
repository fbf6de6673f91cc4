"""A drawn world with exact ground truth, and the small checkpoints that know it."""

from pathlib import Path

from ive_segmentation.settings import expanded

CHECKPOINTS = Path(__file__).parent / "checkpoints"
"""The checkpoints that ship: `faces`, an InsightFace pack, and `sam3`."""
PICTURES = 20
"""Pictures of each drawn member: names are measured with twenty (the card of the face models)."""
MOST_PICTURES = 200
"""The most that can be drawn of one member: each picture has seeds of its own."""


def is_built_in(model: str) -> bool:
    """Tell whether a model knows drawn people only, whoever chose it.

    Args:
        model: What `Settings.faces` or `Settings.sam3` says: a folder or a name.

    Returns:
        True for the folders in `CHECKPOINTS`.
    """
    return expanded(model).resolve().parent == CHECKPOINTS.resolve()
