"""What may hang is waited for, but not for ever."""

from __future__ import annotations

import time
from threading import Event

import pytest

from ive_segmentation.patience import within


def test_answers_and_errors_are_passed_on() -> None:
    def broken() -> None:
        raise KeyError("why")

    assert within(5, lambda: 7) == 7
    with pytest.raises(KeyError, match="why"):
        within(5, broken)


def test_what_hangs_is_given_up() -> None:
    never = Event()
    begin = time.monotonic()
    with pytest.raises(TimeoutError, match="no answer within"):
        within(0.1, lambda: never.wait(30))
    assert time.monotonic() - begin < 10
    never.set()
