"""What all commands share: their options, how they speak in a terminal, and how they end.

What a command needs is imported when it runs: `--help` stays quick.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from ive_segmentation.settings import Settings, bank_of

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Dataset = Annotated[Path | None, typer.Option(help="Folder with one folder of photos per member.")]
Faces = Annotated[str | None, typer.Option(help="InsightFace pack: a name (buffalo_l) or a folder.")]
Bank = Annotated[
    str | None, typer.Option(help="Where the identity bank is: a folder or an object-store URI.")
]
Checkpoint = Annotated[str | None, typer.Option(help="SAM 3: a Hugging Face repository or a folder.")]


def end_like_ctrl_c() -> None:
    """Let `kill` and a closed terminal end a command in order: no half-written file, no upload is left."""
    # Windows has no SIGHUP; nohup wants it ignored, and it stays so.
    known = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    heard = [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in heard:
            signal.signal(number, signal.SIG_IGN)  # a second one must not come into the putting away
        raise KeyboardInterrupt

    for number in heard:
        signal.signal(number, stop)


def or_the_demo(settings: Settings) -> Settings:
    """Take the demo's settings where the page and `segment` would show the demo too, and say so on stderr.

    Args:
        settings: As given.

    Returns:
        The same, or the demo's.

    Raises:
        MembersError: If there is no dataset folder, or its members.toml cannot be read.
        DatasetError: If the dataset folder may not be looked into.
        WriteError: If the demo's members cannot be drawn into the user's cache.
    """
    from ive_segmentation.demo.stand_in import demo_notice, demo_settings, wants_demo
    from ive_segmentation.language import load_members

    if settings.bank != bank_of(settings.dataset):
        return settings
    load_members(settings.dataset)  # a folder that is not there is said to be so
    if not wants_demo(settings):
        return settings
    print(demo_notice(settings.dataset), file=sys.stderr)
    return demo_settings(settings)


def shows_answers() -> bool:
    """Tell whether what is printed is seen at once, and needs no bar beside it."""
    return sys.stdout is not None and sys.stdout.isatty()


def print_json(data: Any) -> None:
    """Print something as JSON.

    Args:
        data: What JSON knows; anything else as its text.
    """
    print(json_text(data))


def json_text(data: Any) -> str:
    """Write something as JSON, in letters of any script.

    Args:
        data: What JSON knows; anything else as its text.

    Returns:
        Indented lines.
    """
    return json.dumps(data, ensure_ascii=False, indent=1, default=str)


def fail(message: str) -> int:
    """Say on stderr, in one line, what went wrong.

    Args:
        message: A sentence or two.

    Returns:
        The exit code, 1.
    """
    print(" ".join(message.split()), file=sys.stderr)
    return 1


class Bar:
    """A progress bar on stderr for what reports a share and a step; nothing where stderr is no terminal."""

    def __enter__(self) -> Bar:
        from tqdm import tqdm

        self._bar = tqdm(
            total=100, bar_format="{desc:50.50} {bar} {percentage:3.0f}%", leave=False, disable=None
        )
        return self

    def __call__(self, share: float, step: str) -> None:
        """Take the share done, 0 to 1, and the step that begins: a `Progress`."""
        self._bar.set_description_str(step, refresh=False)
        self._bar.update(share * 100 - self._bar.n)

    def __exit__(self, *_: object) -> None:
        self._bar.close()
