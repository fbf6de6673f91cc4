"""Imports run downward only: no room of the package imports one that imports it, however far round."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter

from tests.conftest import REPOSITORY

PACKAGE = REPOSITORY / "ive_segmentation"


def test_no_room_imports_one_that_is_above_it() -> None:
    below: dict[str, set[str]] = {}
    for file in PACKAGE.rglob("*.py"):
        room = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGE.name):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                below.setdefault(room, set()).update({name.split(".")[1] for name in names} - {room})
    in_order = [*TopologicalSorter(below).static_order()]  # raises CycleError
    assert in_order.index("images") < in_order.index("pipeline") < in_order.index("app")
