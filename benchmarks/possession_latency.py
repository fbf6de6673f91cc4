"""The price of one look: our pipeline against running SAM 3 whole for the person, and again for the thing.

Run: python -m benchmarks.possession_latency [--small] [--device cuda] [--pairs 3] [--only times]

The architecture is the real one with random weights, because time does not care what they know. Random
weights find nothing or everything, though, so both ways run every network in full and then take the masks of
a drawn scene for its answer: six persons, six shirts, twelve shoes. Both ways are timed by turns in one run,
and medians are compared, so that a busy machine slows both. Memory is measured in processes of its own.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import cache
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import torch
import typer
from PIL import Image
from torch import Tensor
from torch.nn import functional
from transformers import Sam3Config, Sam3ImageProcessor, Sam3Model, Sam3Processor
from transformers.utils.logging import disable_progress_bar

from benchmarks.demo_quality import best_overlaps
from ive_segmentation import images
from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.demo.training import small_sam3
from ive_segmentation.demo.truth import Scene, box_of
from ive_segmentation.identity.faces import load_faces
from ive_segmentation.output.overlay import overlay
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.segmentation.instances import Answer, Instance, instances
from ive_segmentation.segmentation.sam3 import Features, Question, Sam3, load_sam3
from ive_segmentation.segmentation.weights import load_part
from ive_segmentation.settings import Settings

PRECISIONS = {"bf16": "bfloat16", "fp32": "float32"}
WORDS = ("person", "shirt", "pants", "shoe")
COLD, NEXT, SHOES = "everyone's shirt", "everyone's pants", "everyone's shoes"


class Part(StrEnum):
    """What can be measured alone."""

    memory = "memory"
    rest = "rest"
    times = "times"
    resolution = "resolution"


def write_checkpoint(folder: Path, small: bool) -> None:
    torch.manual_seed(0)
    model = Sam3Model(small_sam3.config() if small else Sam3Config())
    model.save_pretrained(folder)
    # Words of another vocabulary are as good to time, and have the same 32 tokens.
    eyes = small_sam3.processor() if small else Sam3Processor(Sam3ImageProcessor(), small_sam3.tokenizer())
    eyes.save_pretrained(folder)
    torch.manual_seed(0)
    (folder / "bf16").mkdir()
    model.bfloat16().save_pretrained(folder / "bf16")
    eyes.save_pretrained(folder / "bf16")


def six_people(size: tuple[int, int]) -> Scene:
    """The first drawn scene of this size (width, height) that shows six people, six shirts, twelve shoes."""
    for seed in range(1000):
        scene = draw_scene(seed, people=6, size=size, shot="wide")
        if [len(scene.instances(concept)) for concept in ("person", "shirt", "shoe")] == [6, 6, 12]:
            return scene
    raise SystemExit("No drawn scene shows six people in six shirts and twelve shoes any more.")


def truth(scene: Scene, concept: str, cells: int) -> Answer:
    """What a model that knows the drawn world would answer, at its own size."""
    masks = scene.instances(concept)
    if not masks:
        return Answer(torch.zeros(0), torch.zeros(0, 4), torch.zeros(0, cells, cells))
    height, width = masks[0].shape
    small = functional.interpolate(
        torch.tensor(np.stack(masks))[:, None].float(), (cells, cells), mode="area"
    )
    boxes = torch.tensor(np.stack([box_of(mask) for mask in masks])) / torch.tensor([width, height] * 2)
    return Answer(torch.full((len(masks),), 0.9), boxes.float(), (small[:, 0] - 0.5) * 16)


def truths(scene: Scene, device: torch.device) -> Callable[[str, int], Answer]:
    """`truth` of a scene, on a device; each made once, because no user would wait for it."""

    @cache
    def known(concept: str, cells: int) -> Answer:
        answer = truth(scene, concept, cells)
        return answer._replace(logits=answer.logits.to(device))

    return known


class Plain:
    """Every prompt is the whole model in fp32 on the pixels, with the library's own post-processing."""

    def __init__(self, folder: Path, scene: Scene, device: str) -> None:
        self.processor = Sam3Processor.from_pretrained(folder)
        self.model = Sam3Model.from_pretrained(folder).to(device)  # type: ignore[arg-type]
        self.known = truths(scene, self.model.device)

    @torch.inference_mode()
    def find(self, image: np.ndarray, concept: str) -> Any:
        """Everything the concept names in the picture (H, W, 3)."""
        inputs = self.processor(images=image, text=concept, return_tensors="pt").to(self.model.device)
        out = self.model(**inputs)
        true = self.known(concept, out.pred_masks.shape[-1])
        count = len(true.scores)
        out.pred_logits.fill_(-10)[:, :count] = 10
        out.presence_logits.fill_(10)
        out.pred_masks[0, :count] = true.logits.to(out.pred_masks)
        out.pred_boxes[0, :count] = true.boxes.to(out.pred_boxes)
        cut: Any = self.processor.post_process_instance_segmentation
        return cut(out, threshold=0.5, target_sizes=[image.shape[:2]])[0]


