"""Where SAM 3 runs, and in which precision."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ive_segmentation.errors import UserError

logger = logging.getLogger(__name__)

NATIVE_BFLOAT16 = 8
"""First generation of NVIDIA's GPUs ("compute capability") with bfloat16: Ampere."""
NO_MEMORY = (
    "allocate memory", "out of memory", "not enough memory", "ALLOC_FAILED", "error 1455", "<1455>",
)  # fmt: skip
"""What torch, its libraries and safetensors say (on Windows ERROR_COMMITMENT_LIMIT is 1455)."""


class SegmentationError(UserError):
    """SAM 3 cannot answer: no such device, out of memory, or a concept it cannot take."""


class TooLittleMemoryError(SegmentationError):
    """Something does not fit into a device's memory."""


def choose_device(wanted: str) -> torch.device:
    """Choose where SAM 3 runs.

    Args:
        wanted: "auto", or a device torch knows ("cuda", "cuda:1", "mps", "cpu").

    Returns:
        The wanted device; for "auto" CUDA where it is there and computes, else the CPU.

    Raises:
        SegmentationError: If the wanted device is not there.
    """
    if wanted == "auto":
        if not torch.cuda.is_available():
            return torch.device("cpu")
        try:
            return _computing("cuda")
        except RuntimeError as error:  # a card older than what this torch was built for, or one that is full
            reason = (str(error).splitlines() or [""])[0]
            logger.warning("The GPU cannot be used (%s), so SAM 3 runs on the CPU", reason)
            return torch.device("cpu")
    try:
        return _computing(wanted)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = (str(error).splitlines() or [""])[0][:120]
        raise SegmentationError(
            f"The device {wanted!r} cannot be used on this machine ({reason}). "
            "Set IVE_DEVICE to auto, cuda or cpu."
        ) from error


def _computing(name: str) -> torch.device:
    """The device of a name; raises where it does not compute: "meta" is one that holds nothing."""
    device = torch.device(name)
    torch.empty(1, device=device).sum().item()
    return device


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """Choose the dtype SAM 3 computes in.

    Args:
        wanted: "auto", "float32" or "bfloat16".
        device: Where it will run.

    Returns:
        For "auto" bfloat16 on GPUs and CPUs that compute it natively (16 s against 38 s a picture on
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
        True on CUDA from NVIDIA's Ampere on, and on CPUs with AVX512-BF16 or AMX.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= NATIVE_BFLOAT16
    # torch publishes no such question; where a version lacks these two, float32 is always right.
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    native = any(getattr(torch.cpu, check, lambda: False)() for check in checks)
    return device.type == "cpu" and native


def lacks_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory ran out; torch has a type of its own for it on CUDA alone.

    Args:
        error: Any.

    Returns:
        True also for what the system says while a file is mapped.
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, OSError | RuntimeError) and any(words in str(error) for words in NO_MEMORY)


@contextmanager
def memory_errors(device: torch.device, what: str = "this picture") -> Iterator[None]:
    """Turn what libraries say when memory runs out into one line.

    Args:
        device: Where SAM 3 runs.
        what: What does not fit.

    Raises:
        TooLittleMemoryError: If the block runs out of memory.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not lacks_memory(error):
            raise
        memory, way_out = f"The memory of {device}", "close other programs that use it, or set IVE_DEVICE=cpu"
        if device.type == "cpu":
            memory, way_out = "This machine's memory", "close other programs"
        raise TooLittleMemoryError(f"{memory} is not enough for {what}: {way_out}.") from error
