"""What may hang is waited for, but not for ever."""

from __future__ import annotations

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
    enough, answered = Event(), Event()

    def hang() -> None:
        enough.wait(30)
        answered.set()

    with pytest.raises(TimeoutError, match="no answer within"):
        within(0.1, hang)
    assert not answered.is_set()
    enough.set()
