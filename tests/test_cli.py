"""The command line's contracts: what is printed for machines, what for people, and how it fails."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image

from ive_segmentation import cli
from ive_segmentation.cli import main
from ive_segmentation.demo.dataset import draw_dataset
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.result import Result
from ive_segmentation.settings import Settings
from tests.conftest import REPOSITORY

Run = Callable[..., tuple[int, str, str]]


def test_a_package_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import something_that_is_missing")
    command = [sys.executable, "-m", "ive_segmentation", "prompt", "Rei"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=REPOSITORY, env=environment
    )
    assert done.returncode == 1
    assert "something_that_is_missing is not installed" in done.stderr
    assert "Traceback" not in done.stderr


ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # not on Windows


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Call the command line in this process; returns exit code, stdout, stderr."""
    before = {number: signal.getsignal(number) for number in ENDING}

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ive_segmentation", *(str(argument) for argument in arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    yield call
    # What it listens to, or no longer does, must not go on to the next tests and the programs they start.
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def dataset(real_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photos of each of two members: enough to be named, quick to embed."""
    folder = tmp_path_factory.mktemp("dataset")
    for member in ("Jang_Wonyoung", "Naoi_Rei"):
        (folder / member).mkdir()
        for photo in sorted((real_photos / member).iterdir())[:3]:
            shutil.copy(photo, folder / member)
    return folder


@pytest.fixture(scope="module")
def bank(dataset: Path, real_faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bank") / "bank"
    places = ["--dataset", str(dataset), "--faces", str(real_faces), "--bank", str(path)]
    build = [sys.executable, "-m", "ive_segmentation", "bank", "build", *places]
    subprocess.run(build, check=True, capture_output=True)
    return path


@pytest.fixture
def photo(real_photos: Path) -> Path:
    """A photo of Rei that is not in the bank."""
    return sorted((real_photos / "Naoi_Rei").iterdir())[3]


@pytest.mark.parametrize(
    "command",
    ["", "doctor", "prompt", "bank", "bank build", "bank show", "bank audit", "identify", "segment", "app",
     "demo", "demo scene", "demo dataset", "demo train", "video"],
)  # fmt: skip
def test_every_command_explains_itself(command: str, run: Run) -> None:
    code, out, _ = run(*command.split(), "--help")
    assert code == 0
    assert "Usage" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["segment"],
        ["segment", "picture.jpg"],
        ["prompt"],
        ["prompt", ""],
        ["prompt", "Karina's shirt"],
        ["prompt", "Wonyoung", "--dataset", "/no/such/folder"],
        ["bank", "build", "--faces", "/no/such/folder"],
        ["bank", "show", "--bank", "/no/such/bank"],
        ["bank", "show", "--bank", "~nobody at home/bank"],
        ["bank", "build", "--dataset", Settings.dataset, "--faces", "~nobody at home/faces"],
        ["segment", "/no/such/picture.jpg", "Wonyoung", "--out", "/tmp/never"],
        ["demo", "dataset", "--out", __file__],
        ["app", "--port", "99999"],
        ["video", __file__, "Rei", "--out", "/tmp/never", "--format", "gif"],
        ["app", "--host", "10.99.99.99"],
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_exit_code_1(arguments: list[str], run: Run) -> None:
    code, out, err = run(*arguments)
    assert code == 1
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err
    assert "`--help`" not in err or ". `--help` shows" in err
    assert "Value error" not in err


def test_a_full_disk_is_one_line(run: Run) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no device that is always full")
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "ive_segmentation", "prompt", "Wonyoung"]
        done = subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.strip() == "The output cannot be written: no space left on the device."


def test_ctrl_c_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_settings: Settings) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ive_segmentation.doctor.check", stop)
    code, _, err = run("doctor")
    assert (code, err.strip()) == (130, "Stopped.")


def test_who_was_taken_out_since_the_bank_was_built_is_not_named(
    dataset: Path, real_faces: Path, photo: Path, tmp_path: Path
) -> None:
    mine = Path(shutil.copytree(dataset, tmp_path / "photos"))
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "IVE_FACES": str(real_faces)}

    def told(*command: object) -> Any:
        words = [
            sys.executable,
            "-m",
            "ive_segmentation",
            *map(str, command),
            "--dataset",
            str(mine),
            "--json",
        ]
        return json.loads(subprocess.run(words, check=True, capture_output=True, env=environment).stdout)

    told("bank", "build")
    assert told("identify", photo)[0]["faces"][0]["candidate"] == "Naoi_Rei"
    shutil.rmtree(mine / "Naoi_Rei")
    assert told("identify", photo)[0]["faces"][0]["candidate"] == "Jang_Wonyoung"


def test_who_only_reads_makes_no_folder(tmp_path: Path, run: Run) -> None:
    code, _, err = run("bank", "show", "--bank", tmp_path / "typo")
    assert (code, list(tmp_path.iterdir())) == (1, [])
    assert "There is no bank" in err


@pytest.mark.parametrize(
    ("moment", "second"),
    [("72.5", 72.5), ("1:12.5", 72.5), ("1:00:03", 3603.0), ("0:01", 1.0)]
    + [(odd, None) for odd in ("-1", "1:-5", "-0:30", "1_0", "1:2:3:4", "nan", ":" * 200, "")],
)
def test_moments_of_a_video(moment: str, second: float | None) -> None:
    if second is None:
        with pytest.raises(typer.BadParameter, match="no moment"):
            cli._seconds(moment)
    else:
        assert cli._seconds(moment) == second


def test_prompt_for_machines(run: Run) -> None:
    code, out, _ = run("prompt", "Rei and Liz's shoes", "--json")
    assert code == 0
    assert json.loads(out) == {
        "level": "possession",
        "requests": [{"people": ["Naoi_Rei", "Kim_Jiwon"], "thing": "shoe"}],
        "messages": [],
    }
    _, out, _ = run("prompt", "everyone except Rei", "--json")
    assert json.loads(out)["requests"] == [{"people": ["*"], "thing": None, "but": ["Naoi_Rei"]}]


def test_prompt_for_people_says_who_is_left_out(run: Run) -> None:
    _, out, _ = run("prompt", "everyone's shoes except Rei's and Liz's")
    assert out == "possession: everyone except Rei and Liz → shoe\n"


@pytest.mark.parametrize("options", [["prompt", "Wonyoung's shirt"], ["prompt", "원영의 자켓", "--json"]])
def test_a_pipe_of_another_alphabet_is_written_to_all_the_same(options: list[str]) -> None:
    """As on Windows, where what goes into a file is cp1252 unless one asks for something else."""
    # The words of the command itself are Unicode there, whatever the locale of whoever runs this.
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"}
    command = [sys.executable, "-m", "ive_segmentation", *options]
    done = subprocess.run(command, check=True, capture_output=True, env=environment)
    assert done.stdout.decode("utf-8")


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("Rei and Liz's shoes", "possession: Rei and Liz → shoe"),
        ("strangers", "identity: strangers → the person"),
        ("everyone's hat", "possession: everyone → hat"),
        ("hat", "concept: any → hat"),
    ],
)
def test_how_a_prompt_is_read_in_words(text: str, reads: str, run: Run) -> None:
    assert run("prompt", text)[1].strip() == reads


def test_prompt_of_other_people(tmp_path: Path, run: Run) -> None:
    (tmp_path / "Ada_Lovelace").mkdir()
    _, out, _ = run("prompt", "Ada's hat", "--dataset", tmp_path, "--json")
    assert json.loads(out)["requests"] == [{"people": ["Ada_Lovelace"], "thing": "hat"}]


def test_bank_build_then_show(dataset: Path, real_faces: Path, bank: Path, run: Run) -> None:
    code, out, _ = run("bank", "build", "--dataset", dataset, "--faces", real_faces, "--bank", bank, "--json")
    again = json.loads(out)
    assert code == 0
    assert again["embedded"] == 0
    assert set(again["members"]) == {"Jang_Wonyoung", "Naoi_Rei"}
    _, shown, _ = run("bank", "show", "--bank", bank, "--json")
    assert json.loads(shown)["members"] == again["members"]
    places = ("--dataset", dataset, "--faces", real_faces, "--bank", bank)
    assert "none read anew, none taken out" in run("bank", "build", *places)[1]
    assert "read anew" not in run("bank", "show", "--bank", bank)[1]  # what the last build did is over


def test_bank_audit_for_machines(bank: Path, run: Run) -> None:
    code, out, _ = run("bank", "audit", "--bank", bank, "--json")
    assert code == 0
    few = {advice["member"] for advice in json.loads(out)["advice"]}
    assert few == {"Jang_Wonyoung", "Naoi_Rei"}  # three photos each are few


def test_identify_for_machines(bank: Path, real_faces: Path, photo: Path, run: Run) -> None:
    code, out, _ = run("identify", photo, "--bank", bank, "--faces", real_faces, "--json")
    (answer,) = json.loads(out)
    assert code == 0
    assert answer["image"] == str(photo)
    (face,) = answer["faces"]
    assert len(face["box"]) == 4
    assert face["candidate"] == "Naoi_Rei"
    assert face["runner_up"] == "Jang_Wonyoung"
    assert -1 <= face["runner_up_similarity"] <= face["similarity"] <= 1
    assert all(path.startswith("Naoi_Rei/") for path in face["evidence"])


def test_identify_goes_on_after_a_broken_picture(
    bank: Path, real_faces: Path, photo: Path, tmp_path: Path, run: Run
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_text("no picture")
    code, out, err = run("identify", broken, photo, "--bank", bank, "--faces", real_faces, "--json")
    assert code == 1
    assert [len(answer["faces"]) for answer in json.loads(out)] == [0, 1]
    assert len(err.strip().splitlines()) == 1
    assert [answer["image"] for answer in json.loads(out)] == [str(broken), str(photo)]
    _, out, _ = run("identify", broken, photo, "--bank", bank, "--faces", real_faces)
    assert [line for line in out.splitlines() if " face" in line] == [f"{photo}: 1 face"]


def _segment(run: Run, photo: Path, prompt: str, out: Path, **places: Path) -> tuple[int, dict[str, Any]]:
    options = [word for name, place in places.items() for word in (f"--{name}", place)]
    code, printed, _ = run("segment", photo, prompt, "--out", out, "--json", *options)
    return code, json.loads(printed)


def test_segment_writes_what_it_says(
    dataset: Path, bank: Path, real_faces: Path, small_sam3: Path, photo: Path, tmp_path: Path, run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("IVE_SAM3_THRESHOLD", "0")  # random weights are sure of nothing
    places = {"dataset": dataset, "bank": bank, "faces": real_faces, "sam3": small_sam3}
    code, printed = _segment(run, photo, "hat", tmp_path / "out", **places)
    assert code == 0
    result = Result.load(tmp_path / "out" / "result.json")
    assert printed["segments"] == result.to_dict()["segments"]
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert sorted(Path(file).name for file in printed["files"]) == files
    assert len(files) == 2 + 2 * len(result.segments)
    assert result.segments
    for number, segment in enumerate(result.segments, start=1):
        (mask,) = (tmp_path / "out").glob(f"mask_{number:02d}_*.png")
        (cutout,) = (tmp_path / "out").glob(f"cutout_{number:02d}_*.png")
        assert np.array_equal(np.array(Image.open(mask)) > 0, segment.mask)
        assert Image.open(cutout).mode == "RGBA"


def test_segment_without_sam3_still_names_the_faces(
    dataset: Path, bank: Path, real_faces: Path, photo: Path, tmp_path: Path, run: Run
) -> None:
    places = {"dataset": dataset, "bank": bank, "faces": real_faces, "sam3": tmp_path}
    code, printed = _segment(run, photo, "Rei", tmp_path / "out", **places)
    assert code == 1
    assert printed["segments"] == []
    assert [person["match"]["candidate"] for person in printed["persons"]] == ["Naoi_Rei"]
    assert any("config.json" in message for message in printed["messages"])
    assert (tmp_path / "out" / "overlay.png").exists()


def test_segment_without_a_bank_is_no_answer(
    real_faces: Path, small_sam3: Path, photo: Path, tmp_path: Path, run: Run
) -> None:
    """A script must not take it for "she is not in the picture"."""
    dataset = tmp_path / "dataset"
    (dataset / "Naoi_Rei").mkdir(parents=True)
    (dataset / "Naoi_Rei" / "broken.jpg").write_text("no picture")
    places = {"dataset": dataset, "bank": tmp_path / "bank", "faces": real_faces, "sam3": small_sam3}
    code, printed = _segment(run, photo, "Rei", tmp_path / "out", **places)
    assert code == 1
    assert not any("was not found" in message for message in printed["messages"])
    assert _segment(run, photo, "hat", tmp_path / "out", **places)[0] == 0


def test_a_second_answer_takes_the_place_of_the_first(
    dataset: Path, bank: Path, real_faces: Path, photo: Path, tmp_path: Path, run: Run
) -> None:
    places = {"dataset": dataset, "bank": bank, "faces": real_faces, "sam3": tmp_path}
    out = tmp_path / "out"
    out.mkdir()
    own = {"mask of my own.png", "mask_0001_left.png"}
    for name in (*own, "mask_01_liz_shirt.png"):
        (out / name).touch()
    _segment(run, photo, "Rei", out, **places)
    answer = {"overlay.png", "result.json"}
    # There was no answer before: all of it is the user's.
    assert {path.name for path in out.iterdir()} == {*own, *answer, "mask_01_liz_shirt.png"}
    _segment(run, photo, "Rei", out, **places)
    assert {path.name for path in out.iterdir()} == {*own, *answer}


def test_a_folder_that_cannot_be_is_refused_before_anything_is_loaded(
    photo: Path, tmp_path: Path, run: Run
) -> None:
    (tmp_path / "file").touch()
    code, out, err = run("segment", photo, "Rei", "--out", tmp_path / "file" / "below", "--sam3", tmp_path)
    assert (code, out) == (1, "")
    assert "is a file" in err


def test_names_that_are_no_text(dataset: Path, real_faces: Path, photo: Path, tmp_path: Path) -> None:
    """As archives made on Korean Windows leave them on Linux."""
    copy = shutil.copytree(dataset, tmp_path / "dataset")
    odd = os.fsdecode(b"\xbf\xf8.jpg")
    shutil.copy(photo, copy / "Naoi_Rei" / odd)
    shutil.copy(photo, tmp_path / odd)
    bank = str(tmp_path / "bank")
    command = [sys.executable, "-m", "ive_segmentation"]
    places = ["--faces", str(real_faces), "--bank", bank]
    built = subprocess.run(
        [*command, "bank", "build", "--dataset", str(copy), "--json", *places],
        check=True,
        capture_output=True,
    )
    assert json.loads(built.stdout)["members"]["Naoi_Rei"] == 4
    named = subprocess.run(
        [*command, "identify", os.fsencode(tmp_path / odd), *places], check=True, capture_output=True
    )
    assert b": 1 face\n" in named.stdout


def test_an_empty_folder_gives_the_demos_members(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ive_segmentation.demo.dataset.draw_dataset_once", lambda _: tmp_path / "drawn")
    (tmp_path / "drawn" / "Kim_Jiwon").mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    code, out, _ = run("prompt", "Jiwon's shirt", "--dataset", tmp_path / "mine", "--json")
    assert (code, json.loads(out)["requests"]) == (0, [{"people": ["Kim_Jiwon"], "thing": "shirt"}])


def test_in_the_demo_no_face_of_a_photo_is_named(
    photo: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = draw_dataset(tmp_path / "cache" / "drawn", pictures=2)
    (tmp_path / "mine").mkdir()
    monkeypatch.setattr("ive_segmentation.demo.stand_in.CACHE", tmp_path / "cache")
    monkeypatch.setattr("ive_segmentation.demo.dataset.draw_dataset_once", lambda _: drawn)
    monkeypatch.setenv("IVE_DATASET", str(tmp_path / "mine"))
    code, out, err = run("identify", photo, "--json")
    assert code == 1
    assert "This looks real" in json.loads(out)[0]["error"]
    assert "This is the demo" in err


def test_with_built_in_faces_that_were_chosen_neither(
    photo: Path, pipeline: Pipeline, tmp_path: Path, run: Run
) -> None:
    chosen = ("--faces", pipeline.settings.faces, "--bank", pipeline.settings.bank)
    code, out, _ = run("identify", photo, *chosen, "--dataset", pipeline.settings.dataset, "--json")
    assert code == 1
    assert "This looks real" in json.loads(out)[0]["error"]


@pytest.mark.parametrize("command", [["bank", "show"], ["bank", "audit"]])
def test_with_no_photos_every_command_is_the_demos(
    command: list[str], tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ive_segmentation.demo.stand_in.CACHE", tmp_path)
    monkeypatch.setattr("ive_segmentation.demo.dataset.draw_dataset_once", lambda folder: folder)
    monkeypatch.setenv("IVE_DATASET", str(tmp_path))
    code, _, err = run(*command)
    assert code == 1
    assert "This is the demo" in err
    assert str(tmp_path / "demo-bank") in err


def test_doctor_for_machines(run: Run) -> None:
    _, out, _ = run("doctor", "--json")
    checks = json.loads(out)
    assert {check["status"] for check in checks} <= {"ok", "warn", "fail"}
    assert all(check["remedy"] for check in checks if check["status"] != "ok")


@pytest.mark.parametrize("number", ENDING)
def test_whatever_ends_a_command_ends_it_in_order(run: Run, number: signal.Signals) -> None:
    """`kill` and a closed terminal are Ctrl-C; what that leaves behind is asked where files are written."""
    signal.signal(number, signal.SIG_DFL)  # where nohup runs the tests it is ignored
    run("prompt", "shirt", "--dataset", "none")
    assert callable(signal.getsignal(number))  # or the next line would end the tests
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    assert signal.getsignal(number) == signal.SIG_IGN  # a second one does not come into the putting away
