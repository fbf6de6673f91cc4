"""Where SAM 3 runs, and in which precision."""

from __future__ import annotations

import torch

from ive_segmentation.errors import UserError


class SegmentationError(UserError):
    """SAM 3 cannot answer: no such device, out of memory, or a concept it cannot take."""


def choose_device(wanted: str) -> torch.device:
    """Choose where SAM 3 runs.

    Args:
        wanted: "auto", or a device torch knows ("cuda", "cuda:1", "mps", "cpu").

    Returns:
        The wanted device; for "auto" CUDA where it is there, else the CPU.

    Raises:
        SegmentationError: If the wanted device is not there.
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device).sum().item()  # "meta" is a device that holds nothing
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise SegmentationError(
            f"There is no device {wanted!r} on this machine. Set IVE_DEVICE to auto, cuda or cpu."
        ) from error
    return device


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """Choose the dtype SAM 3 computes in.

    Args:
        wanted: "auto", "float32" or "bfloat16".
        device: Where it will run.

    Returns:
        For "auto" bfloat16 on CUDA and on CPUs that compute it natively (16 s against 38 s a picture on
        two cores with AVX512-BF16), else float32.

    Raises:
        SegmentationError: If the wanted name is none of the three.
    """
    precisions = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if wanted == "auto":
        return torch.bfloat16 if computes_bfloat16(device) else torch.float32
    if wanted not in precisions:
        raise SegmentationError(f"IVE_PRECISION={wanted!r} is unknown. Set it to auto, float32 or bfloat16.")
    return precisions[wanted]


def computes_bfloat16(device: torch.device) -> bool:
    """Say whether a device computes in bfloat16 natively; elsewhere it is imitated, and slower than float32.

    Args:
        device: Which.

    Returns:
        True on CUDA, and on CPUs with AVX512-BF16 or AMX.
    """
    # torch publishes no such question; where a version lacks these two, float32 is always right.
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    native = any(getattr(torch.cpu, check, lambda: False)() for check in checks)
    return device.type == "cuda" or (device.type == "cpu" and native)


def out_of_memory(device: torch.device) -> SegmentationError:
    """Say that a picture does not fit into a device's memory.

    Args:
        device: Where SAM 3 runs.

    Returns:
        The error to raise.
    """
    return SegmentationError(
        f"The memory of {device} is not enough for this picture. Close other programs that use it, "
        "or set IVE_DEVICE=cpu."
    )
