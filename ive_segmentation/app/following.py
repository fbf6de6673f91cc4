"""A video followed in the background: what the page shows meanwhile, and how it is stopped."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Event

from ive_segmentation.errors import UserError
from ive_segmentation.patience import begin
from ive_segmentation.result import Image
from ive_segmentation.video.follow import Followed

_LINE: list[Run] = []
"""Those who asked for a video, in this order: the first one's is followed, the others wait."""
MOST_IN_LINE = 8
"""Each keeps one of Gradio's threads busy."""
TICK = 0.4
"""Seconds between two looks at what is done: quick enough to seem alive, and a page takes as long to draw."""


class StoppedError(UserError):
    """The user wants no more of it."""


@dataclass(frozen=True, eq=False)
class SoFar:
    """How far it is.

    Attributes:
        share: Of the work, 0 to 1.
        words: What is being done, and for how long still.
        picture: (H, W, 3) uint8, RGB: what is known so far, drawn; None where there is nothing new.
    """

    share: float
    words: str
    picture: Image | None


class Run:
    """A video that is being followed: the loop reports how far it is, and the page reads that."""

    def __init__(self) -> None:
        self._stopped = Event()
        self._share, self._words = 0.0, "Opening the video"
        self._picture: Image | None = None

    def progress(self, share: float, words: str) -> None:
        """Report how far it is; ends the loop if somebody has asked for that.

        Args:
            share: Of the work, 0 to 1.
            words: What is being done.

        Raises:
            StoppedError: If it was stopped.
        """
        if self._stopped.is_set():
            raise StoppedError("Stopped. Nothing was kept.")
        self._share, self._words = share, words

    def preview(self, image: Image) -> None:
        """Show a frame with what is known so far: (H, W, 3) uint8, RGB."""
        self._picture = image

    def stop(self) -> None:
        """Ask for an end, which comes after the frame that is being looked at."""
        self._stopped.set()

    def watch(self, job: Callable[[], Followed]) -> Generator[SoFar | Followed, None, None]:
        """Do the work in a thread of its own when its turn has come, and tell how far it is.

        Closing this generator stops the work without waiting for it, because Gradio closes it on the thread
        that serves everybody. The work removes its own files.

        Args:
            job: The work; it reports to this run's `progress` and `preview`.

        Yields:
            How far it is, now and then; at last the result of the work.

        Raises:
            UserError: If too many wait already.
            StoppedError: If it was stopped.
            Exception: Whatever the work raised.
        """
        if len(_LINE) >= MOST_IN_LINE:
            raise UserError(f"{MOST_IN_LINE} videos are in line already. Come back when one of them is done.")
        _LINE.append(self)
        future: Future[Followed] | None = None
        try:
            while _LINE[0] is not self:
                self.progress(0.0, "Waiting for another video to end")
                yield SoFar(self._share, self._words, None)
                self._stopped.wait(TICK)
            self.progress(0.0, "Opening the video")
            future = begin(job)
            while not wait([future], TICK).done:
                picture, self._picture = self._picture, None
                yield SoFar(self._share, self._words, picture)
            yield future.result()
        finally:
            self.stop()
            if future is None:
                _LINE.remove(self)
            else:  # the frame that is being looked at comes to its end
                future.add_done_callback(lambda _: _LINE.remove(self))
