"""Segment people by name and things by whose they are.

Example:
    >>> from ive_segmentation import load_image, load_pipeline, load_settings
    >>> pipeline = load_pipeline(load_settings())  # doctest: +SKIP
    >>> result = pipeline.segment(load_image("photo.jpg"), "Wonyoung's shirt")  # doctest: +SKIP
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# ONNX Runtime reports its use to its maker unless it is told not to before it is imported; a call afterwards
# comes too late (seen with 1.31 on Linux).
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# Torch's threads on Linux wait for each other by spinning; where something else runs too, they spin in the
# way of those they wait for. A clip of 24 frames of the demo beside two busy processes on two cores: 76 s,
# with this 22 s; alone 9.9 s and 9.5 s.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

if TYPE_CHECKING:
    from ive_segmentation.errors import UserError
    from ive_segmentation.images import load as load_image
    from ive_segmentation.loading import load_pipeline
    from ive_segmentation.pipeline import Pipeline
    from ive_segmentation.result import Person, Result, Segment
    from ive_segmentation.settings import Settings, load_settings

__all__ = [
    "Person",
    "Pipeline",
    "Result",
    "Segment",
    "Settings",
    "UserError",
    "load_image",
    "load_pipeline",
    "load_settings",
]

_PLACES = {
    "Person": "result.Person",
    "Pipeline": "pipeline.Pipeline",
    "Result": "result.Result",
    "Segment": "result.Segment",
    "Settings": "settings.Settings",
    "UserError": "errors.UserError",
    "load_image": "images.load",
    "load_pipeline": "loading.load_pipeline",
    "load_settings": "settings.load_settings",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: torch takes seconds, `--help` should not."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name].split(".")
    return getattr(import_module(f"{__name__}.{module}"), attribute)