def our_pipeline(
    folder: Path, scene: Scene | None, precision: str, device: str, resolution: int = 0
) -> Pipeline:
    settings = Settings(
        sam3=str(folder),
        precision=precision,
        device=device,
        resolution=resolution,
        word_cache=folder / "words",
    )
    sam3 = load_sam3(settings)
    decode = sam3._decode
    known = truths(scene, sam3.device) if scene else None

    def knowing(features: Features, questions: Sequence[Question]) -> list[Answer]:
        answers = decode(features, questions)
        if known is None:
            return answers
        cells = 4 * sam3.resolution // 14
        return [known(question.concept, cells) for question in questions]

    sam3._decode = knowing  # type: ignore[method-assign]
    faces = load_faces(str(CHECKPOINTS / "faces"), allow_download=False)
    return Pipeline(settings=settings, members=(), faces=faces, sam3=sam3)


def find(sam3: Sam3, image: np.ndarray, *concepts: str) -> list[Instance]:
    features = sam3.encode(image)
    answers = sam3.find(features, concepts)
    return [instance for answer in answers for instance in instances(answer, features.size)]


def seconds(work: Callable[..., object], *given: object) -> float:
    begin = time.perf_counter()
    work(*given)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def marked(image: np.ndarray, number: int) -> np.ndarray:
    """The picture with one pixel changed: never seen before."""
    image = image.copy()
    image[0, 0] = number
    return image


