"""Training on every core: one process each, gradients averaged, resumable, with a progress line."""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import multiprocessing, nn
from torch.multiprocessing.spawn import spawn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from ive_segmentation.segmentation.devices import choose_device, computes_bfloat16

Terms = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Pace:
    """How long and how fast: the rate rises for `warmup` steps, stays, falls over the last `fall` share."""

    steps: int
    rate: float
    warmup: int = 150
    fall: float = 0.36
    seed: int = 0
    save_every: int = 100

    def rate_at(self, step: int) -> float:
        """The learning rate's share of its peak: warm-up, plateau, linear fall (Hägele et al. 2024)."""
        left = (self.steps - step) / max(1.0, self.fall * self.steps)
        return max(0.01, min(1.0, (step + 1) / self.warmup, left))


class Lesson(ABC):
    """What is learnt: a model with its helpers, and the loss of a step. It is sent to every process."""

    name: str

    @property
    @abstractmethod
    def origin(self) -> str:
        """What it begins with, so that no run goes on from the state of another."""

    @abstractmethod
    def begin(self) -> nn.Module:
        """The model before the first step."""

    @abstractmethod
    def batch(self, step: int, rng: np.random.Generator) -> Any:
        """A worker's share of one step's batch, tensors on the CPU, everything random from `rng`."""

    @abstractmethod
    def terms(self, student: Any, step: int, batch: Any) -> Terms:
        """The weighted terms of one step's loss on that share."""

    @abstractmethod
    def finish(self, student: Any) -> None:
        """Write what was learnt."""

    def faster(self, student: Any) -> list[nn.Parameter]:  # noqa: ARG002
        """Parameters that learn `FASTER` times as fast as the rest and without weight decay."""
        return []


FASTER = 5.0
"""For heads that only help to teach: they must know something before they can."""
MOST_WORKERS = 4
"""Each adds its share to a batch and holds all pictures in memory (3 GB)."""
MOST_PREPARING = 8
"""Of the 16 cores beside an H200, 12 prepared 90 pictures a second at 672 px, and 8, on another day, 144:
more are in the way of the process that learns."""
ROOMY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "MALLOC_TOP_PAD_": str(2**28),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""Otherwise glibc hands every large tensor back, and Linux zeroes it anew: a third of a step at 504 px."""


def _optimiser(student: nn.Module, faster: list[nn.Parameter], rate: float) -> torch.optim.Optimizer:
    known = {id(parameter) for parameter in faster}
    slower = [p for p in student.parameters() if p.requires_grad and id(p) not in known]
    groups = [
        {"params": [p for p in slower if p.ndim >= 2], "weight_decay": 0.02, "share": 1.0},
        {"params": [p for p in slower if p.ndim < 2], "weight_decay": 0.0, "share": 1.0},
        {"params": faster, "weight_decay": 0.0, "share": FASTER},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=rate, betas=(0.9, 0.98))


def save_state(
    path: Path, student: nn.Module, optimiser: torch.optim.Optimizer, step: int, origin: str
) -> None:
    """Everything a resumed run needs of what learns, in one file; written whole or not at all."""
    tensors = {}
    for name, parameter in student.named_parameters():
        if parameter.requires_grad:
            tensors[f"weight/{name}"] = parameter
            for key, value in optimiser.state.get(parameter, {}).items():
                tensors[f"{key}/{name}"] = value
    unfinished = path.with_suffix(".tmp")
    whole = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    save_file(whole, unfinished, metadata={"step": str(step), "origin": origin})
    unfinished.rename(path)


@torch.no_grad()
def load_state(path: Path, student: nn.Module, optimiser: torch.optim.Optimizer, origin: str) -> int:
    """Puts back what `save_state` wrote; the number of steps done, 0 where the state is of another run."""
    with safe_open(path, framework="pt") as state:
        if state.metadata()["origin"] != origin:
            return 0
        names = set(state.keys())
        for name, parameter in student.named_parameters():
            if f"weight/{name}" in names:
                parameter.copy_(state.get_tensor(f"weight/{name}"))
            if f"step/{name}" in names:
                moments = {key: state.get_tensor(f"{key}/{name}") for key in ("exp_avg", "exp_avg_sq")}
                optimiser.state[parameter] = {
                    "step": state.get_tensor(f"step/{name}"),
                    **{key: moment.to(parameter.device) for key, moment in moments.items()},
                }
        return int(state.metadata()["step"])


@dataclass(frozen=True)
class Table:
    """Where workers lay their gradients for each other: (workers, values) float32, in shared memory."""

    values: torch.Tensor
    all_here: Barrier

    def average(self, rank: int, parameters: list[nn.Parameter], over: bool) -> bool:
        """Every gradient becomes the workers' mean; what a worker did not use counts as zero.

        Args:
            rank: Whose gradients the parameters hold.
            parameters: What learns, the same in every worker.
            over: Whether this was the last step; worker 0 decides.

        Returns:
            What worker 0 said.
        """
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        torch.cat([*(g.flatten() for g in gradients), torch.tensor([float(over)])], out=self.values[rank])
        self.all_here.wait()
        mean, said = self.values[:, :-1].mean(0), bool(self.values[0, -1])
        self.all_here.wait()  # nobody lays the next before all have read
        for parameter, piece in zip(parameters, mean.split([p.numel() for p in parameters]), strict=True):
            parameter.grad = piece.view_as(parameter)
        return said


def _table(lesson: Lesson, workers: int) -> Table:
    values = sum(p.numel() for p in lesson.begin().parameters() if p.requires_grad) + 1
    return Table(
        torch.zeros(workers, values).share_memory_(), multiprocessing.get_context("spawn").Barrier(workers)
    )


@dataclass
class Shares(Dataset):
    """One worker's share of every batch that is still to come, by the steps from `first` on."""

    lesson: Lesson
    pace: Pace
    rank: int
    first: int

    def __len__(self) -> int:
        return max(self.pace.steps - self.first, 0)

    def __getitem__(self, index: int) -> Any:
        step = self.first + index
        return self.lesson.batch(step, np.random.default_rng([self.pace.seed, step, self.rank]))


