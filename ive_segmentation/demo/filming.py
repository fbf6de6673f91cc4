"""A drawn clip as files: the video with a soft tone, and its exact truth."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import Colorspace

from ive_segmentation.coco import encode
from ive_segmentation.demo.clips import ClipFrame

RATE, CHUNK = 44_100, 1024
"""Samples per second of the sound, and samples in one frame of AAC."""
NOTES, LOUD = (220.0, 330.0), 0.06
"""The tone: a fifth, as a loudness from 0 to 1."""


def film(path: Path, frames: Iterable[ClipFrame], fps: int) -> dict[str, Any]:
    """Write the frames as MP4 (H.264, yuv420p, faststart) with a soft tone, one at a time.

    Args:
        path: Where to.
        frames: As `draw_clip` gives them; sides of even length, which H.264 asks for.
        fps: Frames per second.

    Returns:
        The truth, ready for JSON: `fps`, `size` [width, height], and for every frame its `shot`, `persons`
        (`id`, `identity`, `mask` in COCO run lengths, `face_box` xyxy, `keypoints`, `face_visible`) and
        `things` (`id`, `concept`, `colour`, `owner`: a person's id or null, `grip_seen`, `mask`).
    """
    truth: list[dict[str, Any]] = []
    size: list[int] = []
    # The name of a file that is written may end in anything: the format is said apart.
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=fps, options={"crf": "17"})
        sound = container.add_stream("aac", rate=RATE, layout="mono")
        tone = _tone()
        sounded = 0
        for frame in frames:
            image = frame.scene.image
            if not truth:
                video.height, video.width = image.shape[:2]
                video.pix_fmt = "yuv420p"
                video.codec_context.colorspace = Colorspace.ITU709  # players take it for that in any case
                size = [video.width, video.height]
            truth.append(frame_truth(frame))
            picture = av.VideoFrame.from_ndarray(image, format="rgb24")
            container.mux(video.encode(picture.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)))
            while (sounded + CHUNK) * fps <= len(truth) * RATE:
                container.mux(sound.encode(next(tone)))
                sounded += CHUNK
        for stream in (video, sound):
            container.mux(stream.encode(None))
    return {"fps": fps, "size": size, "frames": truth}


def frame_truth(frame: ClipFrame) -> dict[str, Any]:
    """The truth of one frame, ready for JSON, as `film` says."""
    scene = frame.scene
    persons = [
        {
            "id": number,
            "identity": person.identity,
            "mask": encode(person.mask),
            "face_box": None if person.face_box is None else person.face_box.tolist(),
            "keypoints": None if person.keypoints is None else person.keypoints.tolist(),
            "face_visible": person.face_visible,
        }
        for number, person in zip(frame.person_ids, scene.persons, strict=True)
    ]
    things = [
        {
            "id": number,
            "concept": thing.concept,
            "colour": thing.colour,
            "owner": owner,
            "grip_seen": thing.grip_seen,
            "mask": encode(thing.mask),
        }
        for number, owner, thing in zip(frame.thing_ids, frame.thing_owners, scene.things, strict=True)
    ]
    return {"index": frame.index, "shot": frame.shot, "persons": persons, "things": things}


def _tone() -> Iterator[av.AudioFrame]:
    """A tone without end that swells and fades every four seconds."""
    start = 0
    while True:
        second = (start + np.arange(CHUNK)) / RATE
        wave = sum(np.sin(2 * np.pi * note * second) for note in NOTES)
        swell = LOUD * (0.6 - 0.4 * np.cos(2 * np.pi * second / 4))
        frame = av.AudioFrame.from_ndarray((swell * wave).astype(np.float32)[None], "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        yield frame
        start += CHUNK