def compare_times(
    folder: Path, scene: Scene, device: str, pairs: int, resolutions: Sequence[int]
) -> dict[str, list[float]]:
    """Time both ways by turns; seconds by name, one for each round."""
    plain = Plain(folder, scene, device)

    def both(image: np.ndarray, _text: str) -> None:
        plain.find(image, "person")
        plain.find(image, "shirt")

    ours: Any = {
        name: our_pipeline(folder, scene, precision, device) for name, precision in PRECISIONS.items()
    }
    times: dict[str, list[float]] = {}

    def note(name: str, work: Callable[..., object], *given: object) -> None:
        times.setdefault(name, []).append(seconds(work, *given))
        print(f"  {name}: {times[name][-1]:.3f} s", file=sys.stderr, flush=True)

    sam3 = ours["bf16"].sam3
    for pipeline in ours.values():  # words are read once ever, and are not part of any price below
        note("first words", pipeline.sam3._reader.read, WORDS)
    if device != "cpu":  # the first pass of a kind on a GPU chooses its kernels, and is recorded
        unseen = marked(scene.image, 255)
        both(unseen, COLD)
        for pipeline in ours.values():
            pipeline.segment(unseen, COLD)
            pipeline.segment(unseen, NEXT)
    height, width = scene.image.shape[:2]
    for number in range(pairs):
        image = marked(scene.image, number)
        crop = marked(image[height // 5 :, : width // 4], number)
        note("plain", both, image, COLD)
        for name, pipeline in ours.items():
            # The second time every network has its answer ready: what is left is all the rest.
            for price, text in (("cold", COLD), ("next", NEXT), ("same again", NEXT), ("shoes", SHOES)):
                note(f"{price} {name}", pipeline.segment, image, text)
            again = pipeline.segment(image, NEXT).seconds
            print(
                "    of it",
                *(f"{step} {1000 * spent:.1f} ms" for step, spent in again.items()),
                file=sys.stderr,
            )
        note("look again bf16", find, sam3, crop, "shoe", "person")
    whole = sam3.resolution
    ours.clear()
    for resolution in (whole, *resolutions):
        smaller = our_pipeline(folder, scene, "bfloat16", device, resolution)
        for number in range(pairs):
            note(f"{resolution} px", smaller.segment, marked(scene.image, number), COLD)
    return times


def beside_networks(folder: Path, size: tuple[int, int], device: str) -> tuple[float, float]:
    """Seconds that are no network's, and all seconds, of `everyone's shoes` on a large JPEG in bf16."""
    scene = six_people((size[0] // 4, size[1] // 4))
    file = BytesIO()
    Image.fromarray(scene.image).resize(size, Image.Resampling.BICUBIC).save(file, "JPEG", quality=95)
    pipeline: Any = our_pipeline(folder, scene, "bfloat16", device)
    decoding = seconds(lambda: images.load(file.getvalue()))
    image = images.load(file.getvalue())
    cold = seconds(lambda: pipeline.segment(image, SHOES))
    # The second time every network but the faces' has its answer ready: what is left is all the rest.
    began = time.perf_counter()
    again = pipeline.segment(image, SHOES)
    rest = time.perf_counter() - began - again.seconds["faces"]
    squashing = seconds(
        lambda: pipeline.sam3.processor.image_processor(images=image, return_tensors="pt", device=device)
    )
    drawing = seconds(lambda: overlay(image, again, pipeline.members))
    parts = {
        "decode": decoding,
        "squash": squashing,
        **again.seconds,
        "overlay": drawing,
        "all of segment": rest,
    }
    print("  " + ", ".join(f"{name} {spent:.3f} s" for name, spent in parts.items()), file=sys.stderr)
    return decoding + rest + squashing + drawing, decoding + cold + drawing


def resident(name: str) -> int:
    """Bytes: VmRSS now, or VmHWM, the most so far (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def measure(role: str, folder: Path, device: str, size: tuple[int, int]) -> dict[str, float]:
    """What a process of its own measures: peak memory of one prompt, or of loading."""
    kind, way = role.split(":")
    stored = folder / "bf16" if way == "bf16" else folder
    scene, before = six_people(size), resident("VmRSS")
    if kind == "prompt":
        if way == "plain":
            began = time.perf_counter()
            plain = Plain(folder, scene, device)
            spent = time.perf_counter() - began
            plain.find(scene.image, "person")
            plain.find(scene.image, "shirt")
        else:
            spent = 0.0
            our_pipeline(folder, scene, PRECISIONS[way], device).segment(scene.image, COLD)
        return {"peak": resident("VmHWM"), "gpu": torch.cuda.max_memory_allocated(), "loading": spent}
    began = time.perf_counter()
    precision = "float32" if way == "fp32" else "bfloat16"
    sam3 = load_sam3(
        Settings(sam3=str(stored), precision=precision, device=device, word_cache=folder / "none")
    )
    spent, on_gpu = time.perf_counter() - began, torch.cuda.memory_allocated()
    eyes = touched(sam3.model)
    first = resident("VmHWM") - before
    sam3._reader.read([f"word for {role}"])
    second = resident("VmHWM") - before
    both = eyes + touched(load_part(stored, sam3.dtype, text=True))
    return {
        "seconds": spent,
        "gpu": on_gpu,
        "eyes": first / eyes,
        "both": second / both,
    }


def touched(model: torch.nn.Module) -> int:
    """Bytes of a model's weights, each read once, because mapped ones take no memory before."""
    weights: list[Tensor] = list(model.parameters())
    for weight in weights:
        weight.sum()
    return sum(weight.nbytes for weight in weights)


def in_a_process(role: str, folder: Path, device: str, small: bool) -> dict[str, float]:
    arguments = ["--role", role, "--folder", str(folder), "--device", device, *(["--small"] if small else [])]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.possession_latency", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def cost_of_resolution(shares: Sequence[float], scenes: int) -> dict[str, float]:
    """Mean IoU of each true mask with the one found for it, of the checkpoint that knows drawn scenes.

    The resolutions are shares of the one it was trained at, in whole patches.
    """
    settings = Settings(sam3=str(CHECKPOINTS / "sam3"), precision="float32", device="cpu")
    trained = load_sam3(replace(settings, resolution=0)).resolution
    mean: dict[str, float] = {}
    for share in shares:
        resolution = round(share * trained / small_sam3.PATCH) * small_sam3.PATCH
        sam3: Sam3 = load_sam3(replace(settings, resolution=resolution))
        overlaps: list[float] = []
        for seed in range(scenes):
            scene = draw_scene(2_000_000 + seed)
            for concept in ("person", "shirt", "shoe"):
                found = [instance.mask for instance in find(sam3, scene.image, concept)]
                overlaps += best_overlaps(scene.instances(concept), found)
        mean[f"{resolution} px of {trained}"] = float(np.mean(overlaps))
    return mean


def main(
    small: Annotated[bool, typer.Option(help="The small architecture: the same run in seconds.")] = False,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    pairs: Annotated[int, typer.Option(help="How often each way is timed.")] = 3,
    only: Annotated[Part | None, typer.Option(help="One part of it; by default all.")] = None,
    role: Annotated[str, typer.Option(hidden=True)] = "",
    folder: Annotated[Path, typer.Option(hidden=True)] = Path(),
) -> None:
    """Print what our way costs as a share of the plain way's cost."""
    disable_progress_bar()
    size, large = ((320, 213), (800, 600)) if small else ((1280, 853), (4000, 3000))
    if role:
        print(json.dumps(measure(role, folder, device, size)))
        return
    print(f"{processor_name()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    if device == "cuda":
        print(torch.cuda.get_device_name())
    row("what", "ratio", "at most", "")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if only is not Part.resolution:
            write_checkpoint(folder, small)
        if only in (None, Part.memory):
            show_memory(folder, device, small)
        if only in (None, Part.rest):
            rest, whole = beside_networks(folder, large, device)
            row(f"no network, {large[0]}×{large[1]}", rest / whole, 0.05, f"{rest:.2f} of {whole:.2f} s")
        if only in (None, Part.times):
            resolutions = (196, 140) if small else (672, 504)
            show_times(compare_times(folder, six_people(size), device, pairs, resolutions))
    if only in (None, Part.resolution):
        for resolution, overlap in cost_of_resolution((1, 2 / 3, 1 / 2), 1 if small else 20).items():
            row(f"mean IoU of the demo's SAM 3 at {resolution}", overlap, None, "")


def show_memory(folder: Path, device: str, small: bool) -> None:
    """Print the peaks of a prompt and of loading, each of a process of its own."""
    peaks = {way: in_a_process(f"prompt:{way}", folder, device, small) for way in ("plain", *PRECISIONS)}
    for way in PRECISIONS:
        share = peaks[way]["peak"] / peaks["plain"]["peak"]
        row(f"peak memory, {way}", share, 0.65, f"{peaks[way]['peak'] / 2**30:.2f} GiB")
        if device == "cuda":
            row(f"peak GPU memory, {way}", peaks[way]["gpu"] / peaks["plain"]["gpu"], None, gpu(peaks[way]))
    for way, words in (("fp32", "fp32 as stored"), ("mixed", "fp32 into bf16"), ("bf16", "bf16 as stored")):
        load = in_a_process(f"load:{way}", folder, device, small)
        row(f"loading {words}, peak to weights", load["eyes"], 1.25, gpu(load) if device == "cuda" else "")
        row("  and the text encoder", load["both"], 1.25, "")
        loading = load["seconds"] / peaks["plain"]["loading"]
        row("  time to the plain way's", loading, None, f"{load['seconds']:.2f} s")


def show_times(times: dict[str, list[float]]) -> None:
    """Print the medians of `compare_times`, and what they are to the plain way's."""
    medians = {name: median(spent) for name, spent in times.items()}
    full = next(spent for name, spent in medians.items() if name.endswith("px"))
    limits = {"cold bf16": 0.30, "cold fp32": 0.60, "next": 0.05, "shoes": 0.06}
    for name, spent in medians.items():
        milliseconds = f"{1000 * spent:.1f} ms"
        if name in ("plain", "first words"):
            row(name, None, None, milliseconds)
        elif name.endswith("px"):
            row(f"cold bf16 at {name}, to the full resolution", spent / full, None, milliseconds)
        else:
            limit = limits.get(name, limits.get(name.split()[0]))
            row(name, spent / medians["plain"], limit, milliseconds)


def processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine())


def gpu(measured: dict[str, float]) -> str:
    return f"{measured['gpu'] / 2**30:.2f} GiB on the GPU"


def row(what: str, ratio: float | str | None, limit: float | str | None, detail: str) -> None:
    shown = [f"{value:.3f}" if isinstance(value, float) else value or "" for value in (ratio, limit)]
    print(f"| {what:<46} | {shown[0]:>7} | {shown[1]:>7} | {detail:<22} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
