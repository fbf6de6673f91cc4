"""The benchmarks of speed run, on the small architecture, and their promises to many users hold."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def latency() -> dict[str, float]:
    """Ratio by row of the printed table."""
    cells = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in run("benchmarks.possession_latency", "--small", "--pairs", "1").splitlines()
        if line.startswith("|")
    ]
    return {what: float(ratio) for what, ratio, *_ in cells if ratio and ratio != "ratio"}


def test_every_price_of_the_issue_is_printed(latency: dict[str, float]) -> None:
    prices = [f"{price} {dtype}" for price in ("cold", "next", "shoes") for dtype in ("bf16", "fp32")]
    memory = ["peak memory, bf16", "peak memory, fp32", "loading fp32 into bf16, peak to weights"]
    rest = ["look again bf16", "no network, 800×600"]
    assert {*prices, *memory, *rest} <= latency.keys()
    assert any(what.startswith("mean IoU") for what in latency)
    assert all(ratio > 0 for ratio in latency.values())


def test_eight_users_at_once() -> None:
    said = run("benchmarks.concurrent_users")
    assert "NO" not in said
    assert "pictures encoded: 3 for 3 pictures of 8 users" in said
