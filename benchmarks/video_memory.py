"""Memory of a long video: resident after 2,000 frames against after 200, for both trackers.

Run: python -m benchmarks.video_memory [--frames 2000]

The checkpoints are small, of the real architecture and file format, with random weights and low thresholds,
so that the trackers have something to keep; one shot without a cut is the worst case. Each row is a process
of its own. The last row is the same session with nothing let go, as `transformers` has it: it shows that
this benchmark would see growth (issues 169, 495 and 511 of facebookresearch/sam3).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from transformers.utils.logging import set_verbosity_error

from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.segmentation.sam3 import load_sam3
from ive_segmentation.settings import Settings
from ive_segmentation.video import session
from ive_segmentation.video.tracking import make_tracker
from tests.small_sam3 import write_small_sam3, write_small_sam3_video

ROWS = ["SAM 3's own tracker", "detections joined", "SAM 3's own tracker, unpruned"]
GROWTH = 1.05
"""The most that a tracker's memory may grow between a tenth of the frames and all of them."""


def resident() -> float:
    """Megabytes of this process in memory now (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def follow(row: str, frames: int) -> tuple[float, float, int]:
    """Follow a drawn scene that moves.

    Args:
        row: Out of `ROWS`.
        frames: How many.

    Returns:
        Megabytes resident after a tenth of the frames and after all, and the tracks of the last frame.
    """
    if "unpruned" in row:
        session.prune = lambda *_: None
    set_verbosity_error()  # it would say in every frame that there are no more than four tracks
    image = draw_scene(1, people=3, size=(160, 120)).image
    early, tracked = 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        write = write_small_sam3 if row == "detections joined" else write_small_sam3_video
        settings = Settings(
            sam3=str(write(Path(folder) / "sam3")),
            word_cache=Path(folder) / "words",
            precision="float32",
            device="cpu",
            sam3_threshold=0.2,
        )
        tracker = make_tracker(load_sam3(settings), ["person", "microphone"])
        for number in range(1, frames + 1):
            tracked = tracker.follow(np.roll(image, number % 40, axis=1))
            if number == max(frames // 10, 1):
                early = resident()
    return early, resident(), len(tracked)


def main(
    frames: Annotated[int, typer.Option(help="How many frames.")] = 2000,
    row: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    if row is not None:
        print(*follow(row, frames))
        return
    print(f"| tracker | MB after {max(frames // 10, 1)} frames | MB after {frames} | ratio | tracks |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    held = True
    for each in ROWS:
        command = [sys.executable, "-m", "benchmarks.video_memory", "--frames", str(frames), "--row", each]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        early, late, tracks = said.splitlines()[-1].split()
        ratio = float(late) / float(early)
        print(f"| {each} | {float(early):.0f} | {float(late):.0f} | {ratio:.3f} | {tracks} |", flush=True)
        held = held and ("unpruned" in each or ratio <= GROWTH)
    print(f"Neither tracker grows by more than {GROWTH - 1:.0%}: {'yes' if held else 'NO'}")


if __name__ == "__main__":
    typer.run(main)
