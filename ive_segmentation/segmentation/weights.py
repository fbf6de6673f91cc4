"""A checkpoint's weights in parts: what looks at pictures, the text encoder (two fifths of all), the tracker.

Each part is read straight into the dtype it is used in, without a second copy, and only when it is needed.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError, safe_open
from transformers import PreTrainedConfig, Sam3VideoConfig, Sam3VideoModel
from transformers.utils.logging import disable_progress_bar, set_verbosity_error

from ive_segmentation.segmentation.checkpoints import CheckpointError, damaged, model_class, weight_files

TEXT = ("text_encoder", "text_projection")
"""The children of SAM 3 that read words; everything else looks at pictures."""

TRACKER = ("tracker_model.", "tracker_neck.")
"""What the names of the tracker's weights begin with, in checkpoints that can follow through a video."""

_OF_TEXT = re.compile(rf"(^|\.)({'|'.join(TEXT)})\.")
_STORED_AS = {torch.float32: "F32", torch.bfloat16: "BF16"}


def load_part(folder: Path, dtype: torch.dtype, *, text: bool) -> Any:
    """Load one part of a checkpoint onto the CPU.

    Args:
        folder: Where `locate` found it.
        dtype: The dtype the part is used in; weights stored in another are converted one by one.
        text: The part that reads words, or the part that looks at pictures.

    Returns:
        The model of `transformers`, in evaluation mode, whose other part is None.

    Raises:
        CheckpointError: If a file is damaged or a weight of the part is missing.
    """
    whole = getattr(transformers, model_class(folder))
    part = _part(whole, lambda child: (child in TEXT) == text)
    config = whole.config_class.from_pretrained
    return _load(folder, dtype, part, config, lambda name: bool(_OF_TEXT.search(name)) == text)


def has_tracker(folder: Path) -> bool:
    """Tell whether a checkpoint holds SAM 3's own tracker, as facebook/sam3 does.

    Args:
        folder: Where `locate` found it.

    Returns:
        True if its config describes a tracker and its files hold weights of one.

    Raises:
        CheckpointError: If a file is damaged.
    """
    if json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"] != "sam3_video":
        return False
    try:
        return any(
            name.startswith(TRACKER)
            for file in weight_files(folder)
            for weights in [safe_open(file, framework="pt")]
            for name in weights.keys()  # noqa: SIM118 -- safe_open is no mapping
        )
    except (OSError, MemoryError, SafetensorError) as error:
        raise damaged(folder, error) from error


def load_tracker(folder: Path, dtype: torch.dtype, resolution: int) -> Any:
    """Load the tracker of a checkpoint onto the CPU, to be put beside a detector that is loaded already.

    Args:
        folder: Where `locate` found it; `has_tracker` says yes.
        dtype: The dtype it is used in.
        resolution: Side of the square, in pixels, that frames are squashed to.

    Returns:
        `Sam3VideoModel` of `transformers`, in evaluation mode, whose detector is None.

    Raises:
        CheckpointError: If a file is damaged or a weight of the tracker is missing.
    """

    def config(*args: Any, **kwargs: Any) -> Sam3VideoConfig:
        read = Sam3VideoConfig.from_pretrained(*args, **kwargs)
        read.image_size = resolution
        return read

    part = _part(Sam3VideoModel, lambda child: child != "detector_model")
    return _load(folder, dtype, part, config, lambda name: name.startswith(TRACKER))


def _load(
    folder: Path,
    dtype: torch.dtype,
    part: Any,
    config: Callable[..., PreTrainedConfig],
    wanted: Callable[[str], bool],
) -> Any:
    """Read the weights with a wanted name into a part of a model."""
    disable_progress_bar()
    set_verbosity_error()  # a table of what is missing, and the advice to train it, before our own line
    try:
        with ExitStack() as files:
            slices = {
                name: weights.get_slice(name)
                for file in weight_files(folder)
                for weights in [files.enter_context(_open(file, dtype))]
                for name in weights.keys()  # noqa: SIM118 -- safe_open is no mapping
                if wanted(name)
            }
            model, report = part.from_pretrained(
                None,
                config=config(folder, local_files_only=True),
                state_dict=slices,
                dtype=dtype,
                output_loading_info=True,
            )
    except CheckpointError:
        raise
    except Exception as error:  # safetensors, json and torch each raise their own for a broken file
        raise damaged(folder, error) from error
    if report["missing_keys"] and any(name.startswith("detector.") for name in slices):
        raise CheckpointError(
            f"The weights in {folder} are named as in Meta's own program, and transformers reads others. Put "
            "model.safetensors of facebook/sam3 in their place."
        )
    if report["missing_keys"]:
        raise damaged(folder, f"{len(report['missing_keys'])} weights are missing")
    return model


def fingerprint(folder: Path) -> str:
    """Tell this checkpoint from others, and from itself once it is replaced, without reading gigabytes.

    Args:
        folder: A checkpoint's folder.

    Returns:
        32 hexadecimal digits of the folder's path, and its files' names, sizes and times of writing.
    """
    folder = folder.resolve()
    stats = [(file.name, file.stat()) for file in sorted(folder.iterdir())]
    files = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    return hashlib.blake2b(repr((str(folder), files)).encode(), digest_size=16).hexdigest()


def _part(whole: Any, kept: Callable[[str], bool]) -> Any:
    """The model's class less some children, whose weights `from_pretrained` then does not ask for."""

    class Part(whole):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            for name in list(self._modules):
                if not kept(name):
                    setattr(self, name, None)

    return Part


def _open(file: Path, dtype: torch.dtype) -> Any:
    with safe_open(file, framework="np") as weights:  # torch would map the whole file to read its header
        stored = {weights.get_slice(name).get_dtype() for name in weights.keys()}  # noqa: SIM118
    # Weights used as they are stored stay mapped: the system reads a page when it is first used and may
    # drop it again. Weights to be converted are read one by one, because mapped pages would stay beside them.
    mapped = stored == {_STORED_AS[dtype]} and sys.platform != "win32"
    return safe_open(file, framework="pt", backend="mmap" if mapped else "pread")
