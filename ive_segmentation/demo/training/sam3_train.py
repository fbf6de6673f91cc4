"""Trains the small SAM 3 on drawn scenes, from nothing, seeded and resumable."""

import copy
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import distributed, nn
from torch.multiprocessing.spawn import spawn
from tqdm import tqdm
from transformers import CLIPTokenizer, Sam3Model

from ive_segmentation.demo.things import CONCEPTS
from ive_segmentation.demo.training.batches import Batch, Batches
from ive_segmentation.demo.training.losses import alignment_loss, dense_losses, losses, weighted
from ive_segmentation.demo.training.small_sam3 import (
    CELLS,
    NECK,
    QUERIES,
    SIDE,
    config,
    initialise,
    processor,
    run_every_layer,
    tokenizer,
)  # fmt: skip
from ive_segmentation.demo.training.store import Store

Terms = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Recipe:
    """How long and how fast; the rate rises for `warmup` steps, stays, and falls over the last `fall` share.

    Up to step `glimpse` the vision encoder and the words are taught alone, up to step `search` boxes on top
    of what is seen then (three times the prompts for the same time), and from there everything together.
    `pictures` is each worker's share of a batch.
    """

    steps: int = 15_500
    glimpse: int = 1200
    search: int = 5000
    pictures: int = 4
    prompts: int = 4
    rate: float = 6e-4
    warmup: int = 150
    fall: float = 0.36
    seed: int = 0
    save_every: int = 100


def rate_at(step: int, recipe: Recipe) -> float:
    """The learning rate's share of its peak: warm-up, plateau, linear fall (Hägele et al. 2024)."""
    left = (recipe.steps - step) / max(1.0, recipe.fall * recipe.steps)
    return max(0.01, min(1.0, (step + 1) / recipe.warmup, left))


class Student(nn.Module):
    """The small model with the auxiliary heads that teach it sooner; they are not shipped."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Sam3Model(config())
        initialise(self.model)
        # On CPUs plain attention trains a model of this size a third faster than the fused kernel does.
        self.model.set_attn_implementation("eager")
        self.scale = nn.Parameter(torch.tensor([8.0, -3.0]))
        self.spots = nn.Conv2d(NECK, 5, 1)
        nn.init.zeros_(self.spots.weight)
        self.dense = nn.Conv2d(NECK, len(CONCEPTS) + 1 + 4, 1)

    def glimpse(self, batch: Batch, words: CLIPTokenizer, device: torch.device) -> Terms:
        """The loss terms of the vision encoder and the words alone."""
        return self._see(batch, words, device)[1]

    def answer(self, batch: Batch, words: CLIPTokenizer, device: torch.device, masks: bool) -> Terms:
        """All loss terms of a batch; without `masks` what is seen stays as it is, only boxes are learnt."""
        with torch.set_grad_enabled(masks and torch.is_grad_enabled()):
            seen, terms = self._see(batch, words, device)
        repeat = len(batch.words) // len(batch.pixels)
        levels = tuple(level.repeat_interleave(repeat, 0) for level in seen.fpn_hidden_states[:-1])
        places = tuple(
            place[:1].expand(len(batch.words), -1, -1, -1) for place in seen.fpn_position_encoding[:-1]
        )
        shown = batch.exemplars
        if shown is not None:
            shown = (shown[0].to(device), shown[1].to(device))
        outputs = run_every_layer(self.model, levels, places, _read(batch.words, words, device), shown, masks)
        with torch.autocast(device.type, enabled=False):
            spots = self.spots(outputs.tokens.float())
            answers = losses(outputs, spots, batch, QUERIES)
        return terms | answers if masks else answers

    def _see(self, batch: Batch, words: CLIPTokenizer, device: torch.device) -> tuple[Any, Terms]:
        seen = self.model.get_vision_features(batch.pixels.to(device))
        text = _read(batch.names, words, device)
        features = self.model.get_text_features(**text).pooler_output
        counts = text["attention_mask"][..., None]
        means = (features * counts).sum(1) / counts.sum(1)
        finest, coarsest = seen.fpn_hidden_states[0], seen.fpn_hidden_states[-2]
        with torch.autocast(device.type, enabled=False):
            terms = dense_losses(self.dense(finest.float()), batch)
            terms["align"] = alignment_loss(coarsest, means, self.scale, batch)
        return seen, terms


def _read(phrases: list[str], words: CLIPTokenizer, device: torch.device) -> dict[str, torch.Tensor]:
    tokens = words(phrases, padding=True, return_tensors="pt")
    return {name: tokens[name].to(device) for name in ("input_ids", "attention_mask")}


def save_state(
    path: Path, student: Student, optimiser: torch.optim.Optimizer, step: int, recipe: Recipe
) -> None:
    """Everything a resumed run needs, as safetensors beside a small JSON; written whole or not at all."""
    tensors = {f"weight/{name}": value for name, value in student.state_dict().items()}
    for name, parameter in student.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f"{key}/{name}"] = value
    unfinished = path.with_suffix(".tmp")
    save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, unfinished)
    unfinished.rename(path)
    path.with_suffix(".json").write_text(json.dumps({"step": step, **asdict(recipe)}))


def load_state(path: Path, student: Student, optimiser: torch.optim.Optimizer) -> int:
    """Puts back what `save_state` wrote; the number of steps done."""
    tensors = load_file(path)
    student.load_state_dict(
        {k.split("/", 1)[1]: v for k, v in tensors.items() if k.startswith("weight/")}, strict=False
    )
    for name, parameter in student.named_parameters():
        state = {
            key: tensors[f"{key}/{name}"]
            for key in ("step", "exp_avg", "exp_avg_sq")
            if f"{key}/{name}" in tensors
        }
        if state:
            optimiser.state[parameter] = state
    return int(json.loads(path.with_suffix(".json").read_text())["step"])


def export(student: Student, folder: Path) -> None:
    """The checkpoint as `facebook/sam3` comes: config, safetensors (in bfloat16) and processor."""
    folder.mkdir(parents=True, exist_ok=True)
    model: nn.Module = copy.deepcopy(student.model)
    model = model.to("cpu", torch.bfloat16)
    assert isinstance(model, Sam3Model)
    model.set_attn_implementation("sdpa")
    model.save_pretrained(folder)
    processor().save_pretrained(folder)


def _average_gradients(student: Student, workers: int) -> None:
    """The mean of the workers' gradients, in one message; what a worker did not use counts as zero."""
    parameters = list(student.parameters())
    flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in parameters])
    distributed.all_reduce(flat)
    for parameter, piece in zip(
        parameters, flat.div_(workers).split([p.numel() for p in parameters]), strict=True
    ):
        parameter.grad = piece.view_as(parameter)


