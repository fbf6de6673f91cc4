"""Which SAM 3 weights, and from where: a Hugging Face repository or a local folder, checked first."""

from __future__ import annotations

import errno
import fnmatch
import json
from pathlib import Path

from huggingface_hub import HfApi, get_token, snapshot_download
from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.utils._validators import validate_repo_id
from safetensors import SafetensorError, safe_open
from tqdm.auto import tqdm

from ive_segmentation.errors import UserError, typed
from ive_segmentation.patience import within
from ive_segmentation.segmentation.devices import lacks_memory
from ive_segmentation.settings import expanded

MODEL_CLASSES = {
    "sam3": "Sam3Model",
    "sam3_video": "Sam3Model",  # facebook/sam3 holds detector and tracker; the detector is read here
    "sam3_lite_text": "Sam3LiteTextModel",
}
"""The `model_type` of a checkpoint's config.json, and the class of `transformers` that finds with it."""

FILES = ["*.json", "*.txt", "*.safetensors"]
"""All that is ever fetched from a repository: nothing that could hold code or a pickle."""

PARTS = ["config.json", "*.safetensors", "*processor_config.json", "tokenizer*.json"]
"""What a checkpoint is made of: each of these is there, in whatever file of such a name."""

LOGIN, LOGOUT = "hf auth login", "hf auth logout"

OPEN = "vil-uob/sam3-litetext-l"
"""SAM 3 with a smaller text encoder (arXiv:2602.12173): its authors hand it out to everybody."""

_NOT_WRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}

WAYS_OUT = (
    "point IVE_SAM3 (or SAM3_CHECKPOINT) at a folder with a copy you are entitled to, "
    "or go on without masks: names, boxes and similarities work, and the built-in demo shows the rest (with "
    "Dataset/ empty, and none of IVE_SAM3, IVE_FACES and IVE_BANK set)"
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
    folder = expanded(checkpoint)
    if not folder.is_dir():
        _check_name(checkpoint)
        folder = _cached(checkpoint) or _fetch(checkpoint, timeout)
    model_class(folder)
    missing = [part for part in PARTS if not list(folder.glob(part))]
    if missing:
        raise CheckpointError(
            f"{folder} is no whole SAM 3 checkpoint: it has no {' and no '.join(missing)}. "
            "Copy all files that lie beside config.json, or save model and processor with save_pretrained."
        )
    _check_weights(folder)
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
    if not is_here(checkpoint):
        _fetch(checkpoint, timeout, download=False)
        return "not on this machine yet; it can be fetched and will be at the first start"
    locate(checkpoint, timeout)
    return "on this machine"


def is_here(checkpoint: str) -> bool:
    """Tell whether nothing has to be fetched.

    Args:
        checkpoint: A local folder, or the name of a Hugging Face repository.

    Returns:
        True for a folder, whatever is in it, and for a repository that was fetched before.

    Raises:
        CheckpointError: If it is neither.
    """
    if expanded(checkpoint).is_dir():
        return True
    _check_name(checkpoint)
    return _cached(checkpoint) is not None


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
            f"{folder} is no SAM 3 checkpoint: it has no config.json. {_instead_of(folder)}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}). Copy the checkpoint again.") from error
    if kind not in MODEL_CLASSES:
        raise CheckpointError(
            f"{folder} holds a {kind!r} model, not SAM 3. Use one of: {', '.join(MODEL_CLASSES)}."
        )
    return MODEL_CLASSES[kind]


def damaged(folder: Path, reason: object) -> CheckpointError:
    """Say that a checkpoint cannot be read, or that there is no memory to read it into.

    Args:
        folder: Where it is.
        reason: What was raised, or words.

    Returns:
        The error to raise, in one line.
    """
    if isinstance(reason, Exception):
        if lacks_memory(reason):
            return CheckpointError(
                f"This machine's memory is not enough to read the SAM 3 checkpoint in {folder}. "
                "Close other programs and start again."
            )
        reason = f"{type(reason).__name__}: {(str(reason).splitlines() or [''])[0][:120]}"
    # A snapshot in the hub's cache is links: deleted alone, it would be linked to the same files again.
    is_fetched = folder.parent.name == "snapshots"
    remedy = f"Delete the folder {folder.parents[1]} and start again." if is_fetched else "Copy it again."
    return CheckpointError(f"The SAM 3 checkpoint in {folder} is damaged or incomplete ({reason}). {remedy}")


def _instead_of(folder: Path) -> str:
    """Say which folder is meant by one without a config.json."""
    if (folder / "snapshots").is_dir():
        return "Give the folder within its snapshots."
    if list(folder.glob("*.pt")):
        return (
            "A .pt file is Meta's own format and is not read. facebook/sam3 has model.safetensors, "
            "config.json and the processor's files: copy these."
        )
    return "Give the folder that save_pretrained wrote."


