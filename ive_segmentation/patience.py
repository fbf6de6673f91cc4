"""What takes long or may hang: it says how far it is, and keeps nobody from ending the program."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from threading import Thread
from typing import TypeVar

T = TypeVar("T")
Progress = Callable[[float, str], None]
"""Told how far something is: the share done, 0 to 1, and the step that begins."""


def silent(_share: float, _step: str) -> None:
    """Report progress to nobody."""


def begin(question: Callable[[], T]) -> Future[T]:
    """Ask something without waiting for the answer.

    Args:
        question: What to call.

    Returns:
        What it will have returned or raised.
    """
    answer: Future[T] = Future()

    def ask() -> None:
        try:
            answer.set_result(question())
        except BaseException as error:
            answer.set_exception(error)

    # A daemon thread, because one of a pool would keep the program from ending.
    Thread(target=ask, daemon=True).start()
    return answer


def within(seconds: float, question: Callable[[], T]) -> T:
    """Ask something that may hang (a name server, a firewall) and stop waiting after a while.

    Args:
        seconds: How long to wait.
        question: What to call; it goes on in its thread if it does not return in time.

    Returns:
        What the question returned.

    Raises:
        TimeoutError: If there was no answer in time.
    """
    try:
        return begin(question).result(timeout=seconds)
    except FutureTimeoutError:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