def _meeting(state: Path) -> Path:
    """The file through which the workers find each other."""
    return state.with_suffix(".meeting").absolute()


def _work(
    rank: int,
    workers: int,
    scenes: list[Path],
    out: Path,
    state: Path,
    recipe: Recipe,
    deadline: float | None,
) -> None:
    """One worker of `train`; worker 0 prints and saves."""
    torch.manual_seed(recipe.seed)
    if workers > 1:
        torch.set_num_threads(1)
        distributed.init_process_group(
            "gloo", init_method=_meeting(state).as_uri(), rank=rank, world_size=workers
        )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    student = Student().to(device)
    matrices = [p for p in student.parameters() if p.ndim >= 2]
    vectors = [p for p in student.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.02}, {"params": vectors, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.98))
    first = load_state(state, student, optimiser) if state.exists() else 0
    batches = Batches(Store(scenes), SIDE, CELLS, recipe.pictures, recipe.prompts)
    words = tokenizer()
    running: dict[str, float] = {}
    student.train()
    bar = tqdm(
        range(first, recipe.steps),
        initial=first,
        total=recipe.steps,
        desc="SAM 3",
        mininterval=10,
        disable=rank > 0,
    )
    for step in bar:
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * rate_at(step, recipe)
        batches.prompts = recipe.prompts if step >= recipe.search else 2 * recipe.prompts
        batch = batches.batch(np.random.default_rng([recipe.seed, step, rank]))
        with torch.autocast(device.type, dtype=torch.bfloat16):
            if step < recipe.glimpse:
                terms = student.glimpse(batch, words, device)
            else:
                terms = student.answer(batch, words, device, masks=step >= recipe.search)
        optimiser.zero_grad(set_to_none=True)
        weighted(terms).backward()
        if workers > 1:
            _average_gradients(student, workers)
        nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimiser.step()
        for name, value in terms.items():
            running[name] = 0.98 * running.get(name, value.item()) + 0.02 * value.item()
        bar.set_postfix({name: f"{value:.3f}" for name, value in running.items()}, refresh=False)
        over = torch.tensor(deadline is not None and time.time() > deadline, dtype=torch.int32)
        if workers > 1:
            distributed.all_reduce(over)
        if rank == 0 and ((step + 1) % recipe.save_every == 0 or over or step + 1 == recipe.steps):
            save_state(state, student, optimiser, step + 1, recipe)
        if over:
            break
    if rank == 0:
        export(student, out)
    if workers > 1:
        distributed.destroy_process_group()


def train(
    scenes: list[Path], out: Path, state: Path, recipe: Recipe, stop_after: float | None = None
) -> None:
    """Train, or go on training, and write the checkpoint to `out`.

    On a CPU every core gets a process of its own: one thread per process loses nothing on small layers.

    Args:
        scenes: shards written by `store.draw_ahead`.
        out: folder of the checkpoint.
        state: file that a stopped run goes on from.
        recipe: steps, rates and sizes.
        stop_after: seconds after which to stop early with the state saved; None runs to the end.
    """
    state.parent.mkdir(parents=True, exist_ok=True)
    workers = 1 if torch.cuda.is_available() else max(1, os.cpu_count() or 1)
    _meeting(state).unlink(missing_ok=True)
    deadline = None if stop_after is None else time.time() + stop_after
    arguments = (workers, scenes, out, state, recipe, deadline)
    if workers == 1:
        _work(0, *arguments)
    else:
        spawn(_work, arguments, nprocs=workers)