def weight_files(folder: Path) -> list[Path]:
    """List the files that hold a checkpoint's weights.

    Args:
        folder: A checkpoint's folder.

    Returns:
        The one file, or all parts.

    Raises:
        CheckpointError: If one of the parts is not there, or their index cannot be read.
    """
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.exists() or not index.exists():
        return [single] if single.exists() else sorted(folder.glob("[!.]*.safetensors"))
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        parts = [folder / name for name in names]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(folder, error) from error
    if missing := [part.name for part in parts if not part.exists()]:
        raise damaged(folder, f"{', '.join(missing)} is missing")
    return parts


def _check_weights(folder: Path) -> None:
    """Refuse weights that are cut off, or are none at all."""
    try:
        for file in weight_files(folder):
            with safe_open(file, framework="np"):  # reads the header, and that the rest is as long as it says
                pass
    except (OSError, MemoryError, SafetensorError) as error:
        raise damaged(folder, error) from error


def _check_name(checkpoint: str) -> None:
    if expanded(checkpoint).is_file():
        raise CheckpointError(f"{checkpoint} is a file. Give the folder that holds it.")
    try:
        validate_repo_id(checkpoint)
        is_path = checkpoint.startswith(("/", "~", ".")) or "\\" in checkpoint
    except HFValidationError:
        is_path = True
    if is_path:
        raise CheckpointError(
            f"{checkpoint!r} is neither a folder on this machine nor the name of a Hugging Face repository. "
            "Correct the path in IVE_SAM3 (or SAM3_CHECKPOINT), or behind --sam3."
        )


def _cached(repository: str) -> Path | None:
    """Return the repository's folder in Hugging Face's own cache, if all that is read was fetched before."""
    try:
        folder = Path(snapshot_download(repository, allow_patterns=FILES, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    # Another program may have fetched the weights alone, or not all of them.
    try:
        return folder if all(list(folder.glob(part)) for part in PARTS) and weight_files(folder) else None
    except CheckpointError:
        return None


def _fetch(repository: str, timeout: float, download: bool = True) -> Path:
    """Ask the hub whether the repository may be had, then fetch it with progress bars."""
    begun = False
    try:
        within(timeout, lambda: _check_repository(repository))
        begun = download
        # The hub's own bars are silent where there is no terminal, as in a notebook: 3.4 GB would look hung.
        return Path(snapshot_download(repository, allow_patterns=FILES, tqdm_class=tqdm)) if begun else Path()
    except CheckpointError:
        raise
    except Exception as error:  # the hub's client raises many kinds, and the layers below it theirs
        raise CheckpointError(f"{_why_not(repository, error, begun)}; or {WAYS_OUT}.") from error


def _check_repository(repository: str) -> None:
    """Raise unless it holds a checkpoint that this machine may fetch; whatever the hub's client raises."""
    files = [file.rfilename for file in HfApi().model_info(repository).siblings or ()]
    if missing := [part for part in PARTS if not fnmatch.filter(files, part)]:
        raise CheckpointError(
            f"{repository} holds no SAM 3 as transformers reads it: it has no {' and no '.join(missing)}. "
            f"Set IVE_SAM3 to facebook/sam3 or {OPEN}."
        )
    # Listing a gated repository is open to all; only this tells whether its files may be had.
    HfApi().auth_check(repository)


def _why_not(repository: str, error: Exception, begun: bool) -> str:
    """Say what kept a repository from being fetched, and what to do about it; `begun` once it had begun."""
    said = " ".join((getattr(error, "server_message", None) or "").split()).rstrip(".")
    said = f" ({said[:200]})" if said else ""
    kind = type(error).__name__
    login = typed(LOGIN)
    # With a token that has expired not even an open repository is given out (huggingface_hub issue 2847).
    stale = f", or `{typed(LOGOUT)}` and unset HF_TOKEN if the token is an old one" if get_token() else ""
    match error:
        case GatedRepoError():
            why = f"is gated, and this machine has no access to it{said}"
            do = (
                f"Ask for it at https://huggingface.co/{repository} and, once it is granted, run `{login}`; "
                f"or set IVE_SAM3 to {OPEN}, SAM 3 with a smaller text encoder, for which nobody has to ask"
            )
        case RepositoryNotFoundError():
            why = f"is no repository of Hugging Face that you may see{said}"
            do = f"Check its spelling, run `{login}` if it is private{stale}"
        case HfHubHTTPError(response=response) if response.status_code in {401, 403}:
            why = f"is refused by Hugging Face to the token of this machine{said}"
            do = f"Make a new token that may read gated repositories, and run `{login}`{stale}"
        case HfHubHTTPError(response=response):
            why = f"cannot be fetched: Hugging Face answers with error {response.status_code}{said}"
            do = "Try again later"
        case OfflineModeIsEnabled():
            why = "is not on this machine, and HF_HUB_OFFLINE keeps it from being fetched"
            do = "Unset it once"
        case OSError(errno=number, strerror=reason) if number in _NOT_WRITTEN:
            why = f"cannot be written to {HF_HUB_CACHE} ({reason})"
            do = "Make room there, or set HF_HOME to another folder"
        case _ if begun:
            why = f"did not come whole: the download broke off ({kind})"
            do = "Start again, and it goes on from there"
        case _:
            why = f"is not on this machine, and Hugging Face cannot be reached ({kind})"
            do = "Connect once to fetch it"
    return f"{repository} {why}. {do}"
