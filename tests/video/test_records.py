"""What is kept of each frame comes back as it was, and a full disk is said."""

from __future__ import annotations

import numpy as np
import pytest

from ive_segmentation.video.records import Record, Records, Sighting
from ive_segmentation.video.tracks import Tracked
from ive_segmentation.writing import WriteError
from tests.video.test_writing import full_disk


def record(index: int) -> Record:
    mask = np.random.default_rng(index).random((40, 60)) > 0.5
    box, head = np.array([1, 2, 30, 40], np.float32), np.array([1, 2, 9, 9], np.float32)
    person = Sighting.of(Tracked(7, "person", mask, box, 0.875), head)
    thing = Sighting.of(Tracked(8, "white shirt", ~mask, box + 1, 0.5), None)
    return Record(index, index / 24, index // 3, (person, thing))


def test_records_come_back_in_order_as_often_as_they_are_read() -> None:
    with Records() as records:
        for index in range(5):
            records.append(record(index))
        for _ in range(2):
            for index, read in enumerate(records):
                wanted = record(index)
                assert (read.index, read.second, read.shot) == (index, index / 24, index // 3)
                for ours, theirs in zip(read.sightings, wanted.sightings, strict=True):
                    assert (ours.track, ours.concept, ours.score) == (
                        theirs.track, theirs.concept, theirs.score,
                    )  # fmt: skip
                    assert (ours.mask == theirs.mask).all()
                    assert (ours.box == theirs.box).all()
                    assert (ours.head is None) == (theirs.head is None)
            assert index == 4


def keep_many() -> None:
    with Records() as records:
        for index in range(100):
            records.append(record(index))
        list(records)


@pytest.mark.parametrize("size", [0, 10_000])
def test_a_full_disk_is_said_in_one_line(size: int) -> None:
    with full_disk(size), pytest.raises(WriteError, match="cannot be written") as raised:
        keep_many()
    assert "\n" not in str(raised.value)