def prepared(shares: Dataset, processes: int) -> DataLoader:
    """Batches in their order, prepared by so many processes ahead of time; by none: when asked for.

    Every process holds two batches ready in shared memory: some 85 MB each, of 32 pictures at 672 px.
    """
    return DataLoader(
        shares,
        batch_size=None,
        num_workers=processes,
        multiprocessing_context="spawn" if processes else None,
        collate_fn=_as_it_is,
        worker_init_fn=_alone_on_its_core,
    )


def _alone_on_its_core(_number: int) -> None:
    cv2.setNumThreads(1)


def _as_it_is(batch: Any) -> Any:
    return batch


def _work(
    rank: int, lesson: Lesson, pace: Pace, state: Path, deadline: float | None, table: Table | None
) -> None:
    """One worker of `learn`, alone where there is no table; worker 0 prints and saves."""
    torch.manual_seed(pace.seed)
    if table:
        torch.set_num_threads(1)
    device = choose_device("auto")
    bf16 = computes_bfloat16(device)
    student = lesson.begin().to(device)
    learning = [parameter for parameter in student.parameters() if parameter.requires_grad]
    optimiser = _optimiser(student, lesson.faster(student), pace.rate)
    origin = lesson.origin
    first = load_state(state, student, optimiser, origin) if state.exists() else 0
    # A GPU would wait for pictures to be drawn, cut and asked about; a CPU is busy learning.
    shares = Shares(lesson, pace, rank, first)
    processes = min(os.cpu_count() or 1, MOST_PREPARING) if device.type == "cuda" else 0
    running: dict[str, float] = {}
    bar = tqdm(
        range(first, pace.steps),
        initial=first,
        total=pace.steps,
        desc=lesson.name,
        mininterval=10,
        disable=rank > 0,
    )
    for step, batch in zip(bar, prepared(shares, processes), strict=True):
        for group in optimiser.param_groups:
            group["lr"] = pace.rate * pace.rate_at(step) * group["share"]
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
            terms = lesson.terms(student, step, batch)
        optimiser.zero_grad(set_to_none=True)
        values = torch.stack(list(terms.values()))
        values.sum().backward()
        over = deadline is not None and time.time() > deadline
        if table:
            over = table.average(rank, learning, over)
        nn.utils.clip_grad_norm_(learning, 1.0)
        optimiser.step()
        for name, value in zip(terms, values.tolist(), strict=True):
            running[name] = 0.98 * running.get(name, value) + 0.02 * value
        bar.set_postfix({name: f"{value:.3f}" for name, value in running.items()}, refresh=False)
        if rank == 0 and ((step + 1) % pace.save_every == 0 or over or step + 1 == pace.steps):
            save_state(state, student, optimiser, step + 1, origin)
        if over:
            break
    if rank == 0:
        lesson.finish(student)


@contextmanager
def _environment(more: dict[str, str]) -> Iterator[None]:
    """What processes that begin meanwhile find in their environment, over what is there."""
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def learn(lesson: Lesson, pace: Pace, state: Path, deadline: float | None = None) -> bool:
    """Train, or go on training, and let the lesson write what was learnt.

    On a CPU every core gets a process of its own: one thread per process loses nothing on small layers.

    Args:
        lesson: What is learnt.
        pace: Steps and rates.
        state: File that a stopped run goes on from, if it had the same origin.
        deadline: When to stop early with the state saved, as `time.time` has it; None runs to the end.

    Returns:
        Whether it came to its end.
    """
    state.parent.mkdir(parents=True, exist_ok=True)
    workers = 1 if torch.cuda.is_available() else min(os.cpu_count() or 1, MOST_WORKERS)
    if workers == 1:
        _work(0, lesson, pace, state, deadline, None)
    else:
        with _environment(ROOMY):
            spawn(_work, (lesson, pace, state, deadline, _table(lesson, workers)), nprocs=workers)
    with safe_open(state, framework="pt") as written:
        return int(written.metadata()["step"]) >= pace.steps
