"""Where a face model pack lies: a folder of ONNX files, InsightFace's own store, or its release page."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path
from socket import create_connection
from urllib.parse import urlsplit

import requests
from insightface.utils import storage
from tqdm import tqdm

from ive_segmentation.errors import UserError
from ive_segmentation.patience import within
from ive_segmentation.settings import Settings, expanded

STORE = Path("~/.insightface/models")
"""InsightFace's own store, so that a pack another program has fetched is found here too."""
KNOWN_PACKS = ("buffalo_l", "buffalo_m", "buffalo_s", "buffalo_sc", "antelopev2")
CHUNK = 2**20
PATIENCE = 60.0
"""Seconds without a byte after which a download that had begun is given up."""


class FaceError(UserError):
    """The face models cannot be had, or are not what they should be."""


def find_pack(pack: str, *, allow_download: bool = True, timeout: float = Settings.hub_timeout) -> Path:
    """Find the folder that holds a pack's ONNX files, fetching the pack where it is nowhere yet.

    InsightFace would fetch it too, but without a time limit, and a broken download would leave a folder that
    looks complete; so the file comes from InsightFace's address to InsightFace's store by other means.

    Args:
        pack: A folder, or a name that InsightFace knows (`buffalo_l`).
        allow_download: Whether the pack may be fetched.
        timeout: Seconds to wait for the server.

    Returns:
        The folder.

    Raises:
        FaceError: If there is no such folder or name, or the pack cannot be fetched.
    """
    folder = expanded(pack)
    if folder.is_dir():
        if found := _models_folder(folder):
            return found
        raise FaceError(f"The face pack {pack} holds no ONNX files. Point IVE_FACES at a folder with them.")
    if pack not in KNOWN_PACKS:
        raise FaceError(
            f"There is no face pack {pack!r}. Give a folder with ONNX files, or one of "
            f"{', '.join(KNOWN_PACKS)}."
        )
    stored = STORE.expanduser() / pack
    if found := _models_folder(stored):
        return found
    if not allow_download:
        raise FaceError(
            f"The face pack {pack} is not on this machine. Allow its download, or point IVE_FACES "
            "at a folder with ONNX files."
        )
    _fetch(pack, stored, timeout)
    if found := _models_folder(stored):
        return found
    raise FaceError(f"The face pack {pack} came without ONNX files. Fetch it again, or give another pack.")


def _models_folder(folder: Path) -> Path | None:
    # Some of InsightFace's archives (antelopev2) hold a folder of the pack's own name.
    for candidate in (folder, *(folder / name for name in (folder.name, *KNOWN_PACKS))):
        if any(candidate.glob("*.onnx")):
            return candidate
    return None


def _fetch(pack: str, target: Path, timeout: float) -> None:
    url = storage.model_zoo_download_url(f"{pack}.zip")
    failure = (
        f"The face pack {pack} is not on this machine and cannot be fetched from {urlsplit(url).hostname} "
        "({}). {}, or point IVE_FACES at a folder with ONNX files."
    )
    if not _answers(url, timeout):
        raise FaceError(failure.format("no connection", "Connect to the internet and start again"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{pack}-") as scratch:
            archive = Path(scratch) / "pack.zip"
            _download(url, archive, timeout)
            with zipfile.ZipFile(archive) as files:
                files.extractall(Path(scratch) / pack)
            if _models_folder(target):  # another start was quicker
                return
            if target.exists():  # what a download by other means left half-way
                shutil.rmtree(target)
            (Path(scratch) / pack).rename(target)
    except (requests.RequestException, zipfile.BadZipFile, OSError) as error:
        answer = getattr(error, "response", None)
        if answer is not None:
            is_gone = answer.status_code == requests.codes.not_found
            reason = "it is not there" if is_gone else f"error {answer.status_code}"
            remedy = "Set IVE_FACES to another pack" if is_gone else "Start again later"
        elif isinstance(error, requests.RequestException | zipfile.BadZipFile):
            reason, remedy = f"it broke off, {type(error).__name__}", "Start again"
        else:
            reason = error.strerror or type(error).__name__
            remedy = f"Make room in {target.parent}, which must be a folder you may write to"
        raise FaceError(failure.format(reason, remedy)) from error


def _answers(url: str, timeout: float) -> bool:
    if requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url)):
        return True  # it is the proxy's to find the server
    address = urlsplit(url)
    place = (address.hostname or "", address.port or (443 if address.scheme == "https" else 80))
    try:
        # Looking a name up has no time limit of its own.
        within(timeout, lambda: create_connection(place, timeout=timeout).close())
    except OSError:
        return False
    return True


def _download(url: str, path: Path, timeout: float) -> None:
    with requests.get(url, stream=True, timeout=(timeout, PATIENCE)) as answer, path.open("wb") as file:
        answer.raise_for_status()
        size = int(answer.headers.get("content-length", 0)) or None
        with tqdm(total=size, unit="B", unit_scale=True, desc=f"Fetching {url.rsplit('/', 1)[-1]}") as bar:
            for chunk in answer.iter_content(CHUNK):
                bar.update(file.write(chunk))
