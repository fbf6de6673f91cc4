"""What works on this machine, what does not, and what to do about it."""

# Packages are imported where they are looked at: one that is broken must not keep the others from being seen.
# ruff: noqa: PLC0415

from __future__ import annotations

import io
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement

from ive_segmentation.dataset import DatasetError, member_folders, photos_of
from ive_segmentation.errors import UserError, typed
from ive_segmentation.settings import ROOT, Settings
from ive_segmentation.setup.install import PYTHONS, is_supported

Status = Literal["ok", "warn", "fail"]

INSTALL = f'Run `"{sys.executable}" -m pip install -r requirements.txt`, then `doctor` again.'
FEW_PHOTOS = 5
"""A member's score is the mean over the best three photos (`Measured.match_photos`): with fewer than five
there is hardly a choice of best ones."""
GPU_MEMORY = 3.0
"""GiB of free GPU memory below which a warning is due: a prompt takes 1.84 in bfloat16 (PLAN.md), and CUDA
itself, the faces and the pictures seen before take the rest. In float32 twice as much, which is a guess."""


class Found(NamedTuple):
    """What was found of one thing: `Check` without its name."""

    status: Status
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        status: "ok"; "warn" where the program runs, but could run better; "fail" where a part cannot run.
        detail: What was found.
        remedy: What to do about it; empty where there is nothing to do.
    """

    name: str
    status: Status
    detail: str
    remedy: str = ""


def check(settings: Settings) -> list[Check]:
    """Look at everything the program needs.

    Without a network it takes no longer than `settings.hub_timeout` and the time to import torch.

    Args:
        settings: The settings of this run.

    Returns:
        One entry per thing, in the order in which they build on each other.
    """
    looks: tuple[tuple[str, Callable[[Settings], Found]], ...] = (
        ("Python", _python),
        ("packages", _packages),
        ("torch", _torch),
        ("GPU", _gpu),
        ("ONNX Runtime", _onnxruntime),
        ("Hugging Face login", _login),
        ("SAM 3 checkpoint", _checkpoint),
        ("face pack", _face_pack),
        ("photos", _photos),
    )
    return [Check(name, *_safely(look, settings)) for name, look in looks]


def _safely(look: Callable[[Settings], Found], settings: Settings) -> Found:
    """A broken package must not keep the doctor from looking at the others."""
    try:
        return look(settings)
    except UserError as error:
        return Found("fail", str(error))
    except Exception as error:
        return Found("fail", f"{type(error).__name__}: {' '.join(str(error).split())}", INSTALL)


def _python(_: Settings) -> Found:
    detail = f"{platform.python_version()} at {sys.executable}"
    if not is_supported(sys.version_info[:3]):
        return Found("fail", detail, f"{PYTHONS} is needed: the packages have no builds for this one.")
    return Found("ok", detail)


def pins(requirements: Path) -> Iterator[Requirement]:
    """Read the packages that a requirements file pins for this machine.

    Args:
        requirements: The file.

    Yields:
        Requirements whose marker holds here, in the order of the file.
    """
    for line in requirements.read_text(encoding="utf-8").splitlines():
        try:
            requirement = Requirement(re.split(r"\s+#|^#", line)[0].strip())
        except InvalidRequirement:
            continue  # an empty line, a comment, or an option of pip
        if requirement.marker is None or requirement.marker.evaluate():
            yield requirement


def _packages(_: Settings) -> Found:
    missing, other, count = [], [], 0
    for requirement in pins(ROOT / "requirements.txt"):
        count += 1
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            missing.append(str(requirement.name))
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            other.append(f"{requirement.name} {version} instead of {str(requirement.specifier).lstrip('=')}")
    if missing:
        return Found("fail", f"missing: {', '.join(missing)}", INSTALL)
    if other:
        return Found("warn", f"not the tested versions: {', '.join(other)}", INSTALL)
    return Found("ok", f"all {count} as requirements.txt pins them")


def _torch(_: Settings) -> Found:
    import torch

    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
    return Found("ok", f"{torch.__version__}, built with {built}")


def _gpu(settings: Settings) -> Found:
    import torch

    if not torch.cuda.is_available():
        if shutil.which("nvidia-smi"):
            return Found(
                "warn",
                "an NVIDIA driver is here, but torch cannot use it; SAM 3 runs on the CPU",
                "Update the driver: torch for CUDA 13 needs 580 or newer.",
            )
        return Found(
            "warn",
            "no NVIDIA GPU; SAM 3 runs on the CPU, at 16 to 40 s a picture",
            "Nothing is broken; it is slow. A GPU with 4 GB or more would do it faster, and without one "
            "IVE_RESOLUTION=672 does it in 0.4 of the time, less closely.",
        )
    return _nvidia(settings)


def _nvidia(settings: Settings) -> Found:
    import torch

    from ive_segmentation.segmentation.devices import SegmentationError, choose_device, computes_bfloat16

    try:
        device = choose_device("cuda" if settings.device == "auto" else settings.device)
    except SegmentationError as error:
        if settings.device != "auto":
            return Found("fail", f"{settings.device} cannot be used", str(error))
        return Found(
            "warn",
            "a GPU is here that cannot be used; SAM 3 runs on the CPU",
            f"Close what else uses it; older than 2018 (Turing), this torch has nothing for it. ({error})",
        )
    if device.type != "cuda":
        return Found("ok", f"{torch.cuda.get_device_name()}, not used: IVE_DEVICE={settings.device}")
    free, total = (size / 2**30 for size in torch.cuda.mem_get_info(device))
    detail = f"{torch.cuda.get_device_name(device)}, {free:.1f} of {total:.1f} GiB free"
    wanted = GPU_MEMORY if computes_bfloat16(device) else 2 * GPU_MEMORY
    if free < wanted:
        return Found(
            "warn",
            detail,
            f"SAM 3 likes {wanted:.0f} GiB. Close what else uses the GPU, or set IVE_DEVICE=cpu.",
        )
    return Found("ok", detail)


def _onnxruntime(_: Settings) -> Found:
    import onnxruntime
    import torch

    gpu = torch.cuda.is_available()
    providers = [
        provider.removesuffix("ExecutionProvider") for provider in onnxruntime.get_available_providers()
    ]
    detail = f"{onnxruntime.__version__}: {', '.join(providers)}"
    try:
        pin = f"onnxruntime-gpu=={metadata.version('onnxruntime-gpu')}"
    except metadata.PackageNotFoundError:
        return Found("warn" if gpu else "ok", detail, typed("pip install onnxruntime-gpu") if gpu else "")
    if "CUDA" not in providers:
        return Found(
            "fail" if gpu else "warn",
            f"{detail}. The package onnxruntime has overwritten files of onnxruntime-gpu: no GPU for faces",
            typed(f"pip install --force-reinstall --no-deps {pin}"),
        )
    if gpu and not _cuda_session_works():
        return Found(
            "warn",
            f"{detail}, but CUDA cannot be loaded; faces run on the CPU",
            f"Its CUDA libraries are missing, or the driver is too old for them. {INSTALL}",
        )
    return Found("ok", detail)


def _cuda_session_works() -> bool:
    """Whether a model really runs on CUDA: the provider is listed even where its libraries are missing."""
    import onnx
    import onnxruntime

    with redirect_stdout(io.StringIO()):  # it prints what it misses, which is no JSON
        onnxruntime.preload_dlls()
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])],
        "probe",
        [value("x", onnx.TensorProto.FLOAT, [1])],
        [value("y", onnx.TensorProto.FLOAT, [1])],
    )
    # The versions are old ones on purpose: every ONNX Runtime reads them.
    model = onnx.helper.make_model(graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 17)])
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=providers)
    return "CUDAExecutionProvider" in session.get_providers()


def _login(settings: Settings) -> Found:
    import huggingface_hub

    from ive_segmentation.segmentation.checkpoints import LOGIN, OPEN, CheckpointError, is_here

    with suppress(CheckpointError):  # the next check says what is wrong
        if is_here(settings.sam3):
            return Found("ok", "not needed: the checkpoint is on this machine")
    if settings.sam3 == OPEN:
        return Found("ok", f"not needed: {OPEN} is open to everybody")
    if huggingface_hub.get_token():
        return Found("ok", "a token is here")
    return Found(
        "warn",
        "no token on this machine",
        f"To fetch {settings.sam3}: `{typed(LOGIN)}`. For {OPEN} there is no need.",
    )


def _checkpoint(settings: Settings) -> Found:
    from ive_segmentation.demo.stand_in import wants_demo
    from ive_segmentation.segmentation.checkpoints import CheckpointError, availability

    if refused := _unfit(settings.sam3, settings):
        return refused
    try:
        return Found("ok", f"{settings.sam3}: {availability(settings.sam3, settings.hub_timeout)}")
    except CheckpointError as error:
        cannot = f"{settings.sam3} cannot be used"
        return Found("warn" if wants_demo(settings) else "fail", cannot, str(error))


def _unfit(model: str, settings: Settings) -> Found | None:
    """What is wrong with a built-in model beside real photos."""
    from ive_segmentation.demo import is_built_in
    from ive_segmentation.demo.drawn import NotDrawnError, refuse_photos_in

    if not is_built_in(model):
        return None
    try:
        refuse_photos_in(
            settings.dataset, max_bytes=settings.max_upload_bytes, max_pixels=settings.max_pixels
        )
    except NotDrawnError as error:
        return Found("fail", f"{model} cannot be used", str(error))
    except DatasetError:  # a later check says what is wrong
        pass
    return None


def _face_pack(settings: Settings) -> Found:
    from ive_segmentation.identity.faces import load_faces
    from ive_segmentation.identity.packs import KNOWN_PACKS, FaceError, find_pack

    if refused := _unfit(settings.faces, settings):
        return refused
    try:
        folder = find_pack(settings.faces, allow_download=False)
    except FaceError as error:
        if settings.faces in KNOWN_PACKS:
            return Found(
                "warn",
                f"{settings.faces} is not on this machine yet",
                "It is fetched at the first start with photos (buffalo_l: about 280 MB).",
            )
        return Found("fail", f"{settings.faces} cannot be used", str(error))
    try:
        load_faces(settings.faces, device=settings.device, allow_download=False)
    except FaceError as error:
        return Found("fail", f"{settings.faces} cannot be used", str(error))
    models = sorted(file.name for file in folder.glob("*.onnx"))
    return Found("ok", f"{settings.faces}: {', '.join(models)}")


PICTURES = {
    ".jpg", ".jpeg", ".jfif", ".png", ".webp", ".heic", ".heif", ".avif", ".gif", ".bmp", ".tif", ".tiff",
}  # fmt: skip
"""How names of pictures end; what lies in a member's folder is opened whatever it is called."""


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES and path.is_file()


