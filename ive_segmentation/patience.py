"""Questions to the network that may hang, and how long they are waited for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


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
    answer: Future[T] = Future()

    def ask() -> None:
        try:
            answer.set_result(question())
        except BaseException as error:
            answer.set_exception(error)

    # A daemon thread, because one of a pool would keep the program from ending.
    Thread(target=ask, daemon=True).start()
    try:
        return answer.result(timeout=seconds)
    except FutureTimeoutError:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
