"""The price of everything round the model: our loop over a video against the bare model called per frame.

Run: python -m benchmarks.video_speed [--frames 6] [--device cuda] [--small]

Full-size SAM 3 with random weights, because time does not care what they know; as in `possession_latency`
its answers are replaced by those of a drawn scene with six people, after every network has run in full. The
bare way calls the same model on the same decoded frames, for the same words, and does nothing with what it
says. Ours decodes the file twice, tracks, finds and names faces, gives things to owners, keeps run lengths,
draws, and writes the overlay video and a JSON line for every frame. The people there hide nobody: what it
costs to look twice at a frame in which somebody is not as before (`Measured.as_before`) is not in it.
"""

from __future__ import annotations

import platform
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from benchmarks.possession_latency import our_pipeline, seconds, six_people, write_checkpoint
from ive_segmentation.demo.dataset import draw_dataset
from ive_segmentation.identity.bank import build_bank
from ive_segmentation.identity.gallery import load_gallery
from ive_segmentation.language import load_members
from ive_segmentation.result import PERSON
from ive_segmentation.segmentation.sam3 import Question
from ive_segmentation.video.follow import follow
from ive_segmentation.video.reading import probe, read
from tests.video.clips import write_clip

AT_MOST = 1.15
FPS, SIZE = 24, (1280, 852)


def main(
    frames: Annotated[int, typer.Option(help="Frames of the clip.")] = 6,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    small: Annotated[bool, typer.Option(help="The small architecture, in seconds.")] = False,
) -> None:
    """Print both times and their ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_checkpoint(folder / "sam3", small)
        scene = six_people(SIZE)
        # The camera pans two pixels a frame.
        pictures = [np.roll(scene.image, -2 * number, axis=1) for number in range(frames)]
        write_clip(folder / "clip.mp4", pictures, FPS)
        pipeline = our_pipeline(folder / "sam3" / ("" if small else "bf16"), scene, "bfloat16", device)
        faces, sam3 = pipeline.faces, pipeline.sam3
        assert faces is not None
        assert sam3 is not None
        dataset = draw_dataset(folder / "Dataset", pictures=6)
        build_bank(dataset, faces, str(folder / "bank"))
        gallery = load_gallery(str(folder / "bank"))
        pipeline = replace(pipeline, members=load_members(dataset), gallery=gallery)
        concepts = [PERSON, "shirt"]

        def bare() -> None:
            for frame in read(probe(folder / "clip.mp4")):
                sam3._decode(sam3.encode_uncached(frame.image), [Question(concept) for concept in concepts])

        def ours() -> None:
            formats = ["overlay", "json"]
            follow(pipeline, folder / "clip.mp4", "everyone's shirt", folder / "out", formats=formats)

        sam3.find(
            sam3.encode_uncached(scene.image), concepts
        )  # words are read once ever; kernels are chosen here
        times = {"the bare model": seconds(bare), "ours": seconds(ours)}
    where = torch.cuda.get_device_name() if device != "cpu" else platform.processor() or platform.machine()
    print(f"{frames} frames of {SIZE[0]} x {SIZE[1]} on {where}, {torch.get_num_threads()} threads")
    for what, spent in times.items():
        print(f"{what:16} {spent:8.2f} s, {1000 * spent / frames:8.1f} ms a frame")
    ratio = times["ours"] / times["the bare model"]
    print(f"ratio            {ratio:8.3f}   at most {AT_MOST}")


if __name__ == "__main__":
    typer.run(main)