def _photos(settings: Settings) -> Found:
    from ive_segmentation.demo.stand_in import wants_demo

    if not settings.dataset.is_dir():
        return Found(
            "fail",
            f"there is no folder {settings.dataset}",
            "Make it, with one folder of photos per member.",
        )
    counts = {folder.name: len(photos_of(folder)) for folder in member_folders(settings.dataset)}
    detail = ", ".join(f"{member} {count}" for member, count in counts.items())
    if not any(counts.values()):
        stands_in = "the drawn demo stands in" if wants_demo(settings) else "nobody can be named"
        return Found(
            "warn",
            f"{settings.dataset} holds no photos; {stands_in}",
            "Put photos of each member into a folder of her own; Dataset/README.md says how.",
        )
    loose = [path.name for path in sorted(settings.dataset.iterdir()) if _is_picture(path)]
    if loose:
        return Found(
            "warn",
            f"{detail}; not read, because beside the members' folders: {len(loose)}",
            f"Move them into the folder of whom they show: {', '.join(loose[:3])}{' …' * (len(loose) > 3)}",
        )
    few = [member for member, count in counts.items() if count < FEW_PHOTOS]
    if few:
        return Found("warn", detail, f"Add photos: {', '.join(few)} (fifteen or more each is good).")
    return Found("ok", detail)
