"""What a message tells the user to type works when it is typed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ive_segmentation.errors import typed

PROGRAMS = Path(sys.executable).parent


def test_what_is_activated_is_typed_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")
    assert typed("hf auth login") == "hf auth login"


def test_what_is_not_activated_is_typed_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join(("/usr/bin", "/bin")))
    for folder, place in (
        (PROGRAMS.parents[1], PROGRAMS.relative_to(PROGRAMS.parents[1])),
        (tmp_path, PROGRAMS),
    ):
        monkeypatch.chdir(folder)
        words = typed("python -c 'import sys, typer; sys.exit(sys.argv[1:] != [\"my photos\"])'", "my photos")
        assert shlex.split(words)[0] == str(place / "python")
        subprocess.run(words, shell=True, check=True)
