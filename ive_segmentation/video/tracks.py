"""What flows through a video: instances that keep their number from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ive_segmentation.result import Image


@dataclass(frozen=True, eq=False)
class Tracked:
    """One instance in one frame.

    Attributes:
        track: The same number as long as it is the same instance; never given twice in one video, whatever
            the concept or the shot.
        concept: The noun phrase that found it.
        mask: bool (H, W), of the frame's size.
        box: float32 (4,), xyxy in pixels.
        score: 0 to 1.
    """

    track: int
    concept: str
    mask: NDArray[np.bool_]
    box: NDArray[np.float32]
    score: float


class Tracker(Protocol):
    """Follows every instance of the concepts it was made for.

    Attributes:
        how: Which tracker it is, in words for the user.
    """

    how: str

    def follow(self, image: Image) -> list[Tracked]:
        """Find the instances of the next frame, RGB uint8 (H, W, 3), and say which were there before."""
        ...

    def cut(self) -> None:
        """Begin a new shot: nothing that was followed until here goes on."""
        ...
