"""The examples in the docstrings are true."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("module", ["members", "parse", "things"])
def test_examples(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"ive_segmentation.language.{module}"))
    assert result.attempted
    assert result.failed == 0
