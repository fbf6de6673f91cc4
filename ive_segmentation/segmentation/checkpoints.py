"""Which SAM 3 weights, and from where: a Hugging Face repository or a local folder, checked first."""

from __future__ import annotations

import json
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.utils._validators import validate_repo_id

from ive_segmentation.errors import UserError
from ive_segmentation.patience import within

MODEL_CLASSES = {
    "sam3": "Sam3Model",
    "sam3_video": "Sam3Model",  # facebook/sam3 holds detector and tracker; the detector is read here
    "sam3_lite_text": "Sam3LiteTextModel",
}
"""The `model_type` of a checkpoint's config.json, and the class of `transformers` that finds with it."""

FILES = ["*.json", "*.txt", "*.safetensors"]
"""All that is ever fetched from a repository: nothing that could hold code or a pickle."""

WAYS_OUT = (
    "point IVE_SAM3 (or SAM3_CHECKPOINT) at a folder with a copy you are entitled to, "
    "or go on without masks: names, boxes and similarities work, and the built-in demo (with Dataset/ empty) "
    "shows the rest"
)


class CheckpointError(UserError):
    """The SAM 3 weights cannot be used: gated, absent, offline, corrupt or of another architecture."""


def locate(checkpoint: str, timeout: float) -> Path:
    """Find the checkpoint's folder on this machine, fetching it from its repository if it is not here yet.

    Args:
        checkpoint: A local folder, or the name of a Hugging Face repository ("facebook/sam3").
        timeout: Seconds the question to the hub may take; the download that may follow has no limit.

    Returns:
        A folder with config.json and safetensors, of an architecture in `MODEL_CLASSES`.

    Raises:
        CheckpointError: With what happened and what to do about it.
    """
    folder = Path(checkpoint).expanduser()
    if not folder.is_dir():
        _check_name(checkpoint)
        folder = _cached(checkpoint) or _fetch(checkpoint, timeout)
    model_class(folder)
    if not list(folder.glob("*.safetensors")):
        raise CheckpointError(
            f"{folder} holds no .safetensors weights, and no other format is read. "
            "Save the model with save_pretrained, or copy the whole checkpoint."
        )
    return folder


def availability(checkpoint: str, timeout: float) -> str:
    """Say where the checkpoint would come from, without fetching anything.

    Args:
        checkpoint: A local folder, or the name of a Hugging Face repository.
        timeout: Seconds the question to the hub may take.

    Returns:
        "on this machine", or that it can be fetched.

    Raises:
        CheckpointError: If `locate` could not find it; with what happened and what to do about it.
    """
    if not Path(checkpoint).expanduser().is_dir():
        _check_name(checkpoint)
        if _cached(checkpoint) is None:
            _fetch(checkpoint, timeout, download=False)
            return "not on this machine yet; it can be fetched and will be at the first start"
    locate(checkpoint, timeout)
    return "on this machine"


def model_class(folder: Path) -> str:
    """Name the `transformers` class that loads this checkpoint.

    Args:
        folder: A checkpoint's folder.

    Returns:
        A class name out of `MODEL_CLASSES`.

    Raises:
        CheckpointError: If config.json is missing, unreadable or describes something else.
    """
    path = folder / "config.json"
    try:
        kind = json.loads(path.read_text(encoding="utf-8"))["model_type"]
    except FileNotFoundError:
        raise CheckpointError(
            f"{folder} is no SAM 3 checkpoint: it has no config.json. "
            "Give the folder that save_pretrained wrote."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}). Copy the checkpoint again.") from error
    if kind not in MODEL_CLASSES:
        raise CheckpointError(
            f"{folder} holds a {kind!r} model, not SAM 3. Use one of: {', '.join(MODEL_CLASSES)}."
        )
    return MODEL_CLASSES[kind]


def _check_name(checkpoint: str) -> None:
    try:
        validate_repo_id(checkpoint)
        is_path = checkpoint.startswith(("/", "~", ".")) or "\\" in checkpoint
    except HFValidationError:
        is_path = True
    if is_path:
        raise CheckpointError(
            f"{checkpoint!r} is neither a folder on this machine nor the name of a Hugging Face repository. "
            "Correct the path in IVE_SAM3 (or SAM3_CHECKPOINT)."
        )


def _cached(repository: str) -> Path | None:
    """Return the repository's folder in Hugging Face's own cache, if it was fetched before."""
    try:
        folder = Path(snapshot_download(repository, allow_patterns=FILES, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    return folder if (folder / "config.json").exists() and list(folder.glob("*.safetensors")) else None


def _fetch(repository: str, timeout: float, download: bool = True) -> Path:
    """Ask the hub whether the repository may be had, then fetch it with Hugging Face's progress bars."""
    try:
        # Listing a gated repository is open to all; only the access check tells whether its files may be had.
        within(timeout, lambda: HfApi().auth_check(repository))
        return Path(snapshot_download(repository, allow_patterns=FILES)) if download else Path()
    except GatedRepoError:
        raise CheckpointError(
            f"{repository} is gated, and this machine has no access to it. Request access at "
            f"https://huggingface.co/{repository} and run `hf auth login`; or {WAYS_OUT}."
        ) from None
    except RepositoryNotFoundError:
        raise CheckpointError(
            f"Hugging Face has no repository {repository} that you may see. Check its spelling, "
            f"run `hf auth login` if it is private; or {WAYS_OUT}."
        ) from None
    except Exception as error:  # the hub's client raises many kinds for one thing: no answer
        raise CheckpointError(
            f"{repository} is not on this machine, and Hugging Face cannot be reached "
            f"({type(error).__name__}). Connect once to fetch it; or {WAYS_OUT}."
        ) from error
