"""How the page's events run: what waits for what, and what the API leaves out."""

from __future__ import annotations

from typing import Any

# One answer at a time: SAM 3 fills the GPU, or all cores. Faces are quick and do not wait behind it.
ONE_ANSWER: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "answer"}
ONE_LOOK: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "faces"}
# One video at a time, and pictures are answered between its frames: they take seconds, it may take an hour.
# `Run.watch` sees to that: what waits in Gradio's queue cannot say that it was stopped.
VIDEOS: dict[str, Any] = {"concurrency_limit": None}
# The bank is written by one at a time.
ONE_BANK: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "bank"}

# Events that only serve the page are left out of the API, and show no progress bar.
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
