"""A video behind the page: told of while it is followed, stopped at any time, drawn where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import cast

import pytest

from ive_segmentation.app.cache import page_folder
from ive_segmentation.app.demo_pictures import draw_clip_once
from ive_segmentation.app.following import MOST_IN_LINE, Run, SoFar, StoppedError
from ive_segmentation.app.page import build_page
from ive_segmentation.app.video_tab import NO_SAM3
from ive_segmentation.errors import UserError
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.video.follow import Followed, follow
from ive_segmentation.video.formats import Format
from ive_segmentation.video.reading import probe


def work(run: Run, pipeline: Pipeline, clip: Path, out: Path) -> Callable[[], Followed]:
    return lambda: follow(
        pipeline,
        clip,
        "Wonyoung",
        out,
        formats=list(Format),
        fancam=True,
        progress=run.progress,
        preview=run.preview,
    )


def test_what_is_known_is_told_on_the_way_and_the_answer_comes_last(
    pipeline: Pipeline, clip: Path, tmp_path: Path
) -> None:
    run = Run()
    *told, answer = run.watch(work(run, pipeline, clip, tmp_path))
    assert isinstance(answer, Followed)
    assert set(answer.files) == {*Format, "fancam", "timeline"}
    seen = [news for news in told if isinstance(news, SoFar)]
    assert len(seen) == len(told) > 0
    assert [news.share for news in seen] == sorted(news.share for news in seen)
    assert any(news.picture is not None and news.picture.shape == (480, 640, 3) for news in seen)


@pytest.mark.parametrize("words", ["Looking at frame 3", "Drawing frame 3"])
def test_stopped_at_any_time_it_leaves_no_file(
    pipeline: Pipeline, clip: Path, tmp_path: Path, words: str
) -> None:
    run = Run()
    reached: list[str] = []

    def progress(share: float, step: str) -> None:
        if step.startswith(words):
            reached.append(step)
            run.stop()
        run.progress(share, step)

    def job() -> Followed:
        return follow(
            pipeline, clip, "Wonyoung", tmp_path, formats=list(Format), fancam=True, progress=progress
        )

    with pytest.raises(StoppedError, match="Nothing was kept"):
        list(run.watch(job))
    assert reached
    assert list(tmp_path.iterdir()) == []


def test_who_stops_listening_stops_the_work(pipeline: Pipeline, clip: Path, tmp_path: Path) -> None:
    """As when the browser is closed: the page lets go of the event, and with it of the video."""
    run, ended = Run(), Event()

    def job() -> Followed:
        try:
            return work(run, pipeline, clip, tmp_path)()
        finally:
            ended.set()

    listening = run.watch(job)
    assert isinstance(next(listening), SoFar)
    listening.close()
    assert ended.wait(60)
    assert list(tmp_path.iterdir()) == []


def test_without_sam3_the_tab_says_what_is_missing(pipeline: Pipeline) -> None:
    parts = {
        block["props"].get("elem_id"): block["props"]
        for block in build_page(replace(pipeline, sam3=None)).config["components"]
    }
    assert NO_SAM3 in parts["film-said"]["value"]
    assert not parts["film-run"]["interactive"]


def test_a_clip_is_drawn_once_or_not_at_all(tmp_path: Path) -> None:
    def leave(share: float, _step: str) -> None:
        if share > 0.05:
            raise StoppedError("Enough.")

    with pytest.raises(StoppedError):
        draw_clip_once(leave, tmp_path)
    assert list(tmp_path.iterdir()) == []

    steps: list[str] = []
    path = Path(draw_clip_once(lambda _, step: steps.append(step), tmp_path))
    assert steps[-1] == "Drawing frame 60 of 60"
    assert path.is_relative_to(page_folder())
    video = probe(path)
    assert (video.seconds, video.size, video.has_sound) == (4.0, (360, 480), True)

    steps.clear()
    again = Path(draw_clip_once(lambda _, step: steps.append(step), tmp_path))
    assert again.read_bytes() == path.read_bytes()
    assert steps == []


def test_videos_take_turns_in_the_order_in_which_they_were_asked_for() -> None:
    """Whoever leaves the line gives his place up, and who leaves his work gives it up when that has ended."""
    begun: list[int] = []
    go_on = Event()

    def job(number: int) -> Followed:
        begun.append(number)
        go_on.wait(20)
        return Followed({}, (), (), number, 0.0, "")

    runs = [Run() for _ in range(4)]
    watched = [run.watch(partial(job, number)) for number, run in enumerate(runs)]
    said = [cast(SoFar, next(each)).words for each in watched]
    assert said == ["Opening the video", *["Waiting for another video to end"] * 3]
    watched[1].close()
    watched[0].close()
    assert isinstance(next(watched[2]), SoFar)
    assert begun == [0], "the first one's work has not ended"
    runs[3].stop()
    with pytest.raises(StoppedError):
        list(watched[3])
    go_on.set()
    *_, last = watched[2]
    assert cast(Followed, last).frames == 2
    assert begun == [0, 2]


def test_a_line_that_is_too_long_is_said() -> None:
    waiting = [Run().watch(lambda: Followed({}, (), (), 0, 0.0, "")) for _ in range(MOST_IN_LINE + 1)]
    first = Event()
    held = Run().watch(lambda: Followed({}, (), (), int(first.wait(20)), 0.0, ""))
    next(held)
    for each in waiting[: MOST_IN_LINE - 1]:
        next(each)
    with pytest.raises(UserError, match="in line already"):
        next(waiting[-1])
    for each in waiting:
        each.close()
    first.set()
    list(held)
