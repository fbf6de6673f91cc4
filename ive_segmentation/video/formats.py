"""What a prompt over a video can be answered as."""

from enum import StrEnum


class Format(StrEnum):
    """A kind of file; the fancam and the timeline come on top."""

    overlay = "overlay"
    mask = "mask"
    cutout = "cutout"
    json = "json"
