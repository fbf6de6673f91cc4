"""The notebook runs from top to bottom: on a fresh clone, with one's own models, and with none to be had."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import nbformat
import pytest

from ive_segmentation.app.serve import HOST, PORT
from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.demo.clips import draw_clip
from ive_segmentation.demo.dataset import draw_dataset
from ive_segmentation.demo.filming import film
from ive_segmentation.demo.stand_in import demo_notice
from ive_segmentation.setup import notebook as player
from tests.small_sam3 import write_small_sam3

NOTEBOOK = Path(__file__).resolve().parent.parent / "main.ipynb"
SECTIONS = [
    "Settings",
    "1. Environment",
    "2. Identity bank",
    "3. Models",
    "4. The pipeline",
    "5. Video",
    "6. The page",
]
STEPS = [
    "Step 1: the picture and the prompt",
    "Step 2: who is in the picture",
    "Step 3: what is where",
    "Step 4: whose is it",
    "Step 5: the answer",
]
LONGEST = 30  # lines of a cell that still fits on a screen


def test_it_is_committed_without_outputs() -> None:
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_every_cell_is_short_and_stands_under_words() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert [cell.cell_type for cell in cells[:2]] == ["markdown", "markdown"]
    for cell in cells:
        assert cell.cell_type == "markdown" or len(cell.source.splitlines()) <= LONGEST


def test_it_tells_the_story_in_order() -> None:
    headings = list(dict.fromkeys(cell.heading for cell in player.read_cells(NOTEBOOK)))
    assert [heading for heading in headings if heading in SECTIONS] == SECTIONS
    assert [heading for heading in headings if heading in STEPS] == STEPS


def test_it_says_how_the_page_is_seen_from_another_machine() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    (words,) = [cell.source for cell in cells if SECTIONS[-1] in cell.source]
    assert f"ssh -L {PORT}:{HOST}:{PORT}" in words


@dataclass
class Shown:
    """What the cells under each heading showed."""

    printed: dict[str, str] = field(default_factory=lambda: defaultdict(str))
    images: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    tables: dict[str, str] = field(default_factory=lambda: defaultdict(str))
    progress: dict[str, str] = field(default_factory=lambda: defaultdict(str))
    page: str = ""


def be_alone(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Let neither the caches of whoever runs the tests nor the network lend what the case leaves out."""
    alone = {"XDG_CACHE_HOME": str(cache), "HF_HOME": str(cache / "hf"), "HF_HUB_OFFLINE": "1"}
    for name, value in {**alone, **environment}.items():
        monkeypatch.setenv(name, value)


def run_all(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, cache: Path, video: Path | None = None
) -> Shown:
    """Execute every cell in a kernel, with a video where one is given, and fetch the page left open."""
    be_alone(environment, monkeypatch, cache)
    shown = Shown()
    with player.kernel(NOTEBOOK.parent) as (manager, client):
        for cell in player.read_cells(NOTEBOOK):

            def keep(message: dict[str, Any], heading: str = cell.heading) -> None:
                content = message["content"]
                if message["msg_type"] == "stream":
                    streams = {"stdout": shown.printed, "stderr": shown.progress}
                    streams[content["name"]][heading] += content["text"]
                html = content.get("data", {}).get("text/html", "")
                shown.images[heading] += "image/png" in content.get("data", {}) or "plotly" in html
                shown.tables[heading] += html if "<table" in html else ""

            source = cell.source.replace("VIDEO = None", f"VIDEO = {str(video)!r}") if video else cell.source
            player.execute(manager, client, source, keep)
        (address,) = player.ADDRESS.findall(shown.printed[SECTIONS[-1]])
        with urlopen(address, timeout=10) as answer:
            shown.page = answer.read().decode()
    return shown


def expect_bank_and_page(shown: Shown) -> None:
    assert shown.tables["1. Environment"].count("<table") == 1
    assert "text-align: left" in shown.tables["1. Environment"]
    assert "<table" in shown.tables["Reading the photos"]
    assert shown.images["Faces in the bank"] == 1
    assert shown.images["How alike the members look"] == 1
    assert "IVE Segmentation" in shown.page


def test_a_fresh_clone_runs_on_the_drawn_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Dataset").mkdir()
    shown = run_all({"IVE_DATASET": str(tmp_path / "Dataset")}, monkeypatch, tmp_path)
    assert shown.printed["Settings"].strip() == demo_notice(tmp_path / "Dataset")
    expect_bank_and_page(shown)
    for step in STEPS:
        assert shown.images[step] == 1, step
    assert re.findall("<td>(.*)</td>", shown.tables[STEPS[0]]) == ["Wonyoung", "shirt"]
    assert shown.tables[STEPS[1]].count("<table") == 1
    assert not re.search(r"\d\.\d{3}", shown.tables[STEPS[1]])
    assert shown.images["Everything in one call"] == 1
    frames = re.findall(r"Looking at frame \d+", shown.progress["Everything in one call"])
    assert len(frames) == len(set(frames)) > 0
    assert shown.images["Who is on screen when"] == 1


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_dataset(tmp_path_factory.mktemp("photos"), pictures=3)


def test_models_and_photos_of_ones_own(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {
        "IVE_DATASET": str(photos),
        "IVE_FACES": str(CHECKPOINTS / "faces"),
        "IVE_SAM3": str(write_small_sam3(tmp_path / "sam3")),
        "IVE_SAM3_THRESHOLD": "0",  # random weights are sure of nothing, and every step shall have instances
    }
    video = tmp_path / "own.mp4"
    film(video, draw_clip(0, seconds=0.5, size=(320, 240), fps=10, moves=[]), 10)
    shown = run_all(own, monkeypatch, tmp_path, video)
    assert "This is the demo" not in shown.printed["Settings"]
    expect_bank_and_page(shown)
    for step in STEPS:
        assert shown.images[step] == 1, step
    assert "5 frames in" in shown.printed["Everything in one call"]
    assert shown.images["Everything in one call"] == 1
    assert shown.images["Who is on screen when"] == 1


MISTAKES = [
    ("PROMPT = None", 'PROMPT = "Zorblax\'s shirt"', '"Zorblax" is no member.'),
    ("PICTURE = None", "PICTURE = 'nowhere.jpg'", "nowhere.jpg does not exist."),
    ("VIDEO = None", "VIDEO = 'nowhere.mp4'", "nowhere.mp4 is not a file."),
    ("load_settings()", "load_settings(datset='photos')", "There is no setting datset."),
    ("load_settings()", "load_settings(resolution='high')", "IVE_RESOLUTION='high' is not a whole number."),
]


def test_a_mistake_in_the_first_cell_is_answered_there_in_a_sentence(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_alone({"IVE_DATASET": str(photos), "IVE_SAM3": str(CHECKPOINTS / "sam3")}, monkeypatch, tmp_path)
    settings = player.read_cells(NOTEBOOK)[0].source
    with player.kernel(NOTEBOOK.parent) as (_, client):
        for good, bad, words in MISTAKES:
            shown: list[dict[str, Any]] = []
            client.execute_interactive(settings.replace(good, bad), output_hook=shown.append)
            errors = [message["content"] for message in shown if message["msg_type"] == "error"]
            assert [line.startswith(words) for error in errors for line in error["traceback"]] == [True], bad
