"""The one kind of error that is meant for the user's eyes, and how commands in its words are written."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


class UserError(Exception):
    """Something the user can mend: one sentence says what happened, one what to do next.

    The command line prints it as one line and exits with 1; the page and the notebook show it as words.
    Every other exception is a fault of the program.
    """

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback (its own hook)."""
        return [str(self)]


def typed(command: str, *arguments: str) -> str:
    """Write a command of this Python's environment as it can be typed here, whether that is activated or not.

    Args:
        command: As it is typed where the environment is activated: "hf auth login".
        arguments: What is typed behind it; quoted where it holds a space.

    Returns:
        The same, or with the place of its program: ".venv/bin/hf auth login".
    """
    program, rest = command.split(" ", 1)
    ours = shutil.which(program, path=str(Path(sys.executable).parent))
    if ours is not None and ours != shutil.which(program):
        place, here = Path(ours), Path.cwd()
        program = str(place.relative_to(here) if place.is_relative_to(here) else place)
    return " ".join([_quoted(program), rest, *map(_quoted, arguments)])


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word
