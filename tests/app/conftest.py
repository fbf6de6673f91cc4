"""One page for all tests of this room: the drawn members, the built-in checkpoints, a real server."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from ive_segmentation.app import launch
from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.demo.clips import ClipFrame
from ive_segmentation.demo.dataset import draw_dataset
from ive_segmentation.demo.filming import film
from ive_segmentation.demo.truth import Scene
from ive_segmentation.loading import load_pipeline
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.settings import Settings, load_settings
from ive_segmentation.setup.install import BROWSERS
from ive_segmentation.writing import write_png
from tests.conftest import REPOSITORY

# No sandbox because tests run as root in containers; the rest keeps the browser from talking to its maker.
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Six drawn pictures of each member, and two files in it that must be left out."""
    folder = tmp_path_factory.mktemp("page")
    dataset = draw_dataset(folder / "Dataset", pictures=6)
    shutil.copy(REPOSITORY / "Dataset" / "members.toml", dataset)
    (dataset / "Naoi_Rei" / "broken.jpg").write_text("not a picture")
    shutil.copy(dataset / "Naoi_Rei" / "drawn-01.jpg", dataset / "Naoi_Rei" / "again.jpg")
    return load_settings(
        dataset=dataset,
        bank=str(folder / "bank"),
        faces=str(CHECKPOINTS / "faces"),
        sam3=str(CHECKPOINTS / "sam3"),
        word_cache=folder / "words",
    )


@pytest.fixture(scope="session")
def pipeline(settings: Settings) -> Pipeline:
    """Everything loaded."""
    pipeline = load_pipeline(settings)
    assert pipeline.notices == {}
    return pipeline


def free_port() -> int:
    """A port that nobody has: suites run side by side, and a page asked for at another's port replaces it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def is_free(port: int) -> bool:
    """Whether a server could have the port."""
    with suppress(OSError):
        socket.create_server(("127.0.0.1", port)).close()
        return True
    return False


@pytest.fixture(scope="session")
def address(pipeline: Pipeline) -> str:
    """A page that is served; it ends with the process."""
    return launch(pipeline, port=free_port())


@pytest.fixture(scope="session")
def picture(trio: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wonyoung, Yujin and Rei, drawn side by side; Wonyoung wears a shirt."""
    path = tmp_path_factory.mktemp("pictures") / "three members.png"
    write_png(path, trio.image)
    return path


@pytest.fixture(scope="session")
def clip(trio: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same three for two seconds, with sound, while the camera pans; enough work to be watched at."""
    return _filmed(trio, tmp_path_factory.mktemp("videos") / "three members.mp4", frames=20)


@pytest.fixture(scope="session")
def long_clip(trio: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of them: nobody is done with it while another page is looked at."""
    return _filmed(trio, tmp_path_factory.mktemp("videos") / "three members at length.mp4", frames=600)


def _filmed(trio: Scene, path: Path, frames: int) -> Path:
    persons, things = range(len(trio.persons)), range(len(trio.things))
    owners = tuple(thing.owner for thing in trio.things)

    def panned(number: int) -> Scene:
        shift = number // 3 % 8
        moved = np.pad(trio.image[:, shift:], [(0, 0), (0, shift), (0, 0)], mode="edge")
        return replace(trio, image=moved)

    film(
        path,
        (
            ClipFrame(number, 0, panned(number), tuple(persons), tuple(things), owners)
            for number in range(frames)
        ),
        fps=10,
    )
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium, or whichever browser of its family is installed."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip(f"no browser is installed (looked for {', '.join(BROWSERS)})")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, opened on a desktop."""
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector("#run")
    yield page
    page.close()
