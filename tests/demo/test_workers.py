"""Training on every core: stopped and resumed it ends where it would have; the rate does what it says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ive_segmentation.demo.training.workers import (
    Lesson,
    Pace,
    Shares,
    Terms,
    learn,
    load_state,
    prepared,
    save_state,
)

TRUTH = torch.tensor([[2.0, -1.0, 0.5]])
Sums = tuple[torch.Tensor, torch.Tensor]


@dataclass
class Line(Lesson):
    """Three numbers, learnt from noisy sums of them."""

    out: Path
    origin = "nothing"
    name = "line"

    def begin(self) -> nn.Module:
        return nn.Linear(3, 1)

    def batch(self, step: int, rng: np.random.Generator) -> Sums:
        x = torch.from_numpy(rng.normal(size=(16, 3)).astype(np.float32))
        return x, x @ TRUTH.T

    def terms(self, student: nn.Module, step: int, batch: Sums) -> Terms:
        x, y = batch
        device = next(student.parameters()).device
        return {"square": (student(x.to(device)).float() - y.to(device)).square().mean()}

    def finish(self, student: nn.Module) -> None:
        save_file(student.state_dict(), self.out)


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    pace = Pace(steps=40, rate=0.05, warmup=4, save_every=20)
    assert learn(Line(tmp_path / "straight"), pace, tmp_path / "straight.state")
    assert not learn(Line(tmp_path / "stopped"), pace, tmp_path / "stopped.state", deadline=0.0)
    stopped = load_file(tmp_path / "stopped")
    assert learn(Line(tmp_path / "stopped"), pace, tmp_path / "stopped.state")
    straight, resumed = load_file(tmp_path / "straight"), load_file(tmp_path / "stopped")
    for name, weight in straight.items():
        assert not torch.equal(stopped[name], weight)
        torch.testing.assert_close(resumed[name], weight, atol=0, rtol=0)
    assert (straight["weight"] - TRUTH).norm() < (stopped["weight"] - TRUTH).norm()


def test_nobody_goes_on_from_the_state_of_another_run(tmp_path: Path) -> None:
    student = nn.Linear(3, 1)
    optimiser = torch.optim.AdamW(student.parameters())
    save_state(tmp_path / "state", student, optimiser, 7, "one")
    other = nn.Linear(3, 1)
    before = other.weight.clone()
    assert load_state(tmp_path / "state", other, optimiser, "another") == 0
    assert torch.equal(other.weight, before)
    assert load_state(tmp_path / "state", other, optimiser, "one") == 7
    assert torch.equal(other.weight, student.weight)


def test_a_run_that_has_more_steps_than_are_asked_for_is_at_its_end(tmp_path: Path) -> None:
    pace = Pace(steps=20, rate=0.05, warmup=4, save_every=20)
    assert learn(Line(tmp_path / "longer"), pace, tmp_path / "state")
    assert learn(Line(tmp_path / "shorter"), replace(pace, steps=10), tmp_path / "state")
    assert (tmp_path / "longer").read_bytes() == (tmp_path / "shorter").read_bytes()


def test_batches_prepared_ahead_are_those_that_would_be_drawn_when_asked_for(tmp_path: Path) -> None:
    shares = Shares(Line(tmp_path), Pace(steps=9, rate=1.0, seed=3), rank=1, first=4)
    ahead, asked = (list(prepared(shares, processes)) for processes in (2, 0))
    assert len(asked) == 5
    for ours, theirs in zip(ahead, asked, strict=True):
        torch.testing.assert_close(ours, theirs, atol=0, rtol=0)
    assert not torch.equal(asked[0][0], asked[1][0])


@pytest.mark.parametrize(
    ("step", "share"),
    [
        pytest.param(0, 0.1, id="the first step is small"),
        pytest.param(9, 1.0, id="warmed up"),
        pytest.param(50, 1.0, id="the plateau"),
        pytest.param(80, 0.5, id="half-way down"),
        pytest.param(100, 0.01, id="never nothing"),
    ],
)
def test_the_rate_rises_stays_and_falls(step: int, share: float) -> None:
    pace = Pace(steps=100, rate=1.0, warmup=10, fall=0.4)
    assert pace.rate_at(step) == pytest.approx(share)
